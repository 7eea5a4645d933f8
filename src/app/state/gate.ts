import type { Kit } from '../../client/kit.ts'
import { createSignal, type Signal } from '../../client/signal.ts'
import type { LastTime } from './last-time.ts'
import type { PreferenceStore } from './preferences.ts'

/** What stands between whoever holds the phone and the app: its own PIN, or that of the person it was left with. */
export type Closed = { by: 'lock' } | { by: 'person'; id: string; name: string }

export interface Gate {
  /** Undefined while the app is open to whoever looks. */
  readonly closed: Signal<Closed | undefined>
  /** Closes what is to be closed: at the start, and when the phone was put away for long. */
  close(): Promise<void>
  /** The PIN was right; the next door, if there is one. */
  pass(): Promise<void>
  /** Sets the PIN in front of the app. From then on nothing is drawn before it was asked for. */
  lock(...pins: Parameters<Kit['lock']['set']>): Promise<void>
}

export interface GateOptions {
  kit: Pick<Kit, 'people' | 'lock'>
  preferences: PreferenceStore
  lastTime: Pick<LastTime, 'keepHome'>
}

export function createGate({ kit, preferences, lastTime }: GateOptions): Gate {
  const closed = createSignal<Closed | undefined>(undefined)

  async function personDoor(): Promise<Closed | undefined> {
    const { person } = preferences.value.value
    if (person === undefined) return undefined
    const found = (await kit.people.list()).find(({ id }) => id === person)
    // The database was thrown away and the choice was not: nobody of that name is here any more.
    if (!found) preferences.set({ person: undefined })
    return found?.guarded ? { by: 'person', id: found.id, name: found.name } : undefined
  }
  return {
    closed,
    async close() {
      closed.set((await kit.lock.isSet()) ? { by: 'lock' } : await personDoor())
    },
    async pass() {
      closed.set(closed.value?.by === 'lock' ? await personDoor() : undefined)
    },
    async lock(...pins) {
      lastTime.keepHome(undefined)
      await kit.lock.set(...pins)
    },
  }
}

/** How long a phone may be put away before its owner is asked again. */
const AWAY = 5 * 60_000

/** Closes the gate when somebody comes back after long; no timer runs meanwhile. */
export function closeWhenAway(gate: Gate, page: Document, now: () => number = () => performance.now()): void {
  let since: number | undefined
  page.addEventListener('visibilitychange', () => {
    if (page.visibilityState === 'hidden') since = now()
    else if (since !== undefined && now() - since > AWAY) void gate.close()
  })
}
