import { checkIndex, findUpdates, lastIndex, type PackEntry } from '../packs/check-updates.ts'
import { costOf } from '../packs/cost.ts'
import { fetchManifest, type TrustedKeys } from '../packs/fetch-manifest.ts'
import type { Choose } from '../packs/layout.ts'
import type { Link } from '../packs/link.ts'
import { type NoteStore, readNote } from '../packs/notes.ts'
import { listInstalled, readable } from '../packs/status.ts'
import type { PackStore } from '../packs/store.ts'
import { JikoError } from '../protocol/error.ts'
import type { Offers, PackUpdate } from '../protocol/worker.ts'

const CHECKED = 'checked'
const DAY = 86_400_000
const candidateKey = (name: string): string => `candidate/${name}`

export interface OffersDeps {
  store: PackStore & NoteStore
  link: Link
  trusted: TrustedKeys
  choose: Choose
  now?: () => number
}

/** What an origin has on offer, and what of it is newer than what is here, with its cost. */
export function createOffers({ store, link, trusted, choose, now = Date.now }: OffersDeps) {
  const updatesOf = async (packs: readonly PackEntry[]): Promise<PackEntry[]> =>
    findUpdates(packs, await listInstalled(store, choose), store)

  /** Only what changed is fetched, which the manifest tells; as long as that is not here, all of it. */
  async function priced({ name, version, digest, url, bytes }: PackEntry, indexUrl: string): Promise<PackUpdate> {
    const signed = readable(await store.getNote(candidateKey(name)))
    const known = signed?.manifest.version === version
    const cost = known ? (await costOf(signed.manifest, { store, choose })).bytes : bytes
    return { name, version, digest, url: new URL(url, indexUrl).href, bytes: cost }
  }

  return {
    /** As last seen: no network. */
    async offers(indexUrl: string): Promise<Offers> {
      const packs = [...(await lastIndex(indexUrl, store))]
      const updates = await updatesOf(packs)
      return { packs, updates: await Promise.all(updates.map((entry) => priced(entry, indexUrl))) }
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
      for (const { name, version, url } of await updatesOf(offers)) {
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
