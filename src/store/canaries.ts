import { randomBytes, toBase64Url } from '../lib/bytes.ts'

/** One kind of storage that a browser may empty by itself: IndexedDB, Cache Storage, localStorage. */
export interface CanaryPlace {
  name: string
  read(): Promise<string | undefined>
  write(id: string): Promise<void>
}

/**
 * Loss is never silent: the same mark lies in each kind of storage, and where it is missing while another still has it,
 * that storage was emptied. Where all were emptied together this is a new install, as far as anybody can tell here; the
 * hub knows better. Call it before anything else is written. The marks are made whole again.
 * @returns names of the places that were emptied since the last call.
 */
export async function checkCanaries(places: readonly CanaryPlace[]): Promise<string[]> {
  const found = await Promise.all(
    places.map(async (place) => {
      // A place that cannot be read (private windows, a broken profile) says nothing about loss.
      const read = await place.read().then(
        (id) => ({ id, readable: true }),
        () => ({ id: undefined, readable: false }),
      )
      return { place, ...read }
    }),
  )
  const known = found.find(({ id }) => id !== undefined)?.id
  const id = known ?? toBase64Url(randomBytes(9))
  for (const { place, id: there, readable } of found) {
    // A mark that cannot be set (no room) is missing next time: better a false alarm than none.
    if (readable && there !== id) await place.write(id).catch(() => undefined)
  }
  if (known === undefined) return []
  return found.filter((one) => one.readable && one.id === undefined).map(({ place }) => place.name)
}
