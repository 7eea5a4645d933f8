import { expect, inject, it } from 'vitest'
import { Broken } from '../sim/check.ts'
import { playInChromium } from '../sim/chromium/play.ts'
import { type Round, roundsOf } from '../sim/chromium/rounds.ts'

/** One of each kind. */
const ROUNDS = Number(process.env.JIKO_ROUNDS ?? 13)
const SEED = Number(process.env.JIKO_SEED ?? 1)

it(`loses nothing, doubles nothing and says nothing untrue in ${ROUNDS} rounds of real browsers and hubs that are killed`, async () => {
  const seen: Round[] = []
  const played = await playInChromium(roundsOf(SEED, ROUNDS), {
    chromiumPath: inject('chromiumPath'),
    onRound: (round) => seen.push(round),
  }).catch((error: Error) => {
    throw new Error(
      `${error.message}\nafter ${JSON.stringify(seen)}\nnpm run sim -- --chromium ${ROUNDS} --seed ${SEED}`,
      {
        cause: error,
      },
    )
  })
  expect(played).toMatchObject({ rounds: ROUNDS })
  // Saving, sending, hearing and being copied each end a browser; a hub is killed in a request and burnt down.
  expect(played.phoneKills).toBeGreaterThanOrEqual(4)
  expect(played.hubKills).toBeGreaterThanOrEqual(2)
})

it('notices a phone that says "saved" before it is', async () => {
  // However slow the machine is, one of them comes after the phone has spoken.
  const rounds: Round[] = Array.from({ length: 8 }, (_, i) => ({
    type: 'killed-saving',
    phone: 0,
    after: 100 * 2 ** i,
  }))
  const played = playInChromium(rounds, { chromiumPath: inject('chromiumPath'), hasty: true })
  await expect(played).rejects.toThrow(Broken)
  await expect(played).rejects.toMatchObject({ invariant: 'I8' })
})
