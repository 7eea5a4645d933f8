import { type PackIndex, parsePackIndex } from '../protocol/pack-index.ts'
import type { InstalledPack } from '../protocol/worker.ts'
import type { Kit, PackOffer } from './kit.ts'
import type { WorkerHost } from './worker-host.ts'

export interface PackRoomOptions {
  host: WorkerHost
  /** Folder of the packs at this origin; `index.json` in it lists them. */
  base: URL
  fetch: typeof globalThis.fetch
  /** Remembers the last list seen, so that what is on offer can be shown offline. */
  settings: { get(key: string): Promise<unknown>; set(key: string, value: unknown): Promise<void> }
}

const INDEX_SETTING = 'packs.index'

const fromInstalled = ({ signed, ...status }: InstalledPack, url: string): PackOffer => ({
  ...status,
  url,
  title: signed.manifest.title,
  description: signed.manifest.description,
  labels: signed.manifest.labels,
})

/** Packs on offer merged with packs installed. */
export function createPacks({ host, base, fetch, settings }: PackRoomOptions): Kit['packs'] {
  /** What this origin offers; offline, what it offered last. */
  async function index(): Promise<PackIndex> {
    try {
      const response = await fetch(new URL('index.json', base), { cache: 'no-cache' })
      if (!response.ok) throw new Error(`HTTP ${response.status}`)
      const text = await response.text()
      const read = parsePackIndex(text)
      await settings.set(INDEX_SETTING, text)
      return read
    } catch {
      const last = await settings.get(INDEX_SETTING)
      return typeof last === 'string' ? parsePackIndex(last) : { packs: [] }
    }
  }

  return {
    async list() {
      const [offered, installed, pending] = await Promise.all([
        index(),
        host.call((api) => api.list()),
        host.call((api) => api.pending()),
      ])
      const ready = new Map(installed.map((pack) => [pack.name, pack]))
      const underWay = new Map(pending.map((pack) => [pack.name, pack]))
      const offers = offered.packs.map(({ url, ...offer }): PackOffer => {
        const known = ready.get(offer.name)
        ready.delete(offer.name)
        const address = new URL(url, base).href
        if (known) return fromInstalled(known, address)
        return { ...offer, url: address, state: 'absent', have: 0, ...underWay.get(offer.name) }
      })
      // Installed, but no longer (or never) on offer here: still the user's.
      const others = [...ready.values()].map((pack) =>
        fromInstalled(pack, new URL(`${pack.name}/manifest.ndjson`, base).href),
      )
      return [...offers, ...others]
    },
    install: (url, operation) => host.call((api, job, onProgress) => api.install(job, url, onProgress), operation),
    remove: (name) => host.call((api) => api.remove(name)),
  }
}
