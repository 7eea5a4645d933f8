import { JikoError } from '../../protocol/error.ts'
import type { SyncResponse } from '../../protocol/hub.ts'
import type { Persist } from '../../sync/persist.ts'
import type { HubStream } from '../store/store.ts'
import { goneOf } from '../verdict.ts'
import { ask, type ProgramDeps } from './ask.ts'
import { believe, type Outcome } from './believe.ts'
import { compose, introduce, type Load, withinText } from './compose.ts'
import { takeDown } from './down.ts'

/** A hub takes no more streams in one request. */
const MAX_STREAMS = 64
const FORKS = 200

const linesOf = (loads: readonly Load[]): number => loads.reduce((sum, { lines }) => sum + lines, 0)
const loadsOf = (loads: readonly Load[]) =>
  Object.fromEntries(loads.map(({ stream, carried }) => [stream.stream, carried]))

/** What fits one request, and the answer to it; nothing when nothing can be said of the streams. */
async function question(
  streams: readonly HubStream[],
  asking: boolean,
  deps: ProgramDeps,
  signal?: AbortSignal,
): Promise<{ loads: Load[]; answer?: SyncResponse }> {
  const { store, program, pace } = deps
  for (;;) {
    const { bytes } = pace
    const loads = await compose(store, program, streams, pace, asking)
    if (loads.length === 0) return { loads }
    try {
      return { loads, answer: await ask(loadsOf(loads), linesOf(loads), deps, signal) }
    } catch (error) {
      if (!(error instanceof JikoError) || error.code !== 'sync/too-large') throw error
      // The pace is slower now. Where it can get no slower, a line that no request can carry keeps its own stream back.
      if (pace.bytes < bytes) continue
      if (loads.length === 1) return { loads }
      throw error
    }
  }
}

/** One request for the first of `streams`, and what came of each that was in it. */
async function exchange(
  streams: readonly HubStream[],
  asking: boolean,
  deps: ProgramDeps,
  persist: Persist,
  signal?: AbortSignal,
): Promise<{ load: Load; outcome: Outcome }[]> {
  const { loads, answer } = await persist.attempt(() => question(streams, asking, deps, signal), signal)
  if (!answer) return loads.map((load) => ({ load, outcome: 'stuck' }))
  const told: { load: Load; outcome: Outcome }[] = []
  for (const load of loads) told.push({ load, outcome: await believe(answer, load, deps, signal) })
  for (const load of loads) await offerLost(answer, load, deps)
  await takeDown(answer, deps)
  for (const sha256 of answer.blobs) await deps.store.noteBlobAbove(deps.program, sha256, 'nowhere')
  if (told.some(({ outcome }) => outcome === 'moved' || outcome === 'settled')) persist.progressed()
  return told
}

/** Where the hub above lost the text of a line that is here, what it was sent begins there anew. */
async function offerLost(
  { lost = [] }: SyncResponse,
  { stream }: Load,
  { store, program }: ProgramDeps,
): Promise<void> {
  for (const [name, seq] of lost) {
    if (name !== stream.stream || seq > stream.proven) continue
    const [line] = await store.lines(program, name, seq, 1)
    if (!line || goneOf(line.verdict)) continue
    const now = await store.stream(program, name)
    if (!now || now.above.dividedAfter !== undefined) return
    return store.noteAbove(program, name, { held: seq - 1, final: Math.min(now.above.final, seq - 1) })
  }
}

type Choose = (after: string) => Promise<HubStream[]>

/**
 * Passes on the lines that the hub above lacks of the streams that `choose` gives, many of them in one request.
 * @returns false when the hub above had more before: then all that was noted of it is in doubt.
 */
async function passOn(choose: Choose, deps: ProgramDeps, persist: Persist, signal?: AbortSignal): Promise<boolean> {
  for (let after = ''; ; ) {
    const told = await exchange(await choose(after), false, deps, persist, signal)
    if (told.length === 0) return true
    if (told.some(({ outcome }) => outcome === 'lost')) return false
    // Go on with the first stream that has more to send and gets somewhere; one that is stuck keeps nobody back.
    const next = told.findIndex(({ outcome }) => outcome === 'moved')
    after = told[next < 0 ? told.length - 1 : next - 1]?.load.stream.stream ?? after
  }
}

/** Hears what the hub above has of the streams. @returns false when it had more before. */
async function hear(choose: Choose, deps: ProgramDeps, persist: Persist, signal?: AbortSignal): Promise<boolean> {
  for (let after = ''; ; ) {
    const told = await exchange(await choose(after), true, deps, persist, signal)
    const last = told.at(-1)
    if (!last) return true
    if (told.some(({ outcome }) => outcome === 'lost')) return false
    after = last.load.stream.stream
  }
}

/** The lines that devices wrote elsewhere than on their chains. */
async function sendForks(deps: ProgramDeps, persist: Persist, signal?: AbortSignal): Promise<void> {
  const { store, program } = deps
  let unsent = 0
  for (;;) {
    const forks = withinText((await store.forksToForward(program, unsent + FORKS)).slice(unsent))
    const loads: Load[] = []
    for (const name of [...new Set(forks.map(({ stream }) => stream))].slice(0, MAX_STREAMS)) {
      const stream = await store.stream(program, name)
      const carried = stream && (await introduce(store, program, stream))
      if (!stream || !carried) continue
      const forked = forks
        .filter((fork) => fork.stream === name)
        .map(({ seq, line }) => [seq, line] as [number, string])
      loads.push({ stream, carried: { ...carried, forked }, lines: forked.length })
    }
    if (loads.length === 0) {
      if (forks.length === 0) return
      unsent += forks.length
      continue
    }
    const answer = await persist.attempt(() => ask(loadsOf(loads), 0, deps, signal), signal)
    for (const fork of forks) if (answer.ack[fork.stream]) await store.noteForkAbove(program, fork)
    unsent += forks.filter(({ stream }) => !answer.ack[stream]).length
  }
}

/**
 * Everything but attachments.
 * @param audit streams that may be settled: asked about without sending lines, so that a loss above is noticed.
 * @throws JikoError `sync/...`, `hub/own-upstream`.
 */
export async function forwardRecords(
  audit: readonly HubStream[],
  deps: ProgramDeps,
  persist: Persist,
  signal?: AbortSignal,
): Promise<void> {
  const { store, program } = deps
  const lacking: Choose = (after) => store.carryable(program, { after, limit: MAX_STREAMS })
  const audited: Choose = async (after) => audit.filter(({ stream }) => stream > after)
  const isWhole = (await hear(audited, deps, persist, signal)) && (await passOn(lacking, deps, persist, signal))
  if (!isWhole) {
    await store.forgetAbove(program)
    // Asked before anything is sent again, since most of it is there.
    const all: Choose = (after) => store.carryable(program, { after, settled: true, limit: MAX_STREAMS })
    await hear(all, deps, persist, signal)
    await passOn(lacking, deps, persist, signal)
  }
  await sendForks(deps, persist, signal)
}
