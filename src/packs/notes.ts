/** Small texts that the packs room keeps about its packs: ledger, last use, pins, the index as last seen. Losing them loses no pack. */
export interface NoteStore {
  getNote(key: string): Promise<string | undefined>
  putNote(key: string, text: string): Promise<void>
  deleteNote(key: string): Promise<void>
}

/** A note as JSON; a note that cannot be read counts as absent, since every note can be made again. */
export async function readNote<T>(notes: NoteStore, key: string, parse: (value: unknown) => T): Promise<T | undefined> {
  const text = await notes.getNote(key)
  if (text === undefined) return undefined
  try {
    return parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** The digest that failed its check on this device, so that it is not fetched again by itself. */
export const refusedKey = (name: string): string => `refused/${name}`

/** The manifest of the version before, until the one that took its place has answered on this device. */
export const previousKey = (name: string): string => `previous/${name}`

/** The list of differences of an update that is under way. */
export const tableKey = (name: string): string => `differences/${name}`

/** The languages whose recordings were taken away, though what they share with another is still here: as JSON. */
export const unspokenKey = (name: string): string => `unspoken/${name}`

/** Milliseconds since 1970 of a pack's last use. */
export const usedKey = (name: string): string => `used/${name}`
/** There when a person wants to keep a pack whatever happens. */
export const pinnedKey = (name: string): string => `pinned/${name}`
