import { JikoError } from '../protocol/error.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { Backend, Session } from '../runtime/backend.ts'
import { goldenOfEach } from '../runtime/open-session.ts'
import { timeRuns } from '../runtime/stopwatch.ts'
import type { Choice, Verdicts } from './verdicts.ts'

/** Milliseconds that timing all ways of running a pack may take together. */
const STOPWATCH_BUDGET = 1000

/** What is loaded. */
interface Loaded {
  manifest: Manifest
  choice: Choice
  session: Session
}

export interface RaceDeps {
  verdicts: Verdicts
  isHere(manifest: Manifest, way: Choice): Promise<boolean>
  /** Whether trying a backend that is not loaded costs nothing. */
  isFree(backend: Backend): Promise<boolean>
  /** Nothing where there is nothing to compare with any more. */
  openRival(way: Choice): Promise<Session | undefined>
  inTurn<T>(work: () => Promise<T>): Promise<T>
  now(): number
}

/**
 * Times every way of running what is loaded that was not timed before, where there is more than one, and writes down what it
 * finds out: until everything is forgotten meanwhile, which ends it.
 */
export async function race({ manifest, choice, session }: Loaded, deps: RaceDeps): Promise<void> {
  const { verdicts, isHere, isFree, openRival, inTurn, now } = deps
  const note = verdicts.notebook()
  const ways: Choice[] = []
  for (const way of verdicts.choices(manifest)) {
    const mayRun = way.variant.name === choice.variant.name && (await isHere(manifest, way))
    if (mayRun && (way.backend === choice.backend || (await isFree(way.backend)))) ways.push(way)
  }
  const unknown = ways.filter((way) => verdicts.finding(manifest, way) === undefined)
  if (ways.length < 2 || unknown.length === 0) return
  const golden = goldenOfEach(choice.variant)
  const budget = STOPWATCH_BUDGET / (ways.length + 1)

  /** False when it is all in vain. */
  async function time(timed: Session, way: Choice): Promise<boolean> {
    const ms = await inTurn(() => timeRuns(timed, manifest, golden, { budget, now }))
    const before = verdicts.finding(manifest, way)
    return note(manifest, way, typeof before === 'number' ? Math.min(before, ms) : ms)
  }

  /** A way that fails or answers wrongly is noted, and nothing else happens. */
  async function tryOut(way: Choice): Promise<boolean> {
    let rival: Session | undefined
    try {
      rival = await openRival(way)
      return rival !== undefined && (await time(rival, way))
    } catch (error) {
      if (!(error instanceof JikoError) || !error.code.startsWith('runtime/')) throw error
      return await note(manifest, way, error.message)
    } finally {
      await rival?.dispose().catch(() => undefined)
    }
  }

  for (const way of unknown) {
    if (!(await (way.backend === choice.backend ? time(session, way) : tryOut(way)))) return
  }
  // The phone may have been busy at first: what answers is timed after its rivals too.
  if (unknown.some(({ backend }) => backend !== choice.backend)) await time(session, choice)
}
