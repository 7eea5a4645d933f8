import { describe, expect, it } from 'vitest'
import { createPacks } from '../../../src/client/packs.ts'
import type { WorkerCall, WorkerHost } from '../../../src/client/worker-host.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { parseSignedManifest } from '../../../src/protocol/manifest.ts'
import type { InstalledPack, Offers, PendingPack } from '../../../src/protocol/worker.ts'
import { syntheticPack } from '../../helpers/synthetic-pack.ts'

const BASE = new URL('https://hub.test/packs/')
const URL_OF_PACK = 'https://hub.test/packs/leaf/manifest.ndjson'
const pack = await syntheticPack()
const { manifest, digest, text } = pack

interface World {
  installed: InstalledPack[]
  pending: PendingPack[]
  evicted: string[]
  offers: Offers
  install: (url: unknown, options: unknown) => Promise<unknown>
  check: () => Promise<boolean>
}

const entry = {
  name: 'leaf',
  version: '1.0.0',
  digest,
  url: 'leaf/manifest.ndjson',
  bytes: 1000,
  title: manifest.title,
  description: manifest.description,
}
const status = { name: 'leaf', version: '1.0.0', digest, bytes: 1000, have: 1000 }
const ready: InstalledPack = { ...status, state: 'ready', signed: parseSignedManifest(text) }
const pending: PendingPack = { ...status, state: 'downloading', have: 400, url: URL_OF_PACK }

function setUp(change: Partial<World> = {}, saved: Record<string, unknown> = {}) {
  const world: World = {
    installed: [],
    pending: [],
    evicted: [],
    offers: { packs: [entry], updates: [] },
    install: async () => ready,
    check: async () => true,
    ...change,
  }
  const asked: unknown[] = []
  const from: unknown[] = []
  const persisted = { times: 0 }
  const api = {
    offers: async () => world.offers,
    check: () => world.check(),
    list: async () => world.installed,
    pending: async () => world.pending,
    evicted: async () => world.evicted,
    install: (_job: string, url: unknown, _progress: unknown, options: unknown) => {
      asked.push(options)
      from.push(url)
      return world.install(url, options)
    },
    remove: async () => undefined,
  }
  const host: WorkerHost = {
    call: <T>(work: WorkerCall<T>) => work(api as unknown as Parameters<WorkerCall<T>>[0], '1', undefined),
    warm: () => undefined,
    recycle: () => undefined,
  }
  const settings = new Map(Object.entries(saved))
  const packs = createPacks({
    host,
    base: BASE,
    settings: { get: async (key) => settings.get(key), set: async (key, value) => void settings.set(key, value) },
    persist: async () => ++persisted.times,
    taught: {
      list: async () => [],
      exportFile: async () => undefined,
      importFile: async () => undefined,
      remove: async () => false,
    },
  })
  return { packs, world, asked, from, persisted }
}

