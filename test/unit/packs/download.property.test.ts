import fc from 'fast-check'
import { expect, it } from 'vitest'
import { simulate, simulationPack } from '../../helpers/delivery-simulation.ts'

/** `npm run bench -- delivery` runs ten thousand seeds of the same simulation. */
const RUNS = Number(process.env.JIKO_SEEDS ?? 1000)

it('ends in the exact chunks or in a clear error, whatever the link does', { timeout: 120_000 }, async () => {
  const pack = await simulationPack()
  const endings = new Map<string, number>()
  let kills = 0
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 0x7fffffff }), async (seed) => {
      const result = await simulate(pack, seed)
      kills += result.kills
      const ending = result.code ?? 'complete'
      endings.set(ending, (endings.get(ending) ?? 0) + 1)
    }),
    { numRuns: RUNS },
  )
  // The simulation must not go blind: it has to reach both kinds of ending, by many roads, and be killed on the way.
  expect(endings.get('complete')).toBeGreaterThan(RUNS / 4)
  expect(endings.size).toBeGreaterThan(4)
  expect(kills).toBeGreaterThan(RUNS / 4)
  if (process.env.JIKO_SEEDS) console.log(Object.fromEntries(endings), { kills })
})
