import { JikoError } from '../protocol/error.ts'
import type { Carried } from '../protocol/hub.ts'
import { headMessage, streamId } from '../protocol/log.ts'
import { verify } from '../protocol/sign.ts'
import { continueChain, lineHashOf, sentHashOf } from './chain.ts'
import { type Taken, takeIn } from './intake.ts'
import type { HubStore } from './store/store.ts'

const HASH_DIGITS = 64

/**
 * Proves a stream that another hub carries, by nothing but its own device's word: the lines, then the hashes of those
 * that follow, lead to the head which the device signed.
 * @throws JikoError `hub/not-your-stream`, `hub/bad-signature`, `hub/not-proven`.
 */
export async function checkCarried(program: string, stream: string, { key, epoch, head, push }: Carried) {
  const [seq, hash, signature] = head
  if ((await streamId(key, epoch)) !== stream) {
    throw new JikoError('hub/not-your-stream', `the stream ${stream} does not follow from the device key and its epoch`)
  }
  if (!(await verify(key, headMessage(program, stream, seq, hash), signature))) {
    throw new JikoError('hub/bad-signature', `the head of ${stream} is not signed by its device for "${program}"`)
  }
  if (!push) return
  const following = push.rest.match(/.{64}/g) ?? []
  const reached = [...push.lines.map(sentHashOf), ...following].reduce(continueChain, push.before)
  const last = push.from - 1 + push.lines.length + push.rest.length / HASH_DIGITS
  if (last === seq && reached === hash) return
  throw new JikoError('hub/not-proven', `the lines of ${stream} from ${push.from} do not lead to its signed head`)
}

/** Takes in what was proven; forked lines are kept apart by the carrier's word. */
export async function takeInCarried(
  store: HubStore,
  program: string,
  stream: string,
  carried: Carried,
  receivedAt: number,
): Promise<Taken> {
  const { key, epoch, app, push, forked = [] } = carried
  const [seq, hash, signature] = carried.head
  const device = await store.seeDevice(program, { key, app, at: receivedAt })
  const reasons = new Map(push?.quarantine)
  const taken = await takeIn(store, program, {
    stream,
    device: key,
    epoch,
    head: { seq, hash, signature },
    ...(push && { push: { from: push.from, lines: push.lines, before: push.before } }),
    refused: (line) => (device.revokedAt === undefined ? reasons.get(line) : 'the device was revoked'),
    receivedAt,
  })
  await store.addForks(
    program,
    forked.map(([seq, line]) => ({ stream, seq, line, lineHash: lineHashOf(line), receivedAt })),
  )
  return taken
}
