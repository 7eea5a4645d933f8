import type { Database } from './database.ts'

/** Setting: the latest hybrid logical clock that is known. */
export const CLOCK = 'clock'

/** @returns the next hybrid logical clock: the wall clock, or one more than the latest known. */
export function tick(database: Database, wall: number): Promise<number> {
  return database.transact('write', async (tables) => {
    const next = Math.max(0, Math.round(wall), Number((await tables.setting(CLOCK)) ?? -1) + 1)
    await tables.putSetting(CLOCK, next)
    return next
  })
}
