import type { Feeding, Golden } from '../protocol/manifest.ts'
import type { Session } from './backend.ts'
import { goldenInputs } from './golden.ts'

export interface StopwatchOptions {
  /** Milliseconds that timing may take. */
  budget: number
  now(): number
}

/** Whoever is still being made faster by the browser is not timed before it has run so often. */
const WARM_UP = 1
const MOST_RUNS = 20

/**
 * Milliseconds of a run on a golden input: the shortest of as many as the budget allows, at least one. What else the
 * device does makes runs longer, never shorter.
 */
export async function timeRuns(
  session: Session,
  feeding: Feeding,
  { seed }: Golden,
  { budget, now }: StopwatchOptions,
): Promise<number> {
  const inputs = goldenInputs(seed, feeding)
  const begun = now()
  let shortest = Number.POSITIVE_INFINITY
  for (let run = 0; run < MOST_RUNS; run++) {
    const from = now()
    await session.run(inputs)
    const to = now()
    const counts = run >= WARM_UP || to - begun >= budget
    if (counts) shortest = Math.min(shortest, to - from)
    if (counts && to - begun + shortest > budget) break
  }
  return shortest
}
