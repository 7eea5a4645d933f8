import { findLost } from '../packs/loss.ts'
import { JikoError } from '../protocol/error.ts'
import { faceFinderOf } from '../protocol/face-finder.ts'
import { featuresOf } from '../protocol/features.ts'
import { isRecorded } from '../protocol/recorded.ts'
import type { InstalledPack } from '../protocol/worker.ts'
import type { Kit, PackOffer } from './kit.ts'
import type { TaughtPacks } from './taught-packs.ts'
import type { WorkerHost } from './worker-host.ts'

export interface PackRoomOptions {
  host: WorkerHost
  /** Folder of the packs at this origin; `index.json` in it lists them. */
  base: URL
  /** Outlives the pack store: which packs were here, and which downloads a person stopped. */
  settings: { get(key: string): Promise<unknown>; set(key: string, value: unknown): Promise<void> }
  /** Asks the browser not to throw away what is here. */
  persist?(): Promise<unknown> | undefined
  /** Packs that people made. */
  taught: TaughtPacks
}

const PAUSED = 'packs.paused'
const WITNESS = 'packs.here'

/** Whether it is here, the whole list says. */
const needs = (finder: string | undefined): Pick<PackOffer, 'finder'> =>
  finder === undefined ? {} : { finder: { name: finder, ready: false } }

const fromInstalled = ({ signed, ...status }: InstalledPack, url: string): PackOffer => ({
  ...status,
  url,
  title: signed.manifest.title,
  description: signed.manifest.description,
  takes: signed.manifest.input.kind,
  labels: signed.manifest.labels,
  teaches: featuresOf(signed.manifest.output) !== undefined,
  ...(isRecorded(signed.manifest) && { recorded: true, clips: signed.manifest.clips }),
  ...(signed.manifest.form && { form: signed.manifest.form }),
  ...needs(faceFinderOf(signed.manifest.form)),
  first: signed.manifest.variants.flatMap(({ name, role }) => (role ? [name] : [])),
})

/** A pack's address may be given with or without the file name. */
const manifestOf = (url: string): string => (url.endsWith('/') ? `${url}manifest.ndjson` : url)

