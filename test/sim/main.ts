import { appendFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { findChromium } from '../helpers/find-chromium.ts'
import { playInChromium } from './chromium/play.ts'
import { roundsOf } from './chromium/rounds.ts'
import { type Failure, playEvents, playSeed, replayCommand, shrink } from './run.ts'

/**
 * `npm run sim -- --seeds 100000 [--from N] [--log FILE]`, `npm run sim -- --seed N [--events JSON]`. Prints how it gets on; a
 * failure is shrunk and printed with the command that plays it again. `npm run sim -- --chromium ROUNDS [--seed N]` plays on real
 * browsers and hub processes, which are killed.
 */
const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    events: { type: 'string' },
    chromium: { type: 'string' },
    /** A line is added to it when all is over. */
    log: { type: 'string' },
    /** Go on after a failure, up to so many. */
    failures: { type: 'string', default: '1' },
  },
})

async function tell(failure: Failure): Promise<void> {
  const small = await shrink(failure)
  console.error(`seed ${failure.seed} breaks ${small.error.message}`)
  for (const event of small.events) console.error(`  ${JSON.stringify(event)}`)
  console.error(replayCommand(small))
  if (values.seed !== undefined) console.error(small.error.stack)
}

async function playOne(seed: number): Promise<number> {
  const failure = values.events === undefined ? await playSeed(seed) : await playEvents(seed, JSON.parse(values.events))
  if (failure) await tell(failure)
  else console.log(`seed ${seed}: everything held`)
  return failure ? 1 : 0
}

async function playMany(from: number, count: number): Promise<number> {
  const begun = Date.now()
  let failures = 0
  let stopped = false
  const stop = (): void => {
    stopped = true
  }
  let seed = from
  // What was played until then counts.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
  for (; seed < from + count && !stopped; seed++) {
    // Nothing in a history waits for anything outside: signals are heard in between.
    if (seed % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
    const failure = await playSeed(seed)
    if (failure) {
      await tell(failure)
      failures += 1
      if (failures >= Number(values.failures)) stop()
    }
    const done = seed - from + 1
    if (done % 1000 === 0)
      console.log(`${done} of ${count} seeds, ${failures} broken, ${Math.round((Date.now() - begun) / 1000)} s`)
  }
  const seconds = Math.round((Date.now() - begun) / 1000)
  const said = `${seed - from} seeds from ${from} on: ${failures === 0 ? 'no invariant broken' : `${failures} broken`}, ${seconds} s`
  await log(said)
  return failures
}

async function log(said: string): Promise<void> {
  console.log(said)
  if (values.log !== undefined) await appendFile(values.log, `- ${new Date().toISOString().slice(0, 16)}: ${said}\n`)
}

async function playRounds(count: number, seed: number): Promise<number> {
  const begun = Date.now()
  const played = await playInChromium(roundsOf(seed, count), {
    chromiumPath: findChromium(),
    onRound: (round, index) => console.log(`${index + 1} of ${count}: ${JSON.stringify(round)}`),
  }).catch((error: Error) => {
    console.error(`seed ${seed}, ${count} rounds in Chromium: ${error.stack}`)
  })
  if (!played) return 1
  const { rounds, phoneKills, hubKills, records } = played
  const kills = `${phoneKills} kills of browsers and ${hubKills} of hubs, ${records} records`
  const seconds = Math.round((Date.now() - begun) / 1000)
  await log(`${rounds} rounds in Chromium from seed ${seed}, ${kills}: no invariant broken, ${seconds} s`)
  return 0
}

async function play(): Promise<number> {
  if (values.chromium !== undefined) return playRounds(Number(values.chromium), Number(values.seed ?? 1))
  if (values.seed !== undefined) return playOne(Number(values.seed))
  return playMany(Number(values.from), Number(values.seeds))
}

const failed = await play()
process.exitCode = failed > 0 ? 1 : 0
