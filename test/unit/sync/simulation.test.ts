import fc from 'fast-check'
import { it } from 'vitest'
import { event } from './events.ts'
import { simulate } from './simulation.ts'

/** How many histories; a failing one prints its seed, and `JIKO_SEED` plays from there. */
const numRuns = Number(process.env.JIKO_RUNS ?? 100)
const seed = Number(process.env.JIKO_SEED ?? 1)

it('loses nothing and doubles nothing in any history of phones, links, clones and backups', async () => {
  await fc.assert(fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 30, size: 'max' }), simulate), {
    numRuns,
    seed,
  })
})
