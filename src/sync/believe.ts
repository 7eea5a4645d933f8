import { JikoError } from '../protocol/error.ts'
import type { SyncResponse } from '../protocol/hub.ts'
import type { StreamState } from '../store/store.ts'
import { findAgreement } from './agreement.ts'
import type { ExchangeDeps } from './exchange.ts'

/**
 * Takes in what a hub's checked answer says about our streams: marks move, a hub that lost lines gets them again, a fork
 * moves its unsent lines to a new stream.
 * @param asked our streams as they were when the question was asked: marks may have moved on since, by another tab.
 * @returns how far the hub has each stream: where the next push begins.
 * @throws JikoError `sync/wrong-hash` when the hub's chain is not ours and it does not call that a fork.
 */
export async function believe(
  { ack, forks, want }: SyncResponse,
  asked: readonly StreamState[],
  deps: ExchangeDeps,
  signal?: AbortSignal,
): Promise<Map<string, number>> {
  const { store } = deps
  const has = new Map<string, number>()
  const heldThen = new Map(asked.map(({ stream, held }) => [stream, held]))
  const streams = await store.streams()
  const newest = streams.at(-1)
  for (const before of streams) {
    const { stream, tip } = before
    const said = ack[stream]
    if (!said) continue
    const { upto, hash, level } = said
    const alike = upto <= tip && (await store.acknowledge(stream, upto, hash, level))
    if (forks.includes(stream)) {
      const agreed = alike ? upto : await findAgreement(before, Math.min(tip, upto), deps, signal)
      await store.fork(stream, agreed)
      has.set(stream, agreed)
    } else if (upto > tip) {
      // The hub found our head on its chain, which goes on: a clone writes this stream too. Its receipt is for lines
      // that we lack, so its word is good for `held` (a lie is found out and resent, see `rewind`), never for `final`.
      await store.acknowledge(stream, tip, before.hash, 'held')
      if (stream === newest?.stream) await store.fork(stream, tip)
      has.set(stream, tip)
    } else if (alike) {
      if (upto < (heldThen.get(stream) ?? 0)) await store.rewind(stream, upto, level)
      has.set(stream, upto)
    } else {
      throw new JikoError(
        'sync/wrong-hash',
        `the hub's chain of ${stream} up to ${upto} is not ours: it is not believed`,
      )
    }
  }
  for (const [stream, from] of want) {
    const known = has.get(stream)
    if (known !== undefined) has.set(stream, Math.min(known, from - 1))
  }
  return has
}
