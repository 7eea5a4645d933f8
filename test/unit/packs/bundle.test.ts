import { describe, expect, it } from 'vitest'
import { type Bytes, concat, utf8 } from '../../../src/lib/bytes.ts'
import { bundleHead, exportBlob, exportBundle, openBundle } from '../../../src/packs/bundle.ts'
import { createInstaller, type InstallerDeps } from '../../../src/packs/install.ts'
import type { Choose } from '../../../src/packs/layout.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { openPack } from '../../../src/packs/open.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { createStaticSite } from '../../helpers/static-site.ts'
import { KEEP, syntheticPack } from '../../helpers/synthetic-pack.ts'

const pack = await syntheticPack()
const everything: Choose = ({ files }) => files.map(({ path }) => path)

async function sender() {
  const site = createStaticSite()
  site.publish('/packs/leaf/', pack)
  const store = createMemoryStore()
  await createInstaller({
    store,
    exclusive: memoryLocks(),
    trusted: [pack.key],
    fetch: site.fetch,
    choose: everything,
  }).install('https://hub.test/packs/leaf/')
  return store
}

function receiver(more: Partial<InstallerDeps> = {}) {
  const store = more.store ?? createMemoryStore()
  const fetch = (): Promise<Response> => Promise.reject(new TypeError('no network'))
  return { store, installer: createInstaller({ store, exclusive: memoryLocks(), trusted: [pack.key], fetch, ...more }) }
}

const file = new Blob([
  bundleHead(
    pack.text,
    pack.chunkBytes.map((_, i) => i),
  ),
  pack.blob,
])
const damagedAt = async (at: number) => {
  const bytes = new Uint8Array(await file.arrayBuffer())
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return new Blob([bytes])
}

describe('a pack as one file', () => {
  it('goes from one phone to another without a network', async () => {
    const exported = await exportBlob(await sender(), 'leaf')
    expect(exported.name).toBe('leaf-1.0.0.jikopack')
    expect(new Uint8Array(await exported.arrayBuffer())).toEqual(new Uint8Array(await file.arrayBuffer()))
    const { store, installer } = receiver()
    const bundle = await openBundle(exported, store)
    const progress: number[] = []
    const status = await installer.installFrom(bundle, {
      onProgress: ({ done, total }) => void progress.push(done / total),
    })
    expect(status).toMatchObject({ name: 'leaf', state: 'ready', digest: pack.digest })
    expect(progress.at(-1)).toBe(1)
    const { readFile } = await openPack(store, 'leaf')
    expect(await readFile(KEEP)).toEqual(pack.files.get(KEEP))
    expect(await readFile('card.md')).toEqual(pack.files.get('card.md'))
  })

  it('says how long the stream will be', async () => {
    const { size, stream } = await exportBundle(await sender(), 'leaf')
    expect((await new Response(stream).arrayBuffer()).byteLength).toBe(size)
    expect(size).toBe(file.size)
  })

  it('shares what is here of a pack, which suffices for the like of this device', async () => {
    const store = await sender()
    for (const index of pack.manifest.files[1]?.chunks ?? []) {
      await store.deleteChunk(pack.manifest.blob.chunks[index]?.sha256 ?? '')
    }
    const half = await exportBlob(store, 'leaf')
    expect(half.size).toBeLessThan(file.size)
    const to = receiver()
    const bundle = await openBundle(half, to.store)
    expect(await to.installer.installFrom(bundle)).toMatchObject({ state: 'ready' })
    const wants = receiver({ choose: everything })
    const again = await openBundle(half, wants.store)
    await expect(wants.installer.installFrom(again)).rejects.toMatchObject({
      code: 'pack/incomplete-bundle',
    })
  })

  it('does not pass damage on', async () => {
    const store = await sender()
    await store.putChunk(pack.manifest.blob.chunks[2]?.sha256 ?? '', utf8('rust'))
    await expect(exportBlob(store, 'leaf')).rejects.toMatchObject({ code: 'pack/damaged' })
    await expect(exportBlob(store, 'bean')).rejects.toMatchObject({ code: 'pack/absent' })
  })

  it('carries on where an import was cut off', async () => {
    const bytes = new Uint8Array(await file.arrayBuffer())
    const { store, installer } = receiver()
    const cut = await openBundle(new Blob([bytes.slice(0, file.size - 20_000)]), store)
    await expect(installer.installFrom(cut)).rejects.toMatchObject({ code: 'pack/corrupt' })
    const held = (await store.listChunks()).length
    expect(held).toBeGreaterThan(1)
    let copied = 0
    const counting = {
      ...store,
      putChunk(sha: string, chunk: Bytes) {
        copied++
        return store.putChunk(sha, chunk)
      },
    }
    const whole = await openBundle(file, counting)
    expect(await installer.installFrom(whole)).toMatchObject({ state: 'ready' })
    expect(copied).toBe(pack.chunkBytes.length - held)
  })

  it('keeps the address of updates that it knew before', async () => {
    const store = await sender()
    const { installer } = receiver({ store })
    const bundle = await openBundle(file, store)
    await installer.installFrom(bundle)
    expect(JSON.parse((await store.getNote('origin/leaf')) ?? '{}')).toMatchObject({
      urls: ['https://hub.test/packs/leaf/'],
    })
  })

  it.each([
    ['a photo', new Blob([new Uint8Array([0xff, 0xd8, 0xff, 0xe0])]), 'pack/bad-bundle'],
    ['empty', new Blob([]), 'pack/bad-bundle'],
    ['without its second line', new Blob(['jiko-bundle/1\n{"manifest":']), 'pack/bad-bundle'],
    ['of a later format', new Blob(['jiko-bundle/2\n{}\n']), 'pack/bad-bundle'],
    ['with a head that is not JSON', new Blob(['jiko-bundle/1\nhello\n']), 'pack/bad-bundle'],
    ['with a null for a head', new Blob(['jiko-bundle/1\nnull\n']), 'pack/bad-bundle'],
    ['with a wrong field', new Blob(['jiko-bundle/1\n{"manifest":-1,"chunks":[]}\n']), 'pack/bad-bundle'],
    ['with a chunk that the pack does not have', new Blob([bundleHead(pack.text, [9999])]), 'pack/bad-bundle'],
    ['with a chunk twice', new Blob([bundleHead(pack.text, [0, 0])]), 'pack/bad-bundle'],
    ['cut off in the manifest', file.slice(0, 400), 'pack/bad-manifest'],
    ['with a manifest that is not text', new Blob([bundleHead('', []), concat()]), 'pack/bad-manifest'],
  ])('refuses a file that is %s', async (_, bad, code) => {
    await expect(openBundle(bad, createMemoryStore())).rejects.toMatchObject({ code })
  })

  it('refuses damage anywhere behind the head, and a signer it does not trust', async () => {
    for (const at of [file.size - 1, file.size - pack.blob.length + 5]) {
      const { store, installer } = receiver()
      const bundle = await openBundle(await damagedAt(at), store)
      await expect(installer.installFrom(bundle)).rejects.toMatchObject({ code: 'pack/corrupt' })
      expect(await store.listManifests()).toEqual([])
    }
    const { store, installer } = receiver({ trusted: [] })
    const bundle = await openBundle(file, store)
    await expect(installer.installFrom(bundle)).rejects.toMatchObject({ code: 'pack/untrusted' })
    expect(await store.listChunks()).toEqual([])
  })
})
