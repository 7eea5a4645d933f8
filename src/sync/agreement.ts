import { EMPTY_HASH, recordId } from '../protocol/log.ts'
import type { StreamState } from '../store/store.ts'
import { type ExchangeDeps, exchange } from './exchange.ts'

/**
 * The last line of a forked stream that the hub and we have alike. The hub says only whether a head that we announce is
 * on its chain, so we announce earlier ones and close in. First what the hub once acknowledged and the line after it:
 * where a backup was restored, that is the answer.
 * @param differs a place where the two are known to differ.
 */
export async function findAgreement(
  { stream, epoch, held }: StreamState,
  differs: number,
  deps: ExchangeDeps,
  signal?: AbortSignal,
): Promise<number> {
  let alike = 0
  let other = differs
  const likely = [held, held + 1]
  while (other - alike > 1) {
    const guess = likely.shift()
    const tip = guess !== undefined && guess > alike && guess < other ? guess : (alike + other) >> 1
    const hash = (await deps.store.get(recordId(stream, tip)))?.hash ?? EMPTY_HASH
    const { answer } = await exchange([{ stream, epoch, tip, hash }], undefined, deps, signal)
    if (answer.forks.includes(stream)) other = tip
    else alike = tip
  }
  return alike
}
