import { randomBytes, toBase32 } from '../lib/bytes.ts'
import type { Moment } from '../protocol/record.ts'

/** Tells moments as honestly as a device can: a wall clock that may lie, and one that only ever goes forward within this run. */
export function createClock(): () => Moment {
  const session = toBase32(randomBytes(5))
  const begun = performance.now()
  return () => ({
    wall: Date.now(),
    mono: Math.round(performance.now() - begun),
    session,
    zone: -new Date().getTimezoneOffset() || 0,
  })
}