/** Packs on offer merged with packs installed. */
export function createPacks({ host, base, settings, persist, taught }: PackRoomOptions): Kit['packs'] {
  const index = new URL('index.json', base).href
  /** Bytes that each address would still cost, as last listed. */
  const costs = new Map<string, number>()

  async function names(key: string): Promise<string[]> {
    const saved = await settings.get(key)
    return Array.isArray(saved) ? saved.map(String) : []
  }

  async function put(key: string, name: string, there: boolean): Promise<void> {
    const before = await names(key)
    if (before.includes(name) === there) return
    await settings.set(key, there ? [...before, name] : before.filter((one) => one !== name))
  }

  async function check({ force = false } = {}): Promise<boolean> {
    try {
      return await host.call((api) => api.check(index, force))
    } catch (error) {
      if (error instanceof JikoError && /^(download|pack)\//.test(error.code)) return false
      throw error
    }
  }

  async function offered() {
    const last = await host.call((api) => api.offers(index))
    return last.packs.length === 0 && (await check()) ? host.call((api) => api.offers(index)) : last
  }

  /** What was here and was not removed by a person. It stays remembered until it is back or given up. */
  async function lostOf(here: readonly string[], underWay: readonly string[]): Promise<string[]> {
    const witness = { get: () => names(WITNESS), set: (known: readonly string[]) => settings.set(WITNESS, known) }
    const lost = await findLost(
      { listManifests: async () => [...here], listPending: async () => [...underWay] },
      witness,
    )
    const known = [...new Set([...(await witness.get()), ...here])]
    if (known.length > (await witness.get()).length) await witness.set(known)
    return lost
  }

  return {
    async list() {
      const [{ packs, updates, bytesPerSecond, free = Number.POSITIVE_INFINITY }, installed, pending, evicted, paused] =
        await Promise.all([
          offered(),
          host.call((api) => api.list()),
          host.call((api) => api.pending()),
          host.call((api) => api.evicted()),
          names(PAUSED),
        ])
      const ready = new Map(installed.map((pack) => [pack.name, pack]))
      const underWay = new Map(pending.map((pack) => [pack.name, pack]))
      const lost = await lostOf([...ready.keys()], [...underWay.keys()])

      function toOffer(offer: PackOffer): PackOffer {
        const begun = underWay.get(offer.name)
        const newer = updates.find(({ name }) => name === offer.name)
        const url = begun?.url || offer.url
        const isPaused = begun && paused.includes(url) ? { paused: true } : {}
        if (offer.state !== 'ready') {
          const gone = evicted.includes(offer.name) ? 'evicted' : 'lost'
          const known = { ...offer, ...begun, url, ...isPaused }
          return lost.includes(offer.name) && !begun ? { ...known, gone } : known
        }
        const next = begun ? { version: begun.version, bytes: begun.bytes - begun.have } : newer
        if (!next) return offer
        const { version, bytes } = next
        return { ...offer, url, ...isPaused, update: { version, bytes, begun: !!begun } }
      }

      const offers = packs.map(({ url, finder, clips, ...entry }): PackOffer => {
        const offer = clips ? { ...entry, recorded: true } : entry
        const known = ready.get(offer.name)
        ready.delete(offer.name)
        const address = new URL(url, base).href
        return toOffer(
          known
            ? fromInstalled(known, address)
            : { ...offer, ...needs(finder), url: address, state: 'absent', have: 0 },
        )
      })
      // Installed, but no longer (or never) on offer here: still the user's.
      const others = [...ready.values()].map((pack) =>
        toOffer(fromInstalled(pack, new URL(`${pack.name}/manifest.ndjson`, base).href)),
      )
      const all = [...offers, ...others, ...(await taught.list(installed))]
      const stand = (name: string) => {
        const found = all.find((one) => one.name === name)
        const ready = found?.state === 'ready'
        return { name, ready, ...(found && { bytes: ready ? 0 : found.bytes - found.have }) }
      }
      return all.map((offer) => {
        const { update } = offer
        const finder = offer.finder && stand(offer.finder.name)
        // What hides faces comes along, also where only the newer version asks for it.
        const newly = update && packs.find(({ name }) => name === offer.name)?.finder
        const { bytes: more = 0 } = (newly === undefined ? finder : stand(newly)) ?? {}
        const isComing = update !== undefined || offer.state !== 'ready'
        const bytes = isComing ? more + (update?.bytes ?? offer.bytes - offer.have) : 0
        costs.set(offer.url, bytes)
        return {
          ...offer,
          ...(finder && { finder }),
          ...(update && { update: { ...update, bytes, ...(more > 0 && { finder: more }) } }),
          ...(isComing && bytesPerSecond && { seconds: bytes / bytesPerSecond }),
          ...(bytes > free && { room: free }),
        }
      })
    },
    check,
    async install(source, { anyway = false, background = false, ...operation } = {}) {
      const urls = typeof source === 'string' ? [source] : source
      const address = manifestOf(urls[0] ?? '')
      await put(PAUSED, address, false)
      try {
        const bytes = costs.get(address) ?? 0
        const status = await host.call(
          (api, job, onProgress) => api.install(job, urls, onProgress, { anyway, background, bytes }),
          operation,
        )
        // Browsers decide by how much an app is used: asked when there is something to lose.
        void persist?.()?.catch(() => undefined)
        return status
      } catch (error) {
        if (operation.signal?.aborted) await put(PAUSED, address, true)
        throw error
      }
    },
    async remove(name) {
      if (await taught.remove(name)) return
      await put(WITNESS, name, false)
      await host.call((api) => api.remove(name))
    },
    exportFile: async (name) => (await taught.exportFile(name)) ?? host.call((api) => api.exportFile(name)),
    importFile: async (file, operation) =>
      (await taught.importFile(file)) ??
      host.call((api, job, onProgress) => api.importFile(job, file, onProgress), operation),
    usage: () => host.call((api) => api.usage()),
    setBudget: (budget) => host.call((api) => api.setBudget(budget)),
  }
}
