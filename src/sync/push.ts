import { JikoError } from '../protocol/error.ts'
import type { SyncResponse } from '../protocol/hub.ts'
import type { StreamState } from '../store/store.ts'
import { believe } from './believe.ts'
import type { Down } from './down.ts'
import { type Candidate, type ExchangeDeps, exchange, headsOf } from './exchange.ts'
import type { Persist } from './persist.ts'

/** Answers in a row that took none of the lines sent, after which a hub is taken for broken. */
const MAX_BARREN = 3

/**
 * Announces our streams and pushes lines until the hub has all of them, oldest stream first. At least one exchange, also
 * when there is nothing to push: so a hub that lost lines is noticed.
 * @returns the last answer, and the tips that the hub has.
 */
export async function pushRecords(
  deps: ExchangeDeps,
  persist: Persist,
  down: Down,
  signal?: AbortSignal,
): Promise<{ answer: SyncResponse; reached: string }> {
  let has = new Map<string, number>()
  let barren = 0
  for (;;) {
    const streams = await deps.store.streams()
    const candidate = nextCandidate(streams, has)
    const { answer, lines } = await persist.attempt(
      () => exchange(headsOf(streams, deps.pace), candidate, deps, signal, down),
      signal,
    )
    has = await believe(answer, streams, deps, signal)
    const taken = candidate !== undefined && (has.get(candidate.stream) ?? 0) >= candidate.from
    if (taken) persist.progressed()
    barren = taken || lines === 0 ? 0 : barren + 1
    if (barren >= MAX_BARREN) {
      throw new JikoError('sync/hub-error', `the hub answers, but takes no lines of ${candidate?.stream}`)
    }
    const after = await deps.store.streams()
    if (nextCandidate(after, has) === undefined && !down.asks) return { answer, reached: describeTips(after) }
  }
}

/** Tells whether anything was written since. */
export const describeTips = (streams: readonly StreamState[]): string =>
  streams.map(({ stream, tip }) => `${stream}/${tip}`).join()

/** @param has how far the hub is known to have a stream; else what it once acknowledged is a good guess. */
function nextCandidate(streams: readonly StreamState[], has: ReadonlyMap<string, number>): Candidate | undefined {
  for (const { stream, tip, held } of streams) {
    const known = has.get(stream) ?? held
    if (known < tip) return { stream, from: known + 1 }
  }
  return undefined
}
