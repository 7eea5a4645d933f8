import { manifestUrl } from './fetch-manifest.ts'
import {
  type NoteStore,
  pinnedKey,
  previousKey,
  readNote,
  refusedKey,
  tableKey,
  unspokenKey,
  usedKey,
} from './notes.ts'

/** Where an installed pack came from. */
export interface Origin {
  /** Addresses of its manifest, best first; none when it came as a file. */
  urls: readonly string[]
  /** Milliseconds since 1970 of the install. */
  at: number
  digest: string
}

/** Remembers where packs come from: for repairs, for files that are fetched later, and to go on after a restart. */
export function createOrigins(notes: NoteStore) {
  const origin = (name: string): Promise<Origin | undefined> => readNote(notes, originKey(name), parseOrigin)
  return {
    origin,
    /** A pack out of a file says nothing of where its updates are: then what was known before stays. */
    async installed(name: string, { urls, at, digest }: Origin): Promise<void> {
      const known = urls[0] ? urls : ((await origin(name))?.urls ?? [])
      await notes.putNote(originKey(name), JSON.stringify({ urls: known, at, digest }))
    },
    started: (name: string, urls: readonly string[]): Promise<void> =>
      notes.putNote(mirrorsKey(name), JSON.stringify(urls)),
    /** All addresses that an install was started with, when the first of `urls` is still the first of them. */
    async mirrors(name: string, urls: readonly string[]): Promise<readonly string[]> {
      const known = (await readNote(notes, mirrorsKey(name), parseUrls)) ?? []
      const isSame = manifestUrl(known[0] ?? '') === manifestUrl(urls[0] ?? '')
      return isSame ? [...new Set([...urls.map(manifestUrl), ...known.map(manifestUrl)])] : urls
    },
    /** The pack was removed: what is noted about it goes too. */
    async forget(name: string): Promise<void> {
      const keys = [originKey, mirrorsKey, refusedKey, usedKey, pinnedKey, tableKey, previousKey, unspokenKey]
      for (const key of keys) await notes.deleteNote(key(name))
    },
  }
}

const originKey = (name: string): string => `origin/${name}`
const mirrorsKey = (name: string): string => `mirrors/${name}`

function parseOrigin(value: unknown): Origin {
  const { urls, at, digest } = value as Partial<Origin>
  if (typeof at !== 'number' || typeof digest !== 'string') throw new TypeError('not an origin')
  return { urls: parseUrls(urls), at, digest }
}

function parseUrls(value: unknown): string[] {
  if (!Array.isArray(value)) throw new TypeError('not a list of addresses')
  return value.map(String)
}
