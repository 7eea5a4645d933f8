import { Broken } from './check.ts'
import { withSeed } from './deterministic.ts'
import { type Event, historyOf } from './events.ts'
import { play } from './play.ts'
import type { Sabotage } from './world.ts'

export interface Failure {
  seed: number
  events: readonly Event[]
  error: Error
}

async function failureOf(seed: number, events: readonly Event[], sabotage?: Sabotage): Promise<Error | undefined> {
  try {
    await withSeed(seed, () => play(events, sabotage))
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

const kindOf = (error: Error): string => (error instanceof Broken ? error.invariant : error.message.slice(0, 40))

/** Plays the history of a seed; undefined when everything held. */
export async function playSeed(seed: number, sabotage?: Sabotage): Promise<Failure | undefined> {
  const events = historyOf(seed)
  const error = await failureOf(seed, events, sabotage)
  return error && { seed, events, error }
}

/** Plays events that somebody has typed or a shrinking has left. */
export async function playEvents(seed: number, events: readonly Event[]): Promise<Failure | undefined> {
  const error = await failureOf(seed, events)
  return error && { seed, events, error }
}

/** Leaves out what the failure does not need, halves first, then one by one. */
export async function shrink(failure: Failure, sabotage?: Sabotage): Promise<Failure> {
  let best = failure
  for (let size = Math.ceil(best.events.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.events.length; ) {
      const events = best.events.toSpliced(at, size)
      const error = await failureOf(best.seed, events, sabotage)
      if (error && kindOf(error) === kindOf(best.error)) best = { ...best, events, error }
      else at += size
    }
  }
  return best
}

export const replayCommand = ({ seed, events }: Failure): string =>
  `npm run sim -- --seed ${seed} --events '${JSON.stringify(events)}'`