describe('packs of the kit', () => {
  it('are paused by a person, until they go on', async () => {
    const stop = new AbortController()
    const { packs, world } = setUp({
      pending: [pending],
      install: async () => {
        stop.abort()
        stop.signal.throwIfAborted()
      },
    })
    expect((await packs.list())[0]).not.toHaveProperty('paused')
    await expect(packs.install('https://hub.test/packs/leaf/', { signal: stop.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
    expect((await packs.list())[0]).toMatchObject({ state: 'downloading', paused: true, have: 400 })
    world.install = async () => {
      throw new JikoError('download/network', 'no network')
    }
    await expect(packs.install(URL_OF_PACK)).rejects.toMatchObject({ code: 'download/network' })
    expect((await packs.list())[0]).not.toHaveProperty('paused')
  })

  it('tell the worker what is still to come, and that a person wants it anyway', async () => {
    const { packs, asked } = setUp({ pending: [pending] })
    await packs.list()
    await packs.install(URL_OF_PACK)
    await packs.install(URL_OF_PACK, { anyway: true })
    expect(asked).toEqual([
      { anyway: false, background: false, bytes: 600 },
      { anyway: true, background: false, bytes: 600 },
    ])
  })

  it('say what they need besides to hide faces, whether that is here, and what it costs', async () => {
    const asking = { ...entry, finder: 'face-finder' }
    const finder = { ...entry, name: 'face-finder', url: 'face-finder/manifest.ndjson', bytes: 300 }
    const offers = { packs: [asking, finder], updates: [] }
    const { packs, world, asked } = setUp({ offers })
    expect((await packs.list()).map((one) => one.finder)).toEqual([
      { name: 'face-finder', ready: false, bytes: 300 },
      undefined,
    ])
    // Refused before the first byte where there is no room for both, which is said before.
    await packs.install(URL_OF_PACK)
    expect(asked).toEqual([expect.objectContaining({ bytes: 1300 })])
    const form = { blurFaces: 'face-finder', questions: [] }
    const signed = { ...ready.signed, manifest: { ...manifest, form } }
    world.installed = [{ ...ready, signed }]
    world.offers = { packs: [entry], updates: [] }
    expect((await packs.list())[0]?.finder).toEqual({ name: 'face-finder', ready: false })
    const own = { ...ready.signed, manifest: { ...manifest, name: 'face-finder' } }
    world.installed = [
      { ...ready, signed },
      { ...ready, name: 'face-finder', signed: own },
    ]
    expect((await packs.list())[0]?.finder).toEqual({ name: 'face-finder', ready: true, bytes: 0 })
  })

  it('count what an update newly asks for to hide faces, in its cost, its time and its room', async () => {
    const update = { ...entry, version: '1.1.0', digest: 'e'.repeat(64), bytes: 70 }
    const finder = { ...entry, name: 'face-finder', url: 'face-finder/manifest.ndjson', bytes: 300 }
    const listed = [{ ...entry, version: '1.1.0', finder: finder.name }, finder]
    const offers = { packs: listed, updates: [update], bytesPerSecond: 10, free: 100 }
    const { packs, world, asked } = setUp({ installed: [ready], offers })
    const costly = { version: '1.1.0', bytes: 370, begun: false, finder: 300 }
    expect((await packs.list())[0]).toMatchObject({ state: 'ready', update: costly, seconds: 37, room: 100 })
    await packs.install(URL_OF_PACK)
    expect(asked).toEqual([expect.objectContaining({ bytes: 370 })])
    // One that is under way still has it to come.
    world.pending = [{ ...pending, version: '1.1.0', have: 980 }]
    expect((await packs.list())[0]?.update).toEqual({ ...costly, bytes: 320, begun: true })
    const own = { ...ready.signed, manifest: { ...manifest, name: finder.name } }
    world.installed = [ready, { ...ready, name: finder.name, signed: own }]
    expect((await packs.list())[0]?.update).toEqual({ version: '1.1.0', bytes: 20, begun: true })
  })

  it('say what is to come takes, and when there is no room for it', async () => {
    const offers = { packs: [entry], updates: [], bytesPerSecond: 50 }
    const { packs, world } = setUp({ offers })
    expect((await packs.list())[0]).toMatchObject({ seconds: 20 })
    expect((await packs.list())[0]).not.toHaveProperty('room')
    world.pending = [pending]
    world.offers = { ...offers, free: 500 }
    expect((await packs.list())[0]).toMatchObject({ seconds: 12, room: 500 })
    world.pending = []
    world.installed = [ready]
    expect((await packs.list())[0]).not.toHaveProperty('seconds')
  })

  it('come from several addresses, the browser is asked to keep them, and a pause is of the first', async () => {
    const stop = new AbortController()
    const { packs, world, from, persisted } = setUp({ pending: [pending] })
    const urls = [URL_OF_PACK, 'https://cloud.test/packs/leaf/']
    await packs.install(urls)
    expect(from).toEqual([urls])
    expect(persisted.times).toBe(1)
    world.install = async () => {
      stop.abort()
      stop.signal.throwIfAborted()
    }
    await expect(packs.install(urls, { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect((await packs.list())[0]).toMatchObject({ paused: true })
    expect(persisted.times).toBe(1)
  })

  it('that were here are missed, whether the browser or we took them, and not when a person did', async () => {
    const { packs, world } = setUp({ installed: [ready] })
    expect((await packs.list())[0]).not.toHaveProperty('gone')
    world.installed = []
    expect((await packs.list())[0]).toMatchObject({ state: 'absent', gone: 'lost' })
    world.evicted = ['leaf']
    expect((await packs.list())[0]).toMatchObject({ gone: 'evicted' })
    await packs.remove('leaf')
    expect((await packs.list())[0]).not.toHaveProperty('gone')
  })

  it('can be newer: the old one stays ready, and one that was begun says what is left', async () => {
    const update = { name: 'leaf', version: '1.1.0', digest: 'e'.repeat(64), url: URL_OF_PACK, bytes: 70 }
    const { packs, world } = setUp({ installed: [ready], offers: { packs: [entry], updates: [update] } })
    const offered = { version: '1.1.0', bytes: 70, begun: false }
    expect((await packs.list())[0]).toMatchObject({ state: 'ready', version: '1.0.0', update: offered })
    world.pending = [{ ...pending, version: '1.1.0', have: 980 }]
    expect((await packs.list())[0]).toMatchObject({ state: 'ready', update: { ...offered, bytes: 20, begun: true } })
  })

  it('are asked for when none are known; a login page or no network is no failure, a mistake of ours is', async () => {
    const { packs, world } = setUp({ offers: { packs: [], updates: [] } })
    world.check = async () => {
      throw new JikoError('download/captive-portal', 'a login page')
    }
    expect(await packs.list()).toEqual([])
    expect(await packs.check()).toBe(false)
    world.check = async () => {
      throw new TypeError('a mistake')
    }
    await expect(packs.check()).rejects.toThrow('a mistake')
  })

  it('survive settings that are not theirs', async () => {
    const { packs } = setUp({ pending: [pending] }, { 'packs.paused': 'x', 'packs.here': { leaf: 1 } })
    expect(await packs.list()).toMatchObject([{ name: 'leaf', state: 'downloading' }])
  })
})
