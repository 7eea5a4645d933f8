import { describe, expect, it } from 'vitest'
import { exportBlob, openBundle } from '../../../src/packs/bundle.ts'
import { createClips, withClips } from '../../../src/packs/clips.ts'
import { costOf } from '../../../src/packs/cost.ts'
import { createInstaller, type InstallerDeps } from '../../../src/packs/install.ts'
import { chunksOf, pathsOf } from '../../../src/packs/layout.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { openPack } from '../../../src/packs/open.ts'
import { listPending, statusOf } from '../../../src/packs/status.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { MAX_CLIP_BYTES } from '../../../src/protocol/clips.ts'
import type { Manifest } from '../../../src/protocol/manifest.ts'
import { createStaticSite } from '../../helpers/static-site.ts'
import { KEEP, noise, type SyntheticPack, syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'
import { tone } from '../../helpers/tone.ts'

const signer = await throwAwaySigner()
const url = 'https://hub.test/packs/leaf/'

const SW = { healthy: 'clips/healthy.sw.wav', rust: 'clips/rust.sw.wav', unsure: 'clips/unsure.sw.wav' }
const AR = { rust: 'clips/rust.ar.wav' }

function record(manifest: Manifest): void {
  const [healthy, rust] = manifest.labels
  if (!healthy || !rust) throw new Error('the synthetic pack has other labels now')
  healthy.clips = { sw: SW.healthy }
  rust.clips = { sw: SW.rust, ar: AR.rust }
  manifest.clips = { unsure: { sw: SW.unsure } }
}

const files = {
  [KEEP]: noise(40_000, 11),
  [AR.rust]: tone(0.6, 300),
  [SW.healthy]: tone(0.5, 400),
  [SW.rust]: tone(0.7, 500),
  [SW.unsure]: tone(0.4, 600),
}
const one = await syntheticPack({ signer, files, edit: record })
const two = await syntheticPack({
  signer,
  version: '1.1.0',
  files: { ...files, [SW.rust]: tone(0.7, 550) },
  edit: record,
})

function setUp(pack: SyntheticPack = one, more: Partial<InstallerDeps> = {}) {
  const site = createStaticSite()
  site.publish('/packs/leaf/', pack)
  const store = createMemoryStore()
  // One request for each run of chunks: what is not wanted never comes along with what is.
  const deps: InstallerDeps = {
    store,
    exclusive: memoryLocks(),
    trusted: [signer.key],
    chooseAll: withClips(store, pathsOf),
    fetch: site.fetch,
    gap: 0,
    ...more,
  }
  return { site, store, deps, installer: createInstaller(deps), clips: createClips(store) }
}

const bytesOf = ({ manifest }: SyntheticPack, paths: readonly string[]): number =>
  chunksOf(manifest, paths).reduce((sum, index) => sum + (manifest.blob.chunks[index]?.length ?? 0), 0)
const swahili = bytesOf(one, Object.values(SW))
const arabic = bytesOf(one, Object.values(AR))
const model = bytesOf(one, [KEEP])
const blobBytes = ({ requests }: { requests: readonly { path: string; bytes: number }[] }): number =>
  requests.filter(({ path }) => path.endsWith('.bin')).reduce((sum, { bytes }) => sum + bytes, 0)

describe('recordings of a pack', () => {
  it('stay where they are as long as nobody wants a language', async () => {
    const { site, store, installer, clips } = setUp()
    await installer.install(url)
    expect(blobBytes(site)).toBe(model)
    expect(await clips.stock('leaf')).toEqual({
      ar: { bytes: arabic, have: 0, kept: false },
      sw: { bytes: swahili, have: 0, kept: false },
    })
    expect(await clips.read('leaf', { label: 'rust' }, 'sw')).toBeUndefined()
    expect(await listPending(store, withClips(store, pathsOf))).toEqual([])
  })

  it('come along in the one language that is wanted, at the cost that was told', async () => {
    const { site, store, installer, clips } = setUp()
    await clips.want('sw')
    const cost = await costOf(one.manifest, { store, choose: withClips(store, pathsOf) })
    expect(cost.bytes).toBe(model + swahili)
    await installer.install(url)
    expect(blobBytes(site)).toBe(model + swahili)
    expect(await clips.stock('leaf')).toMatchObject({ ar: { have: 0 }, sw: { have: swahili } })
    const clip = await clips.read('leaf', { label: 'rust' }, 'sw')
    expect(clip?.type).toBe('audio/wav')
    expect(new Uint8Array((await clip?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(files[SW.rust])
    expect((await clips.read('leaf', 'unsure', 'sw-TZ'))?.size).toBe(files[SW.unsure]?.length)
    expect(await clips.read('leaf', 'unknown', 'sw')).toBeUndefined()
    expect(await clips.read('leaf', { label: 'rust' }, 'ar')).toBeUndefined()
    expect(await store.listPending()).toEqual([])
  })

  it('of a language that is wanted later are fetched later, and nothing else with them', async () => {
    const { site, store, installer, clips } = setUp()
    await clips.want('sw')
    await installer.install(url)
    await clips.want('ar')
    // What runs is as whole as it was.
    expect(await statusOf(store, 'leaf', pathsOf)).toMatchObject({ state: 'ready', bytes: model, have: model })
    const before = blobBytes(site)
    await installer.fetchClips('leaf', 'ar', url)
    expect(blobBytes(site) - before).toBe(arabic)
    expect((await clips.read('leaf', { label: 'rust' }, 'ar'))?.size).toBe(files[AR.rust]?.length)
    await installer.fetchClips('leaf', 'ar', url)
    expect(blobBytes(site) - before).toBe(arabic)
  })

  it('that are damaged count as not here, and are fetched again', async () => {
    const { store, installer, clips } = setUp()
    await clips.want('sw')
    await installer.install(url)
    const [index = -1] = chunksOf(one.manifest, [SW.rust])
    await store.putChunk(one.manifest.blob.chunks[index]?.sha256 ?? '', new Uint8Array(5))
    expect(await clips.read('leaf', { label: 'rust' }, 'sw')).toBeUndefined()
    expect((await clips.stock('leaf')).sw?.have).toBeLessThan(swahili)
    await installer.fetchClips('leaf', 'sw', url)
    expect(await clips.read('leaf', { label: 'rust' }, 'sw')).toBeDefined()
  })

  it('are updated by what changed in the language that is wanted', async () => {
    const { site, store, installer, clips } = setUp()
    await clips.want('sw')
    await installer.install(url)
    site.publish('/packs/leaf/', two)
    const changed = bytesOf(two, [SW.rust])
    expect((await costOf(two.manifest, { store, choose: withClips(store, pathsOf) })).bytes).toBe(changed)
    const before = blobBytes(site)
    expect(await installer.install(url)).toMatchObject({ version: '1.1.0', state: 'ready' })
    expect(blobBytes(site) - before).toBe(changed)
    expect(await clips.stock('leaf')).toMatchObject({ sw: { have: bytesOf(two, Object.values(SW)) } })
  })

  it('do not stand in the way of an older version that has to come back', async () => {
    const { site, installer, clips } = setUp(one, { keepPrevious: true })
    await installer.install(url)
    await clips.want('sw')
    site.publish('/packs/leaf/', two)
    await installer.install(url)
    expect(await installer.rollBack('leaf')).toBe(true)
  })

  it('go along in a file as far as they are here, and are not asked of one that lacks them', async () => {
    const giver = setUp()
    await giver.clips.want('ar')
    await giver.installer.install(url)
    const file = await exportBlob(giver.store, 'leaf')
    const taker = setUp(one, { fetch: () => Promise.reject(new TypeError('no network')) })
    await taker.clips.want('sw')
    await taker.installer.installFrom(await openBundle(file, taker.store))
    expect(await taker.clips.stock('leaf')).toEqual({
      ar: { bytes: arabic, have: arabic, kept: true },
      sw: { bytes: swahili, have: 0, kept: false },
    })
    expect(await taker.store.listPending()).toEqual([])
    // Where it came from nobody knows: they are looked for where the pack is on offer.
    const online = createInstaller({ ...taker.deps, fetch: giver.site.fetch })
    await online.fetchClips('leaf', 'sw', url)
    expect(await taker.clips.read('leaf', { label: 'rust' }, 'sw')).toBeDefined()
  })

  it('never make another pack go: a device that is full says so', async () => {
    const asked: string[] = []
    const { store, deps, installer } = setUp()
    await installer.install(url)
    const full: typeof store = {
      ...store,
      putChunk: () => Promise.reject(Object.assign(new Error('full'), { name: 'QuotaExceededError' })),
    }
    const poor = createInstaller({
      ...deps,
      store: full,
      makeRoom: async (_, forPack) => {
        asked.push(forPack)
        return 0
      },
    })
    await expect(poor.fetchClips('leaf', 'sw', url)).rejects.toThrow('full')
    expect(asked).toEqual([])
    expect((await openPack(store, 'leaf')).digest).toBe(one.digest)
  })

  it('that are no sound, or far too long, are refused with their name', async () => {
    const bad = await syntheticPack({
      signer,
      files: { ...files, [SW.rust]: noise(3000, 5), [SW.healthy]: tone(MAX_CLIP_BYTES / 16_000 + 1) },
      edit: record,
    })
    const { installer, clips } = setUp(bad)
    await clips.want('sw')
    await installer.install(url)
    for (const name of ['rust', 'healthy'])
      await expect(clips.read('leaf', { label: name }, 'sw')).rejects.toMatchObject({
        code: 'pack/bad-clip',
        message: expect.stringContaining(`clips/${name}.sw.wav`),
      })
    await expect(clips.read('none', 'unsure', 'sw')).rejects.toMatchObject({ code: 'pack/absent' })
  })
})

it('a manifest that names a recording which is not in it is refused', async () => {
  const { site, installer } = setUp()
  const lying = await syntheticPack({
    signer,
    files,
    edit: (manifest) => {
      record(manifest)
      manifest.clips = { unsure: { sw: 'clips/none.wav' } }
    },
  })
  site.publish('/packs/leaf/', lying)
  await expect(installer.install(url)).rejects.toMatchObject({ code: 'pack/bad-manifest' })
})
