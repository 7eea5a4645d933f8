import type { Place } from '../../client/kit.ts'

export interface Places {
  /** Where the phone is, as well as can be said soon; undefined where it may not or cannot say. Never rejects. */
  now(): Promise<Place | undefined>
  /** Asks once more, and says why there is no place: for whoever turns it on. */
  check(): Promise<'found' | 'refused' | 'unknown'>
}

/** Somebody who walks from tree to tree is still about there. */
const FRESH = 2 * 60_000
/** An answer waits no longer for its place than this. */
const PATIENCE = 3_000
const LONG = 30_000

/** @param now milliseconds of a clock that never goes back */
export function createPlaces(
  geolocation: Pick<Geolocation, 'getCurrentPosition'> | undefined,
  now: () => number = () => performance.now(),
): Places {
  let last: { place: Place; at: number } | undefined
  let asking: Promise<Place> | undefined

  function ask(): Promise<Place> {
    asking ??= new Promise<Place>((resolve, reject) => {
      if (!geolocation) return reject(new Error('this phone has no place'))
      geolocation.getCurrentPosition(
        ({ coords: { latitude, longitude, accuracy } }) => {
          const place = { latitude, longitude, accuracy }
          last = { place, at: now() }
          resolve(place)
        },
        reject,
        { enableHighAccuracy: true, maximumAge: FRESH, timeout: LONG },
      )
    }).finally(() => {
      asking = undefined
    })
    return asking
  }

  return {
    async now() {
      if (last && now() - last.at < FRESH) return last.place
      let timer: ReturnType<typeof setTimeout> | undefined
      const patience = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, PATIENCE, undefined)
      })
      const place = await Promise.race([ask().catch(() => undefined), patience])
      clearTimeout(timer)
      return place
    },
    check: () =>
      ask().then(
        () => 'found',
        // 1 is PERMISSION_DENIED: the class is not there in every environment.
        (error: { code?: number }) => (error.code === 1 ? 'refused' : 'unknown'),
      ),
  }
}
