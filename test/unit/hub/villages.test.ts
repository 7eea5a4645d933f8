import fc from 'fast-check'
import { it } from 'vitest'
import { type Event, FAULT_COUNT, simulate } from './villages.ts'

/** How many histories; a failing one prints its seed, and `JIKO_SEED` plays from there. */
const numRuns = Number(process.env.JIKO_RUNS ?? 60)
const seed = Number(process.env.JIKO_SEED ?? 1)

const phone = fc.nat(2)
const village = fc.nat(1)
const faults = fc.array(fc.nat(FAULT_COUNT - 1), { maxLength: 5 })
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('write' as const), phone, photo: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant('sync' as const), phone, village, faults }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('forward' as const), village, faults }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('clone' as const), phone }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restore' as const), village, kept: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restore-root' as const), kept: fc.nat(3) }) },
)

it(
  'loses nothing and doubles nothing in any history of phones that wander between two village hubs',
  async () => {
    await fc.assert(fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 30, size: 'max' }), simulate), {
      numRuns,
      seed,
    })
  },
  Math.max(60_000, numRuns * 1000),
)
