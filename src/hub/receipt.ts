import type { Ack } from '../protocol/hub.ts'
import { EMPTY_HASH, receiptMessage } from '../protocol/log.ts'
import type { Signer } from '../protocol/sign.ts'
import type { Taken } from './intake.ts'
import type { HubStore } from './store/store.ts'

export interface ReceiptDeps {
  store: HubStore
  signer: Signer
  /** False when a hub stands above: then only what that one knows at the root is final. */
  isRoot: boolean
}

/**
 * Says how far a stream has got, signed.
 * @param most at most up to here: a hub that carries a stream can compare only what it has itself.
 * @param head how far who asks has it: a device that lags behind its clone gets a final receipt that it can compare.
 */
export async function acknowledge(
  { store, signer, isRoot }: ReceiptDeps,
  program: string,
  stream: string,
  { tip, hash, above }: Taken,
  most: number,
  head: number,
): Promise<Ack> {
  async function hashAt(seq: number): Promise<string> {
    if (seq === tip) return hash
    const [position] = seq === 0 ? [] : await store.positions(program, stream, seq, seq)
    return position?.hash ?? EMPTY_HASH
  }
  async function receipt(upto: number, level: Ack['level']): Promise<Pick<Ack, 'upto' | 'hash' | 'receipt'>> {
    const at = await hashAt(upto)
    return { upto, hash: at, receipt: await signer.sign(receiptMessage(program, stream, upto, at, level)) }
  }

  const upto = Math.min(tip, most)
  const final = isRoot ? upto : Math.min(above.final, upto)
  // With nothing here at all there is nothing to be final, unless this is where it would be.
  const level = isRoot || (final === upto && final > 0) ? 'final' : 'held'
  const comparable = Math.min(final, head)
  const tellsMore = comparable > 0 && (level === 'held' || comparable < upto)
  return { ...(await receipt(upto, level)), level, ...(tellsMore && { final: await receipt(comparable, 'final') }) }
}
