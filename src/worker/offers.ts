import { checkIndex, findUpdates, lastIndex, type PackEntry } from '../packs/check-updates.ts'
import { costOf, freeRoom, type LinkFacts, rateOf } from '../packs/cost.ts'
import { fetchManifest, type TrustedKeys } from '../packs/fetch-manifest.ts'
import type { ChooseLater } from '../packs/layout.ts'
import type { Link } from '../packs/link.ts'
import { type NoteStore, readNote } from '../packs/notes.ts'
import { readRate } from '../packs/rate.ts'
import { listInstalled, readable } from '../packs/status.ts'
import type { PackStore } from '../packs/store.ts'
import { updatesOf } from '../protocol/delta.ts'
import { JikoError } from '../protocol/error.ts'
import type { Offers, PackUpdate } from '../protocol/worker.ts'

const CHECKED = 'checked'
const DAY = 86_400_000
const candidateKey = (name: string): string => `candidate/${name}`

export interface OffersDeps {
  store: PackStore & NoteStore
  link: Link
  /** What the browser says about the network, and about room. */
  facts?: () => LinkFacts
  estimate?: () => Promise<{ usage?: number; quota?: number }>
  trusted: TrustedKeys
  choose: ChooseLater
  now?: () => number
}

/** What an origin has on offer, and what of it is newer than what is here, with its cost. */
export function createOffers({
  store,
  link,
  facts = () => ({}),
  estimate,
  trusted,
  choose,
  now = Date.now,
}: OffersDeps) {
  /** With what comes along of the recordings. */
  async function bytesOf({ bytes, clips }: PackEntry): Promise<number> {
    if (!clips) return bytes
    const { wantedBytes } = await import('../packs/clips.ts')
    return bytes + (await wantedBytes(store, clips))
  }

  /** Only what changed is fetched, which the manifest tells; as long as that is not here, all of it. */
  async function priced(entry: PackEntry, indexUrl: string, installed: string | undefined): Promise<PackUpdate> {
    const { name, version, digest, url } = entry
    const text = await store.getNote(candidateKey(name))
    const signed = readable(text)
    let bytes = await bytesOf(entry)
    if (text !== undefined && signed?.manifest.version === version) {
      const differences = updatesOf(text).find(({ from }) => from === installed)?.bytes ?? Number.POSITIVE_INFINITY
      bytes = Math.min((await costOf(signed.manifest, { store, choose })).bytes, differences)
    }
    return { name, version, digest, url: new URL(url, indexUrl).href, bytes }
  }

  return {
    /** As last seen: no network. */
    async offers(indexUrl: string): Promise<Offers> {
      const listed = await lastIndex(indexUrl, store)
      const packs = await Promise.all(listed.map(async (entry) => ({ ...entry, bytes: await bytesOf(entry) })))
      const installed = await listInstalled(store, choose)
      const updates = await findUpdates(listed, installed, store)
      const digestOf = (wanted: string): string | undefined => installed.find(({ name }) => name === wanted)?.digest
      const bytesPerSecond = rateOf({ ...facts(), ...(await readRate(store, now())) })
      const free = await freeRoom(estimate)
      return {
        packs,
        ...(bytesPerSecond !== undefined && { bytesPerSecond }),
        ...(free !== undefined && { free }),
        updates: await Promise.all(updates.map((entry) => priced(entry, indexUrl, digestOf(entry.name)))),
      }
    },

    /**
     * Asks the origin, at most once a day unless `force`. True when it was asked and answered.
     * @throws JikoError `download/...`, `pack/bad-index`
     */
    async check(indexUrl: string, force: boolean): Promise<boolean> {
      const known = await lastIndex(indexUrl, store)
      const checked = (await readNote(store, CHECKED, Number)) ?? 0
      // A clock that was set back must not put the next check off for years.
      if (!force && known.length > 0 && Math.abs(now() - checked) < DAY) return false
      const { offers } = await checkIndex(indexUrl, link, store)
      await store.putNote(CHECKED, String(now()))
      for (const { name, version, url } of await findUpdates(offers, await listInstalled(store, choose), store)) {
        if (readable(await store.getNote(candidateKey(name)))?.manifest.version === version) continue
        try {
          const { text } = await fetchManifest(new URL(url, indexUrl).href, link, trusted)
          await store.putNote(candidateKey(name), text)
        } catch (error) {
          // One bad pack must not hide the others; installing it will say what is wrong.
          if (!(error instanceof JikoError)) throw error
        }
      }
      return true
    },
  }
}
