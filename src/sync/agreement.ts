import { EMPTY_HASH } from '../protocol/log.ts'
import type { StreamState } from '../store/store.ts'
import { type ExchangeDeps, exchange } from './exchange.ts'

type Stream = Pick<StreamState, 'stream' | 'epoch'>

/** Asks the hub whether our line `seq` is on its chain, by announcing the log as if it ended there. */
export async function isOnChain(
  { stream, epoch }: Stream,
  seq: number,
  deps: ExchangeDeps,
  signal?: AbortSignal,
): Promise<boolean> {
  const hash = (await deps.store.hashAt(stream, seq)) ?? EMPTY_HASH
  const { answer } = await exchange([{ stream, epoch, tip: seq, hash }], undefined, deps, signal)
  return !answer.forks.includes(stream)
}

/**
 * The last line of a forked stream that the hub and we have alike, found by closing in. First what the hub once
 * acknowledged and the line after it: where a backup was restored, that is the answer.
 * @param differs a line that is not on the hub's chain.
 */
export async function findAgreement(
  stream: Stream & Pick<StreamState, 'held'>,
  differs: number,
  deps: ExchangeDeps,
  signal?: AbortSignal,
): Promise<number> {
  let alike = 0
  let other = differs
  const likely = [stream.held, stream.held + 1]
  while (other - alike > 1) {
    const guess = likely.shift()
    const seq = guess !== undefined && guess > alike && guess < other ? guess : (alike + other) >> 1
    if (await isOnChain(stream, seq, deps, signal)) alike = seq
    else other = seq
  }
  return alike
}
