import { JikoError } from '../protocol/error.ts'
import type { SyncResponse } from '../protocol/hub.ts'
import type { StreamState } from '../store/store.ts'
import { findAgreement, isOnChain } from './agreement.ts'
import type { ExchangeDeps } from './exchange.ts'

/**
 * Takes in what a hub's checked answer says about our streams: marks move, a hub that lost lines gets them again, a fork
 * moves its unsent lines to a new stream.
 * @param asked our streams as they were when the question was asked: lines and marks may have been added since.
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
  const streams = await store.streams()
  const newest = streams.at(-1)
  for (const before of streams) {
    const { stream, tip } = before
    const said = ack[stream]
    const then = asked.find((one) => one.stream === stream)
    if (!said || !then) continue
    const { upto, hash, level, final } = said
    const alike = upto <= tip && (await store.acknowledge(stream, upto, hash, level))
    // A hub that is behind us cannot compare the head we announced. Another H in its receipt may be a fork all the same,
    // so it is asked about that very line; a hub that then finds no difference contradicts itself.
    const differs = upto <= tip && !alike
    if (forks.includes(stream) || (differs && !(await isOnChain(before, upto, deps, signal)))) {
      const agreed = alike ? upto : await findAgreement(before, Math.min(tip, upto), deps, signal)
      await store.fork(stream, agreed)
      has.set(stream, agreed)
    } else if (upto > tip) {
      // The hub found our head on its chain, which goes on: a clone writes this stream too. Its receipt is for lines
      // that we lack, so its word is good for `held` (a lie is found out and resent, see `rewind`), never for `final`.
      await store.acknowledge(stream, then.tip, then.hash, 'held')
      if (stream === newest?.stream || tip > then.tip) await store.fork(stream, then.tip)
      has.set(stream, then.tip)
    } else if (alike) {
      if (upto < then.held) await store.rewind(stream, upto, level)
      has.set(stream, upto)
    } else {
      throw new JikoError(
        'sync/wrong-hash',
        `the hub's chain of ${stream} up to ${upto} is not ours: it is not believed`,
      )
    }
    // Of what the hub only holds, or has beyond our tip, these are at the root; another H than ours moves nothing.
    if (final) await store.acknowledge(stream, final.upto, final.hash, 'final')
  }
  for (const [stream, from] of want) {
    const known = has.get(stream)
    if (known !== undefined) has.set(stream, Math.min(known, from - 1))
  }
  return has
}
