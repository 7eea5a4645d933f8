import { JikoError } from '../../protocol/error.ts'
import type { HubStore } from './store.ts'

/** How the triggers that `move` leaves behind refuse a write. */
export const MOVED = 'jiko: this database was moved'

export const isMoved = (error: unknown): boolean => error instanceof Error && error.message.includes(MOVED)

/**
 * A store that goes on in another database once its own was moved there, as a running hub must: a write that the old one
 * refuses has not happened, and is done again in the new one.
 * @param openNext opens where it was moved to.
 */
export function followMove(first: HubStore, openNext: () => Promise<HubStore>): HubStore {
  let current = first
  let moving: Promise<void> | undefined

  async function goOn(): Promise<void> {
    // The first stays open until the end: what else is under way in it must hear the same refusal.
    current = await openNext()
  }

  const follow =
    (name: keyof HubStore) =>
    async (...parameters: never[]): Promise<unknown> => {
      const ask = (): Promise<unknown> => (current[name] as (...all: never[]) => Promise<unknown>)(...parameters)
      try {
        return await ask()
      } catch (error) {
        if (!isMoved(error)) throw error
        moving ??= goOn()
        try {
          await moving
        } catch (cause) {
          moving = undefined
          throw new JikoError('hub/moved', 'the database was moved, and where to cannot be opened yet', { cause })
        }
        return await ask()
      }
    }

  const names = Object.keys(first) as (keyof HubStore)[]
  const following = Object.fromEntries(names.map((name) => [name, follow(name)])) as unknown as HubStore
  return {
    ...following,
    async close() {
      await first.close()
      if (current !== first) await current.close()
    },
  }
}
