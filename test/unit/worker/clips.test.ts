import { describe, expect, it } from 'vitest'
import { exportBlob, openBundle } from '../../../src/packs/bundle.ts'
import { createInstaller } from '../../../src/packs/install.ts'
import { pathsOf } from '../../../src/packs/layout.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { previousKey, unspokenKey } from '../../../src/packs/notes.ts'
import { statusOf } from '../../../src/packs/status.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import type { Manifest } from '../../../src/protocol/manifest.ts'
import { openClips } from '../../../src/worker/clips.ts'
import { createStaticSite } from '../../helpers/static-site.ts'
import { KEEP, noise, syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'
import { tone } from '../../helpers/tone.ts'

const signer = await throwAwaySigner()
/** Swahili and Arabic; that the model is not sure is the same sound in both. */
const files = {
  [KEEP]: noise(40_000, 11),
  'rust.sw.wav': tone(0.7, 500),
  'rust.ar.wav': tone(0.6, 300),
  'unsure.sw.wav': tone(0.4, 600),
  'unsure.ar.wav': tone(0.4, 600),
}
function record(manifest: Manifest): void {
  const [label] = manifest.labels
  if (!label) throw new Error('the synthetic pack has no labels now')
  label.clips = { sw: 'rust.sw.wav', ar: 'rust.ar.wav' }
  manifest.clips = { unsure: { sw: 'unsure.sw.wav', ar: 'unsure.ar.wav' } }
}
const pack = await syntheticPack({ signer, files, edit: record })
const alike = await syntheticPack({ signer, name: 'other', files, edit: record })
const newer = await syntheticPack({
  signer,
  version: '1.1.0',
  files: { ...files, 'rust.sw.wav': tone(0.7, 550) },
  edit: record,
})

async function setUp() {
  const site = createStaticSite()
  site.publish('/packs/leaf/', pack)
  site.publish('/packs/other/', alike)
  const store = createMemoryStore()
  const exclusive = memoryLocks()
  const installer = createInstaller({ store, exclusive, trusted: [signer.key], fetch: site.fetch })
  const clips = openClips(store, exclusive)
  await installer.install('https://hub.test/packs/leaf/')
  for (const language of ['sw', 'ar']) await installer.fetchClips('leaf', language, 'https://hub.test/packs/leaf/')
  const said = (what: 'unsure' | { label: string }, language: string) => clips.read('leaf', what, language)
  const label = pack.manifest.labels[0]?.id ?? ''
  const drop = (name = 'leaf', language = 'sw') => clips.drop(name, language)
  return { site, store, installer, clips, said, rust: { label }, drop }
}

describe('recordings that are taken away', () => {
  it('are those of one language: what another speaks, and the pack, are as whole as they were', async () => {
    const { store, clips, said, rust, drop, installer } = await setUp()
    const before = await statusOf(store, 'leaf', pathsOf)
    await drop()
    expect(await said(rust, 'sw')).toBeUndefined()
    expect((await said(rust, 'ar'))?.size).toBe(files['rust.ar.wav'].length)
    expect((await said('unsure', 'ar'))?.size).toBe(files['unsure.ar.wav'].length)
    expect(await statusOf(store, 'leaf', pathsOf)).toEqual(before)
    const { ar } = await clips.stock('leaf')
    expect(ar?.have).toBe(ar?.bytes)
    await drop()
    // Whoever speaks it again has it again.
    await installer.fetchClips('leaf', 'sw', 'https://hub.test/packs/leaf/')
    expect((await said(rust, 'sw'))?.size).toBe(files['rust.sw.wav'].length)
  })

  it('stay where another pack needs them', async () => {
    const { installer, said, rust, drop } = await setUp()
    await installer.install('https://hub.test/packs/other/')
    await drop()
    expect((await said(rust, 'sw'))?.size).toBe(files['rust.sw.wav'].length)
  })

  it('go in spite of a version that is on its way or may come back: it has them in that language too', async () => {
    const { store, said, rust, drop } = await setUp()
    await store.putPending('leaf', { url: 'https://hub.test/packs/leaf/', text: newer.text })
    await store.putNote(previousKey('leaf'), pack.text)
    await drop()
    expect(await said(rust, 'sw')).toBeUndefined()
    expect(await said(rust, 'ar')).toBeDefined()
  })

  describe('one file spoken in two languages', () => {
    const url = 'https://hub.test/packs/leaf/'
    async function share() {
      const shared = await syntheticPack({
        signer,
        files,
        edit(manifest) {
          record(manifest)
          const [label] = manifest.labels
          // Kinyarwanda speakers hear what Swahili speakers do.
          if (label?.clips) label.clips = { ...label.clips, rw: 'rust.sw.wav' }
        },
      })
      const { store, installer, clips, site, ...rest } = await setUp()
      site.publish('/packs/leaf/', shared)
      await installer.remove('leaf')
      await installer.install(url)
      const kept = async (): Promise<string[]> =>
        Object.entries(await clips.stock('leaf')).flatMap(([tag, stock]) => (stock.kept ? tag : []))
      return { ...rest, store, installer, clips, kept }
    }

    it('goes for one of them and stays for the other, and is gone with the last', async () => {
      const { installer, said, rust, drop, kept, clips } = await share()
      for (const language of ['sw', 'rw']) await installer.fetchClips('leaf', language, url)
      expect(await kept()).toEqual(['rw', 'sw'])
      await drop('leaf', 'rw')
      expect(await kept()).toEqual(['sw'])
      expect((await said(rust, 'sw'))?.size).toBe(files['rust.sw.wav'].length)
      await drop('leaf', 'rw')
      expect(await kept()).toEqual(['sw'])
      await drop('leaf', 'sw')
      expect(await kept()).toEqual([])
      expect(await said(rust, 'sw')).toBeUndefined()
      expect((await clips.stock('leaf')).rw?.have).toBe(0)
    })

    it('is here for it again once it is fetched, becomes the one that is wanted, or comes in a file', async () => {
      const { store, installer, drop, kept, clips } = await share()
      await installer.fetchClips('leaf', 'sw', url)
      await drop('leaf', 'rw')
      await installer.fetchClips('leaf', 'rw-RW', url)
      expect(await kept()).toEqual(['rw', 'sw'])
      await drop('leaf', 'rw')
      await clips.want('rw')
      expect(await kept()).toEqual(['rw', 'sw'])
      await drop('leaf', 'rw')
      await installer.installFrom(await openBundle(await exportBlob(store, 'leaf'), store))
      expect(await kept()).toEqual(['rw', 'sw'])
    })

    it('is not here for a language that nobody fetched, and of which only that is here', async () => {
      const { installer, drop, kept, said } = await share()
      await installer.fetchClips('leaf', 'ar', url)
      expect(await kept()).toEqual(['ar'])
      await drop('leaf', 'ar')
      expect(await kept()).toEqual([])
      expect(await said('unsure', 'sw')).toBeUndefined()
    })

    it('goes with the pack, and a note that cannot be read says nothing', async () => {
      const { store, installer, drop, kept } = await share()
      await installer.fetchClips('leaf', 'sw', url)
      await drop('leaf', 'rw')
      await store.putNote(unspokenKey('leaf'), '"rw"')
      expect(await kept()).toEqual(['rw', 'sw'])
      await drop('leaf', 'rw')
      await installer.remove('leaf')
      expect(await store.getNote(unspokenKey('leaf'))).toBeUndefined()
    })
  })

  it('stay where it cannot be read what else needs them, and are of no pack that is not here', async () => {
    const { store, said, rust, drop } = await setUp()
    await store.putManifest('future', '{"format":"of a newer app"}\n')
    await drop()
    expect(await said(rust, 'sw')).toBeDefined()
    await expect(drop('none')).rejects.toMatchObject({ code: 'pack/absent' })
  })
})
