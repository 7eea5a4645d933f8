import { describe, expect, it } from 'vitest'
import { createGovernor } from '../../../src/packs/governor.ts'
import { createInstaller } from '../../../src/packs/install.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { findLost, remember, type Witness } from '../../../src/packs/loss.ts'
import { openPack } from '../../../src/packs/open.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { createStaticSite } from '../../helpers/static-site.ts'
import { KEEP, noise, type SyntheticPack, syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'

const signer = await throwAwaySigner()
const packs = new Map<string, SyntheticPack>()
for (const [index, name] of ['bean', 'leaf', 'maize', 'soil'].entries()) {
  packs.set(name, await syntheticPack({ signer, name, files: { [KEEP]: noise(20_000, index + 20) } }))
}

async function setUp(quota?: number) {
  const site = createStaticSite()
  for (const [name, pack] of packs) site.publish(`/packs/${name}/`, pack)
  const store = createMemoryStore(quota === undefined ? {} : { quota })
  let at = 1000
  const evicted: string[] = []
  const governor = createGovernor({ store, now: () => at++, onEvict: (name) => void evicted.push(name) })
  const installer = createInstaller({
    store,
    exclusive: memoryLocks(),
    trusted: [signer.key],
    fetch: site.fetch,
    makeRoom: (bytes, name) => governor.makeRoom(bytes, { keep: [name] }),
  })
  const install = (name: string) => installer.install(`https://hub.test/packs/${name}/`)
  return { store, governor, installer, install, evicted }
}

describe('governor', () => {
  it('makes room for a new pack by the one that was used longest ago', async () => {
    const { store, governor, install, evicted } = await setUp(65_000)
    for (const name of ['bean', 'leaf', 'maize']) {
      await install(name)
      await governor.touch(name)
    }
    await governor.touch('bean')
    expect((await governor.uses()).map(({ name }) => name)).toEqual(['leaf', 'maize', 'bean'])
    await install('soil')
    expect(evicted).toEqual(['leaf'])
    expect((await store.listManifests()).sort()).toEqual(['bean', 'maize', 'soil'])
    for (const name of ['bean', 'maize', 'soil']) {
      const { readFile } = await openPack(store, name)
      expect(await readFile(KEEP)).toEqual(packs.get(name)?.files.get(KEEP))
    }
  })

  it('leaves pinned packs alone for another pack, and says that the device is full', async () => {
    const { store, governor, install, evicted } = await setUp(45_000)
    for (const name of ['bean', 'leaf']) {
      await install(name)
      await governor.pin(name, true)
    }
    await expect(install('soil')).rejects.toMatchObject({ code: 'storage/quota' })
    expect(evicted).toEqual([])
    expect((await store.listManifests()).sort()).toEqual(['bean', 'leaf'])
    await governor.pin('bean', false)
    await install('soil')
    expect(evicted).toEqual(['bean'])
  })

  it('gives up pinned packs last, and only when told that records need the room', async () => {
    const { governor, install, evicted } = await setUp()
    for (const name of ['bean', 'leaf', 'maize']) await install(name)
    await governor.pin('bean', true)
    expect(await governor.makeRoom(1_000_000)).toBeGreaterThan(40_000)
    expect(evicted).toEqual(['leaf', 'maize'])
    expect(await governor.makeRoom(1, { pinned: true })).toBeGreaterThan(20_000)
    expect(evicted).toEqual(['leaf', 'maize', 'bean'])
    expect(await governor.makeRoom(1, { pinned: true })).toBe(0)
  })

  it('throws rubbish away before any pack, and nothing that is being installed', async () => {
    const { store, governor, install, evicted } = await setUp()
    await install('bean')
    await store.putChunk('f'.repeat(64), new Uint8Array(500))
    const soil = packs.get('soil')
    const [chunk] = soil?.manifest.blob.chunks ?? []
    await store.putPending('soil', { url: '', text: soil?.text ?? '' })
    await store.putChunk(chunk?.sha256 ?? '', soil?.chunkBytes[0] ?? new Uint8Array())
    expect(await governor.makeRoom(500)).toBe(500)
    expect(evicted).toEqual([])
    await governor.makeRoom(1_000_000, { pinned: true })
    expect(await store.hasChunk(chunk?.sha256 ?? '')).toBe(true)
  })

  it('survives a damaged note of last use', async () => {
    const { store, governor, install } = await setUp()
    await install('bean')
    await store.putNote('used/bean', 'yesterday')
    expect(await governor.uses()).toMatchObject([{ name: 'bean', used: 0, pinned: false }])
  })
})

describe('loss of the store', () => {
  it('is noticed, but not what was removed on purpose', async () => {
    const { store, installer, install } = await setUp()
    let known: readonly string[] | undefined
    const witness: Witness = {
      get: async () => known,
      async set(names) {
        known = names
      },
    }
    expect(await findLost(store, witness)).toEqual([])
    for (const name of ['bean', 'leaf']) await install(name)
    await remember(store, witness)
    expect(await findLost(store, witness)).toEqual([])
    expect(await findLost(createMemoryStore(), witness)).toEqual(['bean', 'leaf'])
    await installer.remove('bean')
    await remember(store, witness)
    expect(await findLost(store, witness)).toEqual([])
  })
})
