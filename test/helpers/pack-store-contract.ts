import { describe, expect, it } from 'vitest'
import type { Bytes } from '../../src/lib/bytes.ts'
import type { NoteStore } from '../../src/packs/notes.ts'
import type { PackStore } from '../../src/packs/store.ts'

const A = 'a'.repeat(64)
const B = 'b'.repeat(64)
const bytes = (length: number, fill: number): Bytes => new Uint8Array(length).fill(fill)

/**
 * What every pack store must do; `make` gives an empty one that holds at most `quota` bytes.
 * With `quota: false` the store's room cannot be set to the byte, and being full is tested elsewhere.
 */
export function packStoreContract(
  name: string,
  make: (quota?: number) => Promise<PackStore & NoteStore>,
  { quota = true } = {},
): void {
  describe(`pack store contract: ${name}`, () => {
    it('is empty at first', async () => {
      const store = await make()
      expect(await store.getChunk(A)).toBeUndefined()
      expect(await store.hasChunk(A)).toBe(false)
      expect(await store.getManifest('leaf')).toBeUndefined()
      expect(await store.getPending('leaf')).toBeUndefined()
      expect(await store.getNote('ledger')).toBeUndefined()
      expect([await store.listChunks(), await store.listManifests(), await store.listPending()]).toEqual([[], [], []])
    })

    it('gives chunks back byte for byte and survives the caller reusing its buffer', async () => {
      const store = await make()
      const mine = Uint8Array.from({ length: 300 }, (_, i) => i & 255)
      await store.putChunk(A, mine)
      mine.fill(0)
      const first = await store.getChunk(A)
      expect(first).toEqual(Uint8Array.from({ length: 300 }, (_, i) => i & 255))
      first?.fill(9)
      expect((await store.getChunk(A))?.[1]).toBe(1)
    })

    it('puts a chunk twice as if once, and a part of a larger buffer as only that part', async () => {
      const store = await make()
      await store.putChunk(A, bytes(10, 1))
      await store.putChunk(A, new Uint8Array([9, 8, 7, 6, 5]).subarray(1, 4))
      expect(await store.getChunk(A)).toEqual(new Uint8Array([8, 7, 6]))
      expect(await store.listChunks()).toEqual([A])
    })

    it('deletes and lists chunks, and deleting what is not there is no error', async () => {
      const store = await make()
      await store.putChunk(A, bytes(1, 1))
      await store.putChunk(B, bytes(1, 2))
      expect((await store.listChunks()).sort()).toEqual([A, B])
      await store.deleteChunk(A)
      await store.deleteChunk(A)
      expect(await store.hasChunk(A)).toBe(false)
      expect(await store.listChunks()).toEqual([B])
    })

    it('keeps manifests, pending installs, notes and chunks apart', async () => {
      const store = await make()
      await store.putManifest('leaf', 'line\nsignature\n')
      await store.putPending('leaf', { url: 'https://hub.test/packs/leaf/', text: 'nächste\nsignature\n' })
      await store.putNote('used/leaf', 'yesterday')
      await store.putChunk(A, bytes(3, 3))
      expect(await store.getManifest('leaf')).toBe('line\nsignature\n')
      expect(await store.getPending('leaf')).toEqual({
        url: 'https://hub.test/packs/leaf/',
        text: 'nächste\nsignature\n',
      })
      expect(await store.getNote('used/leaf')).toBe('yesterday')
      expect([await store.listManifests(), await store.listPending()]).toEqual([['leaf'], ['leaf']])
      await store.deletePending('leaf')
      await store.deleteNote('used/leaf')
      expect(await store.listPending()).toEqual([])
      expect(await store.getNote('used/leaf')).toBeUndefined()
      expect(await store.getManifest('leaf')).toBe('line\nsignature\n')
      await store.deleteManifest('leaf')
      expect(await store.listManifests()).toEqual([])
      expect(await store.listChunks()).toEqual([A])
    })

    it('replaces a manifest in one put', async () => {
      const store = await make()
      await store.putManifest('leaf', 'one')
      await store.putManifest('leaf', 'two')
      expect(await store.getManifest('leaf')).toBe('two')
      expect(await store.listManifests()).toEqual(['leaf'])
    })

    if (quota)
      it('says storage/quota when full, with figures, and half-writes nothing', async () => {
        const store = await make(1000)
        await store.putChunk(A, bytes(800, 1))
        await expect(store.putChunk(B, bytes(400, 2))).rejects.toMatchObject({
          name: 'JikoError',
          code: 'storage/quota',
          detail: { bytes: 400, quota: 1000, usage: 800 },
        })
        expect(await store.listChunks()).toEqual([A])
        expect(await store.getChunk(A)).toEqual(bytes(800, 1))
        await store.deleteChunk(A)
        await store.putChunk(B, bytes(400, 2))
        expect(await store.hasChunk(B)).toBe(true)
      })
  })
}
