import { describe, expect, it } from 'vitest'
import { fromUtf8 } from '../../../src/lib/bytes.ts'
import { createInstaller, type InstallerDeps } from '../../../src/packs/install.ts'
import { pathsOf } from '../../../src/packs/layout.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import type { NoteStore } from '../../../src/packs/notes.ts'
import { openPack } from '../../../src/packs/open.ts'
import { listInstalled, listPending, statusOf } from '../../../src/packs/status.ts'
import type { PackStore } from '../../../src/packs/store.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { createStaticSite } from '../../helpers/static-site.ts'
import { KEEP, noise, type SyntheticPack, syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'

const signer = await throwAwaySigner()
const weights = noise(40_000, 11)
const changed = weights.slice()
changed.fill(1, 20_000, 20_100)
const one = await syntheticPack({ signer, files: { [KEEP]: weights, 'card.md': noise(2000, 1) } })
const two = await syntheticPack({ signer, version: '1.1.0', files: { [KEEP]: changed, 'card.md': noise(2000, 2) } })
const url = 'https://hub.test/packs/leaf/'

function setUp(more: Partial<InstallerDeps> = {}) {
  const site = createStaticSite()
  site.publish('/packs/leaf/', one)
  const store = more.store ?? createMemoryStore()
  const deps: InstallerDeps = {
    store,
    exclusive: memoryLocks(),
    trusted: [signer.key],
    fetch: site.fetch,
    sleep: async (_, signal) => signal?.throwIfAborted(),
    random: () => 0.5,
    ...more,
  }
  return { site, store, deps, installer: createInstaller(deps) }
}

async function usable(store: PackStore, pack: SyntheticPack): Promise<void> {
  const opened = await openPack(store, 'leaf', [signer.key])
  expect(opened.digest).toBe(pack.digest)
  expect(await opened.readFile(KEEP)).toEqual(pack.files.get(KEEP))
}

const shaOf = (pack: SyntheticPack, indexes: readonly number[]) =>
  indexes.map((i) => pack.manifest.blob.chunks[i]?.sha256)
const planChunks = (pack: SyntheticPack) => pack.manifest.files[0]?.chunks ?? []
const bytesOf = (pack: SyntheticPack, indexes: readonly number[]) =>
  indexes.reduce((sum, index) => sum + (pack.manifest.blob.chunks[index]?.length ?? 0), 0)

describe('install', () => {
  it('brings what the chosen program needs and no more, and says so', async () => {
    const { site, store, installer } = setUp()
    expect(await statusOf(store, 'leaf', pathsOf)).toMatchObject({ state: 'absent', bytes: 0 })
    const phases = new Set<string>()
    const status = await installer.install(url, { onProgress: ({ phase }) => void phases.add(phase) })
    const bytes = bytesOf(one, planChunks(one))
    expect(status).toEqual({ name: 'leaf', version: '1.0.0', digest: one.digest, state: 'ready', bytes, have: bytes })
    expect([...phases]).toEqual(['manifest', 'download'])
    expect((await store.listChunks()).sort()).toEqual(shaOf(one, planChunks(one)).sort())
    expect(site.served).toBe(one.text.length + bytes)
    expect(await store.listPending()).toEqual([])
    await usable(store, one)
  })

  it('fetches the card later, when somebody wants to read it', async () => {
    const { store, installer } = setUp()
    await installer.install(url)
    const { readFile } = await openPack(store, 'leaf')
    await expect(readFile('card.md')).rejects.toMatchObject({ code: 'pack/damaged' })
    await installer.fetchFiles('leaf', ['card.md'])
    expect(await readFile('card.md')).toEqual(one.files.get('card.md'))
    await expect(readFile('nothing.md')).rejects.toMatchObject({ code: 'pack/no-file' })
  })

  it('does nothing but look at the manifest when it is installed already', async () => {
    const { site, installer } = setUp()
    await installer.install(url)
    const before = site.served
    await installer.install(url)
    expect(site.served - before).toBe(one.text.length)
  })

  it('survives a kill at every single step, and never has half a pack', async () => {
    const steps = await countSteps()
    expect(steps).toBe(planChunks(one).length + 5)
    for (let step = 0; step < steps; step++) {
      const inner = createMemoryStore()
      const { site, deps } = setUp({ store: dying(inner, step) })
      await expect(createInstaller(deps).install(url)).rejects.toThrow('killed')
      if ((await inner.listManifests()).length > 0) await usable(inner, one)
      const here = new Set(await inner.listChunks())
      const missing = planChunks(one).filter((index) => !here.has(shaOf(one, [index])[0] ?? ''))
      const before = site.served
      await createInstaller({ ...deps, store: inner, exclusive: memoryLocks() }).install(url)
      await usable(inner, one)
      expect(await inner.listPending()).toEqual([])
      const blobs = site.requests.filter(({ path }) => path.endsWith('.bin'))
      const manifests = site.requests.filter(({ path }) => path.endsWith('.ndjson')).length - 1
      expect(site.served - before).toBe(bytesOf(one, missing) + manifests * one.text.length)
      expect(blobs.length).toBeLessThanOrEqual(2)
    }
  })

  it('carries on from what is pending without asking for the manifest again', async () => {
    const { site, store, deps, installer } = setUp()
    const controller = new AbortController()
    let pieces = 0
    const stopping = createInstaller({ ...deps, spend: () => ++pieces > 1 && controller.abort() })
    await expect(stopping.install(url, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(await listPending(store, pathsOf)).toMatchObject([{ name: 'leaf', state: 'downloading' }])
    expect(await statusOf(store, 'leaf', pathsOf)).toMatchObject({ state: 'downloading', version: '1.0.0' })
    const [{ url: begun } = { url: '' }] = await listPending(store, pathsOf)
    expect(await installer.install(begun)).toMatchObject({ name: 'leaf', state: 'ready' })
    await usable(store, one)
    expect(site.requests.filter(({ path }) => path.endsWith('.ndjson'))).toHaveLength(1)
  })

  it('makes one download for many tabs', async () => {
    const exclusive = memoryLocks()
    let clock = 0
    const { site, deps } = setUp({ exclusive, now: () => clock++ })
    const tabs = [1, 2, 3, 4].map(() => createInstaller(deps).install(url))
    expect((await Promise.all(tabs)).map(({ state }) => state)).toEqual(['ready', 'ready', 'ready', 'ready'])
    expect(site.requests.map(({ path }) => path)).toEqual(['/packs/leaf/manifest.ndjson', '/packs/leaf/chunks.bin'])
  })

  it('stops waiting for another tab when told to', async () => {
    const exclusive = memoryLocks()
    const { deps } = setUp({ exclusive })
    const never = exclusive('jiko-packs', () => new Promise<void>(() => undefined))
    const controller = new AbortController()
    const waiting = createInstaller(deps).install(url, { signal: controller.signal })
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    expect(await Promise.race([never, 'still busy'])).toBe('still busy')
  })

  it('refuses what is signed by nobody we trust, and leaves nothing behind', async () => {
    const { store, installer } = setUp({ trusted: [] })
    await expect(installer.install(url)).rejects.toMatchObject({ code: 'pack/untrusted' })
    expect([await store.listManifests(), await store.listPending(), await store.listChunks()]).toEqual([[], [], []])
  })

  it('tries a dead manifest address a few times, a missing one once, and mirrors in between', async () => {
    const { deps, site } = setUp()
    let tries = 0
    const fetch: InstallerDeps['fetch'] = async (address, init) => {
      if (!address.startsWith('https://dead.test')) return site.fetch(address, init)
      tries++
      throw new TypeError('fetch failed')
    }
    const installer = createInstaller({ ...deps, fetch })
    await expect(installer.install('https://dead.test/packs/leaf/')).rejects.toMatchObject({ code: 'download/network' })
    expect(tries).toBe(4)
    await expect(installer.install('https://hub.test/packs/bean/')).rejects.toMatchObject({
      code: 'download/not-found',
    })
    expect(site.requests).toHaveLength(1)
    expect(await installer.install(['https://dead.test/packs/leaf/', url])).toMatchObject({ state: 'ready' })
  })

  it('says that the device is full, keeps what came, and goes on when there is room', async () => {
    const small = createMemoryStore({ quota: 20_000 })
    const { store, deps, installer } = setUp({ store: small })
    await expect(installer.install(url)).rejects.toMatchObject({ code: 'storage/quota' })
    expect(await statusOf(store, 'leaf', pathsOf)).toMatchObject({ state: 'downloading' })
    expect((await store.listChunks()).length).toBe(2)
    const roomy = createMemoryStore()
    let asked = 0
    const quotaOnce: typeof roomy.putChunk = async (sha256, bytes) => {
      if (asked === 0 && (await roomy.listChunks()).length === 2) throw new JikoError('storage/quota', 'full')
      return roomy.putChunk(sha256, bytes)
    }
    const making = createInstaller({
      ...deps,
      store: { ...roomy, putChunk: quotaOnce },
      makeRoom: async (bytes, name) => {
        expect(name).toBe('leaf')
        expect(bytes).toBe(bytesOf(one, planChunks(one).slice(2)))
        return ++asked
      },
    })
    await making.install(url)
    expect(asked).toBe(1)
    await usable(roomy, one)
  })
})

describe('update', () => {
  it('fetches only what changed, swaps at the end, and collects what nobody needs', async () => {
    const { site, store, installer } = setUp()
    await installer.install(url)
    const before = site.served
    site.publish('/packs/leaf/', two)
    const status = await installer.install(url)
    expect(status).toMatchObject({ version: '1.1.0', state: 'ready', digest: two.digest })
    await usable(store, two)
    const fresh = planChunks(two).filter(
      (i) => !shaOf(one, planChunks(one)).includes(two.manifest.blob.chunks[i]?.sha256),
    )
    expect(fresh).toHaveLength(1)
    expect(site.served - before).toBe(two.text.length + bytesOf(two, fresh))
    expect((await store.listChunks()).sort()).toEqual(shaOf(two, planChunks(two)).sort())
  })

  it('keeps the old version usable at every step of a killed update, and never mixes two', async () => {
    const steps = await countSteps(true)
    for (let step = 0; step < steps; step++) {
      const inner = createMemoryStore()
      const { site, deps, installer } = setUp({ store: inner })
      await installer.install(url)
      site.publish('/packs/leaf/', two)
      await expect(createInstaller({ ...deps, store: dying(inner, step) }).install(url)).rejects.toThrow('killed')
      const opened = await openPack(inner, 'leaf')
      await usable(inner, opened.digest === one.digest ? one : two)
      await createInstaller({ ...deps, exclusive: memoryLocks() }).install(url)
      await usable(inner, two)
      expect((await inner.listChunks()).sort()).toEqual(shaOf(two, planChunks(two)).sort())
    }
  })

  it('does not swap when the check fails, and leaves no trace of the new one', async () => {
    const seen: string[] = []
    const { site, store, installer } = setUp({
      async verifyInstalled({ signed, readFile }) {
        seen.push(signed.manifest.version)
        expect((await readFile(KEEP)).length).toBe(40_000)
        if (signed.manifest.version === '1.1.0')
          throw new JikoError('runtime/wrong-answer', 'golden input 0 is off by 3')
      },
    })
    await installer.install(url)
    site.publish('/packs/leaf/', two)
    await expect(installer.install(url)).rejects.toMatchObject({
      code: 'pack/failed-check',
      detail: { version: '1.1.0', digest: two.digest },
    })
    expect(seen).toEqual(['1.0.0', '1.1.0'])
    await usable(store, one)
    expect(await store.listPending()).toEqual([])
    expect((await store.listChunks()).sort()).toEqual(shaOf(one, planChunks(one)).sort())
  })

  it('keeps what is pending when the check was only interrupted', async () => {
    const controller = new AbortController()
    const { store, deps, installer } = setUp()
    const stopped = createInstaller({
      ...deps,
      async verifyInstalled(_, { signal }) {
        controller.abort()
        signal?.throwIfAborted()
      },
    })
    await expect(stopped.install(url, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(await store.listManifests()).toEqual([])
    expect(await store.listPending()).toEqual(['leaf'])
    await installer.install(url)
    await usable(store, one)
  })

  it('fetches a chunk again that was evicted before the check', async () => {
    const victim = one.manifest.blob.chunks[0]?.sha256 ?? ''
    let checks = 0
    const store = createMemoryStore()
    const { installer } = setUp({
      store,
      async verifyInstalled({ readFile }) {
        if (checks++ === 0) await store.deleteChunk(victim)
        await readFile(KEEP)
      },
    })
    await installer.install(url)
    expect(checks).toBe(2)
    await usable(store, one)
  })

  it('refuses to go back to an older version', async () => {
    const { site, store, installer } = setUp()
    site.publish('/packs/leaf/', two)
    await installer.install(url)
    site.publish('/packs/leaf/', one)
    await expect(installer.install(url)).rejects.toMatchObject({ code: 'pack/older' })
    await usable(store, two)
    expect(await store.listPending()).toEqual([])
  })

  it('follows the server when it replaces the pack midway, and keeps what both share', async () => {
    const { site, store, deps } = setUp()
    let pieces = 0
    // The new version arrives after the first request for bytes, which then dies.
    const fetch: InstallerDeps['fetch'] = async (address, init) => {
      const response = await site.fetch(address, init)
      if (!address.endsWith('.bin') || pieces++ > 0) return response
      const bytes = new Uint8Array(await response.arrayBuffer()).slice(0, 12_000)
      site.publish('/packs/leaf/', two)
      return new Response(bytes, { status: 206, headers: response.headers })
    }
    await createInstaller({ ...deps, fetch }).install(url)
    await usable(store, two)
  })

  it('follows the server also from what is pending since last month', async () => {
    const { site, store, installer } = setUp()
    await store.putPending('leaf', { url: `${url}manifest.ndjson`, text: one.text })
    const bigger = await syntheticPack({ signer, version: '2.0.0', files: { [KEEP]: noise(50_000, 9) } })
    site.publish('/packs/leaf/', bigger)
    await installer.install(url)
    await usable(store, bigger)
    expect(fromUtf8(new TextEncoder().encode(await store.getManifest('leaf')))).toBe(bigger.text)
  })

  it('throws away a pending manifest that was tampered with', async () => {
    const { site, store, installer } = setUp()
    const text = one.text.replace('"threshold":0.5', '"threshold":0.1')
    await store.putPending('leaf', { url: `${url}manifest.ndjson`, text })
    await installer.install(url)
    await usable(store, one)
    expect(site.requests[0]?.path).toBe('/packs/leaf/manifest.ndjson')
  })
})

describe('damage', () => {
  it('notices evicted and damaged chunks, and repairs just those', async () => {
    const { site, store, installer } = setUp()
    await installer.install(url)
    const [a = '', b = ''] = shaOf(one, [1, 3])
    await store.deleteChunk(a)
    const bytes = one.chunkBytes[3]?.slice() ?? new Uint8Array()
    bytes[7] = (bytes[7] ?? 0) ^ 4
    await store.putChunk(b, bytes)
    const { readFile } = await openPack(store, 'leaf')
    await expect(readFile(KEEP)).rejects.toMatchObject({ code: 'pack/damaged', detail: { count: 2, chunks: '1,3' } })
    expect((await listInstalled(store, pathsOf))[0]?.have).toBeLessThan(bytesOf(one, planChunks(one)))
    const before = site.served
    expect(await installer.repair('leaf')).toBe(2)
    expect(site.served - before).toBe(bytesOf(one, [1, 3]))
    await usable(store, one)
    expect(await installer.repair('leaf')).toBe(0)
  })

  it('repairs by the newer version when the old one is not offered any more', async () => {
    const { site, store, installer } = setUp()
    await installer.install(url)
    await store.deleteChunk(shaOf(one, [0])[0] ?? '')
    const bigger = await syntheticPack({ signer, version: '2.0.0', files: { [KEEP]: noise(50_000, 9) } })
    site.publish('/packs/leaf/', bigger)
    expect(await installer.repair('leaf')).toBe(1)
    await usable(store, bigger)
  })

  it('says what it cannot repair', async () => {
    const { store, installer } = setUp()
    await expect(installer.repair('leaf')).rejects.toMatchObject({ code: 'pack/absent' })
    await store.putManifest('leaf', one.text)
    await expect(installer.repair('leaf')).rejects.toMatchObject({ code: 'pack/no-origin' })
  })

  it('refuses a chunk that unpacks to more than it says', async () => {
    const bomb = await syntheticPack({
      signer,
      files: { [KEEP]: new Uint8Array(100_000) },
      chunkSize: 100_000,
      edit(manifest) {
        const [chunk] = manifest.blob.chunks
        const [file] = manifest.files
        if (chunk && file) chunk.size = file.size = 1000
      },
    })
    const { site, store, installer } = setUp()
    site.publish('/packs/leaf/', bomb)
    await installer.install(url)
    const { readFile } = await openPack(store, 'leaf')
    await expect(readFile(KEEP)).rejects.toMatchObject({ code: 'pack/bad-chunk' })
  })
})

describe('several addresses', () => {
  const mirrors = ['https://dead.test/packs/leaf/', 'https://liar.test/packs/leaf/', url]

  /** The first is dead; the second has the manifest, and other bytes than it says. */
  function setUpMirrors() {
    const liar = createStaticSite()
    liar.publish('/packs/leaf/', { ...one, blob: noise(one.blob.length, 99) })
    const asked: string[] = []
    const { site, store, deps } = setUp()
    const fetch: InstallerDeps['fetch'] = async (address, init) => {
      const { hostname } = new URL(address)
      asked.push(hostname)
      if (hostname === 'dead.test') throw new TypeError('fetch failed')
      return (hostname === 'liar.test' ? liar : site).fetch(address, init)
    }
    return { site, liar, store, asked, deps: { ...deps, fetch } }
  }

  it('are tried in order: neither a dead nor a lying one stops the others, and nothing wrong is kept', async () => {
    const { store, asked, deps } = setUpMirrors()
    expect(await createInstaller(deps).install(mirrors)).toMatchObject({ state: 'ready' })
    await usable(store, one)
    expect(asked.indexOf('dead.test')).toBeLessThan(asked.indexOf('liar.test'))
    expect(asked.at(-1)).toBe('hub.test')
    expect((await store.listChunks()).sort()).toEqual(shaOf(one, planChunks(one)).sort())
  })

  it('are all remembered when the first is named, after a kill, for an update and for a repair', async () => {
    const { site, liar, store, deps } = setUpMirrors()
    const controller = new AbortController()
    const stopping = createInstaller({ ...deps, spend: (_, name) => name === 'leaf' && controller.abort() })
    await expect(stopping.install(mirrors, { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    const installer = createInstaller(deps)
    const [first = ''] = mirrors
    expect(await installer.install(first)).toMatchObject({ state: 'ready' })
    await usable(store, one)
    site.publish('/packs/leaf/', two)
    liar.publish('/packs/leaf/', { ...two, blob: noise(two.blob.length, 98) })
    await installer.install(first)
    await usable(store, two)
    await store.deleteChunk(shaOf(two, [1])[0] ?? '')
    expect(await installer.repair('leaf')).toBe(1)
    await usable(store, two)
  })

  it('that all fail say so, and what came stays', async () => {
    const { store, deps } = setUpMirrors()
    await expect(createInstaller(deps).install(mirrors.slice(0, 2))).rejects.toBeInstanceOf(JikoError)
    expect(await store.listManifests()).toEqual([])
    await createInstaller(deps).install(mirrors)
    await usable(store, one)
  })
})

describe('remove and cancel', () => {
  it('takes a pack away but not what another one shares with it', async () => {
    const { site, store, installer } = setUp()
    const bean = await syntheticPack({ signer, name: 'bean', files: { [KEEP]: weights } })
    site.publish('/packs/bean/', bean)
    await installer.install(url)
    const before = site.served
    await installer.install('https://hub.test/packs/bean/')
    expect(site.served - before).toBe(bean.text.length)
    await installer.remove('leaf')
    expect(await store.listManifests()).toEqual(['bean'])
    await expect((await openPack(store, 'bean')).readFile(KEEP)).resolves.toEqual(weights)
    await store.putNote('pinned/bean', '1')
    await installer.remove('bean')
    expect([await store.listChunks(), await store.listManifests()]).toEqual([[], []])
    for (const key of ['origin/bean', 'mirrors/bean', 'pinned/bean']) expect(await store.getNote(key)).toBeUndefined()
  })

  it('gives up a pending update without touching what is installed', async () => {
    const { store, installer } = setUp()
    await installer.install(url)
    await store.putPending('leaf', { url, text: two.text })
    await store.putChunk(shaOf(two, [2])[0] ?? '', two.chunkBytes[2] ?? new Uint8Array())
    await installer.cancel('leaf')
    await usable(store, one)
    expect((await store.listChunks()).length).toBe(planChunks(one).length)
  })

  it('deletes no chunk while there is a manifest it cannot read', async () => {
    const { store, installer } = setUp()
    await store.putManifest('future', '{"format":"jiko-pack/9"}\n{}\n')
    await store.putChunk('e'.repeat(64), new Uint8Array([1]))
    await installer.install(url)
    expect(await store.hasChunk('e'.repeat(64))).toBe(true)
  })
})

type Store = PackStore & NoteStore

/** The store of a process that is killed at its n-th write or delete: before it half of the time, after it otherwise. */
function dying(store: Store, step: number, count = { steps: 0 }): Store {
  const deadly = <A extends unknown[]>(work: (...args: A) => Promise<void>) => {
    return async (...args: A): Promise<void> => {
      if (count.steps > step) throw new Error('killed')
      const here = count.steps++ === step
      if (here && step % 2 === 0) throw new Error('killed')
      await work(...args)
      if (here) throw new Error('killed')
    }
  }
  return {
    ...store,
    putChunk: deadly(store.putChunk),
    deleteChunk: deadly(store.deleteChunk),
    putManifest: deadly(store.putManifest),
    deleteManifest: deadly(store.deleteManifest),
    putPending: deadly(store.putPending),
    deletePending: deadly(store.deletePending),
    putNote: deadly(store.putNote),
    deleteNote: deadly(store.deleteNote),
  }
}

/** How many writes an install, or an update, takes. */
async function countSteps(update = false): Promise<number> {
  const inner = createMemoryStore()
  const count = { steps: 0 }
  const { site, deps, installer } = setUp({ store: inner })
  if (update) {
    await installer.install(url)
    site.publish('/packs/leaf/', two)
  }
  await createInstaller({ ...deps, store: dying(inner, Number.POSITIVE_INFINITY, count) }).install(url)
  return count.steps
}
