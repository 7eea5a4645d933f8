import type { Golden } from '../protocol/golden.ts'
import type { Feeding } from '../protocol/manifest.ts'
import type { Session } from './backend.ts'
import { goldenRun } from './open-session.ts'

export interface StopwatchOptions {
  /** Milliseconds that timing may take. */
  budget: number
  now(): number
}

/** Whoever is still being made faster by the browser is not timed before it has run so often. */
const WARM_UP = 1
const MOST_RUNS = 20

/**
 * Milliseconds of a run of each graph on its golden input: the shortest of as many as the budget allows, at least one. What else the
 * device does makes runs longer, never shorter.
 */
export async function timeRuns(
  session: Session,
  feeding: Feeding,
  golden: readonly Golden[],
  { budget, now }: StopwatchOptions,
): Promise<number> {
  const runs = golden.map((one) => goldenRun(session, one, feeding))
  const begun = now()
  let shortest = Number.POSITIVE_INFINITY
  for (let run = 0; run < MOST_RUNS; run++) {
    const from = now()
    for (const run of runs) await run()
    const to = now()
    const counts = run >= WARM_UP || to - begun >= budget
    if (counts) shortest = Math.min(shortest, to - from)
    if (counts && to - begun + shortest > budget) break
  }
  return shortest
}
