import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import { type DownloadDeps, download } from '../../../src/packs/download.ts'
import { openPartialFile, type SyncFile } from '../../../src/packs/partial.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { createMemoryFile } from '../../helpers/memory-file.ts'
import { createScriptedServer } from '../../helpers/scripted-fetch.ts'
import { noise, seeded, syntheticPack } from '../../helpers/synthetic-pack.ts'

const pack = await syntheticPack({ files: { 'model.plan': noise(40_000, 3) }, chunkSize: 10_000 })
const { chunks, length } = pack.manifest.blob
const job = { chunks, wanted: chunks.map((_, index) => index), mirrors: ['https://hub.test/chunks.bin'] }

function setUp(open?: () => Promise<SyncFile>) {
  const server = createScriptedServer(pack.blob, { random: seeded(1), fault: () => 'none', piece: 500 })
  const store = createMemoryStore()
  let received = 0
  const deps = (kill: () => void, at: number): DownloadDeps => ({
    store,
    fetch: server.fetch,
    watchdog: server.watchdog,
    sleep: async () => undefined,
    ...(open && { openPartial: () => openPartialFile(open) }),
    spend(bytes) {
      received += bytes
      if (received >= at) kill()
    },
  })
  return {
    store,
    received: () => received,
    /** One life; ends at so many bytes. */
    async live(at = Number.POSITIVE_INFINITY): Promise<unknown> {
      const controller = new AbortController()
      return download(
        job,
        deps(() => controller.abort(), at),
        { signal: controller.signal },
      ).catch((error) => error)
    },
    async exact(): Promise<void> {
      for (const [i, { sha256 }] of chunks.entries()) expect(await store.getChunk(sha256)).toEqual(pack.chunkBytes[i])
    },
  }
}

describe('the chunk that is coming', () => {
  it('is kept byte by byte: a kill costs what was on the wire', async () => {
    const file = createMemoryFile()
    const { live, received, exact } = setUp(file.open)
    const kills = [3000, 9000, 15_000, 27_000, 39_000]
    for (const kill of kills) expect(await live(kill)).toMatchObject({ name: 'AbortError' })
    expect(await live()).toMatchObject({})
    await exact()
    expect(received()).toBeGreaterThanOrEqual(length)
    expect(received()).toBeLessThanOrEqual(length + kills.length * 1000)
  })

  it('is fetched again when what was kept of it is damaged, of another chunk, or no chunk at all', async () => {
    for (const spoil of [
      (file: ReturnType<typeof createMemoryFile>) => file.damage(100),
      (file: ReturnType<typeof createMemoryFile>) => file.damage(3),
      (file: ReturnType<typeof createMemoryFile>) => void file.bytes.fill(255, 0, 64),
    ]) {
      const file = createMemoryFile()
      const { live, exact } = setUp(file.open)
      await live(5000)
      expect(file.bytes.length).toBeGreaterThan(64)
      spoil(file)
      expect(await live()).not.toBeInstanceOf(Error)
      await exact()
    }
  })

  it('costs a single byte when the kill came between its last byte and its place in the store', async () => {
    const file = createMemoryFile()
    const partial = await openPartialFile(file.open)
    partial?.add(chunks[0]?.sha256 ?? '', 0, pack.chunkBytes[0] ?? new Uint8Array())
    partial?.close()
    const { live, exact, received } = setUp(file.open)
    expect(await live()).not.toBeInstanceOf(Error)
    await exact()
    expect(received()).toBe(length - (chunks[0]?.length ?? 0) + 1)
  })

  it('is not believed when more of it was kept than there is', async () => {
    const file = createMemoryFile()
    const partial = await openPartialFile(file.open)
    partial?.add(chunks[0]?.sha256 ?? '', 0, noise(20_000, 9))
    partial?.close()
    const { live, exact } = setUp(file.open)
    expect(await live()).not.toBeInstanceOf(Error)
    await exact()
  })

  it('comes all the same where it cannot be kept: no such file, another tab has it, no room', async () => {
    const busy = createMemoryFile()
    await busy.open()
    const full: () => Promise<SyncFile> = async () => ({
      ...(await createMemoryFile().open()),
      write() {
        throw new DOMException('full', 'QuotaExceededError')
      },
    })
    for (const open of [async () => Promise.reject(new TypeError('no OPFS')), busy.open, full]) {
      const { live, exact } = setUp(open)
      expect(await live()).not.toBeInstanceOf(Error)
      await exact()
    }
  })

  it('is named by its hash', async () => {
    const file = createMemoryFile()
    const partial = await openPartialFile(file.open)
    expect(partial?.left()).toBeUndefined()
    const sha256 = await sha256Hex(noise(10, 1))
    partial?.add(sha256, 0, noise(10, 1))
    partial?.add(sha256, 10, noise(5, 2))
    expect(partial?.left()).toEqual({ sha256, bytes: Uint8Array.from([...noise(10, 1), ...noise(5, 2)]) })
  })
})
