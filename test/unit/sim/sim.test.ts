import { describe, expect, it } from 'vitest'
import { Broken } from '../../sim/check.ts'
import { historyOf } from '../../sim/events.ts'
import { type Failure, playSeed, replayCommand, shrink } from '../../sim/run.ts'
import { SABOTAGES } from '../../sim/sabotages.ts'
import type { Sabotage } from '../../sim/world.ts'

const SEEDS = Number(process.env.JIKO_RUNS ?? 2000)
const FROM = Number(process.env.JIKO_SEED ?? 1)
/** Histories within which a mistake must be noticed. */
const SOON = 250

async function explain(failure: Failure): Promise<string> {
  const small = await shrink(failure)
  return `seed ${failure.seed} breaks ${small.error.message}\nplay it again: ${replayCommand(small)}`
}

it(
  `loses nothing, doubles nothing and says nothing untrue in ${SEEDS} histories of phones, hubs, links, clocks and disks`,
  async () => {
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      const failure = await playSeed(seed)
      if (failure) throw new Error(await explain(failure), { cause: failure.error })
    }
  },
  Math.max(300_000, SEEDS * 300),
)

describe('the checker', () => {
  async function firstFailure(sabotage: Sabotage): Promise<Failure | undefined> {
    for (let seed = 1; seed <= SOON; seed++) {
      const failure = await playSeed(seed, sabotage)
      if (failure) return failure
    }
    return undefined
  }

  it.each(Object.entries(SABOTAGES))('notices a mistake that breaks %s', async (invariant, sabotage) => {
    const failure = await firstFailure(sabotage)
    expect(failure?.error).toBeInstanceOf(Broken)
    expect(failure?.error).toMatchObject({ invariant })
  })

  it('shrinks a history to what breaks it, and says how to play that again', async () => {
    const sabotage = SABOTAGES.I8 ?? {}
    const failure = await firstFailure(sabotage)
    if (!failure) throw new Error('nothing broke')
    const small = await shrink(failure, sabotage)
    expect(small.events.length).toBeLessThan(failure.events.length)
    // Every third line is the mistake: only what writes one is left.
    const writing = ['write', 'correct', 'correct-other', 'retract', 'sync', 'tabs']
    expect(small.events.filter(({ type }) => !writing.includes(type))).toEqual([])
    expect(replayCommand(small)).toContain(`--seed ${failure.seed} --events '[{`)
  })

  it('plays the same history for the same seed', () => {
    expect(historyOf(7)).toEqual(historyOf(7))
    expect(historyOf(7)).not.toEqual(historyOf(8))
  })
})
