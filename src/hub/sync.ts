import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import { MAX_LOST, MAX_SYNC_BYTES, MAX_SYNC_INFLATED_BYTES, SyncRequest, type SyncResponse } from '../protocol/hub.ts'
import { EMPTY_HASH, headMessage, streamId } from '../protocol/log.ts'
import { parseJson, parseWith } from '../protocol/parse.ts'
import { type Signer, verify } from '../protocol/sign.ts'
import type { Access } from './access/access.ts'
import type { BlobStore } from './blob-store/blob-store.ts'
import { gunzipText, readBody } from './body.ts'
import { checkCarried, takeInCarried } from './carried.ts'
import { isDeeperThan } from './depth.ts'
import { confirmPhotos, handDown, tellChanged } from './down.ts'
import { carryOutErasures } from './erase.ts'
import { takeIn } from './intake.ts'
import { noteLoss } from './losses.ts'
import { acknowledge } from './receipt.ts'
import { checkSignature } from './signature.ts'
import type { Device, HubStore } from './store/store.ts'
import { mentionsSupervisor, reasonOf } from './verdict.ts'

/** Each announced stream costs a signature check; a phone has one, and one more for every wipe or clone. */
const MAX_STREAMS = 64
/** The envelope itself nests four deep; lines are strings in it. */
const MAX_ENVELOPE_DEPTH = 8
const MAX_LACKING = 100
const BATCH_BYTES = 64 * 1024
/** An idle phone asks 48 times a day; what it has to say comes of itself. */
const IDLE_DELAY = 30 * 60_000

export interface SyncDeps {
  store: HubStore
  /** What an order to erase removes. */
  blobs: BlobStore
  signer: Signer
  access: Access
  /** False when a hub stands above this one. */
  isRoot: boolean
  /** Milliseconds since 1970. */
  now: () => number
  /** Called once the device has proven who it is. @throws JikoError `hub/too-often`. */
  admit: (device: string) => void
  /** Called after something came in. */
  onNews?: () => void
}

/** @throws JikoError: every reason to refuse a whole request is here, before anything is stored. */
async function readRequest(request: Request): Promise<{ body: Bytes; sync: SyncRequest }> {
  const encoding = request.headers.get('content-encoding')
  if (encoding !== 'gzip') {
    throw new JikoError(
      'hub/not-compressed',
      `expected Content-Encoding: gzip, got ${encoding === null ? 'none' : JSON.stringify(encoding)}`,
    )
  }
  const body = await readBody(request, MAX_SYNC_BYTES)
  const text = await gunzipText(body, MAX_SYNC_INFLATED_BYTES)
  if (isDeeperThan(text, MAX_ENVELOPE_DEPTH)) {
    throw new JikoError('hub/bad-request', `the request nests deeper than ${MAX_ENVELOPE_DEPTH}`)
  }
  const sync = parseWith(
    SyncRequest,
    parseJson(text, 'hub/bad-request', 'the request'),
    'hub/bad-request',
    'the request',
  )
  return { body, sync }
}

/** Proves that each announced stream is the device's own and that the device itself says how far it goes. */
async function checkHeads(program: string, { device, heads, push, carried }: SyncRequest): Promise<void> {
  const streams = Object.entries(heads)
  const count = streams.length + Object.keys(carried ?? {}).length
  if (count > MAX_STREAMS) {
    throw new JikoError('hub/bad-request', `${count} streams are announced, at most ${MAX_STREAMS} at once`)
  }
  if (push && !heads[push.stream]) {
    throw new JikoError('hub/bad-request', `lines of ${push.stream} are sent without its head`)
  }
  for (const [stream, [seq, hash, signature]] of streams) {
    const epoch = device.epochs[stream]
    if (epoch === undefined || (await streamId(device.key, epoch)) !== stream) {
      throw new JikoError(
        'hub/not-your-stream',
        `the stream ${stream} does not follow from the device key and its epoch`,
      )
    }
    if (seq === 0 && hash !== EMPTY_HASH) {
      throw new JikoError('hub/bad-request', `the head of the empty stream ${stream} is not the hash of nothing`)
    }
    if (await verify(device.key, headMessage(program, stream, seq, hash), signature)) continue
    throw new JikoError('hub/bad-signature', `the head of ${stream} is not signed by its device for "${program}"`)
  }
  if (!push?.head) return
  const [seq, hash, signature] = push.head
  if (await verify(device.key, headMessage(program, push.stream, seq, hash), signature)) return
  throw new JikoError('hub/bad-signature', `the head of the lines pushed is not signed by its device for "${program}"`)
}

const headOf = ([seq, hash, signature]: [number, string, string]) => ({ seq, hash, signature })

/** `POST /v1/{program}/sync`: takes in a push and says what the hub has, lacks and refuses. `sync.md` is the whole protocol. */
export function createSync({ store, blobs, signer, access, isRoot, now, admit, onNews }: SyncDeps) {
  const above = { store, signer, isRoot }
  const swept = new Set<string>()
  type Answer = Pick<SyncResponse, 'ack' | 'forks' | 'want'> & { refused: [string, string][] }

  async function verdictsOf(program: string, push: SyncRequest['push']): Promise<SyncResponse['verdicts']> {
    if (!push) return []
    const { stream, from, lines } = push
    const positions = await store.positions(program, stream, from, from + lines.length - 1)
    return positions.flatMap(({ seq, verdict }) => {
      const reason = reasonOf(verdict)
      return reason === undefined ? [] : [[stream, seq, reason] satisfies SyncResponse['verdicts'][number]]
    })
  }

  async function takeOwn(
    program: string,
    sync: SyncRequest,
    device: Device,
    at: number,
    answer: Answer,
  ): Promise<void> {
    const { key } = sync.device
    const lines = sync.push?.lines ?? []
    const maySupervise = !lines.some(mentionsSupervisor) || (await access.maySupervise(program, key))
    for (const [stream, [seq, hash, signature]] of Object.entries(sync.heads)) {
      const push = sync.push?.stream === stream ? sync.push : undefined
      const taken = await takeIn(store, program, {
        stream,
        device: key,
        epoch: sync.device.epochs[stream] ?? '',
        head: { seq, hash, signature },
        ...(push && { push: { from: push.from, lines: push.lines, ...(push.head && { head: headOf(push.head) }) } }),
        maySupervise,
        refused: () => (device.revokedAt === undefined ? undefined : 'the device was revoked'),
        receivedAt: at,
      })
      // Where the hub above has another chain, this one's lines will never be final: the device moves them, as it does
      // when we have another chain ourselves.
      const divided = (isRoot ? undefined : taken.above.dividedAfter) ?? Number.POSITIVE_INFINITY
      const forked = taken.forked || seq > divided
      answer.ack[stream] = await acknowledge({ store, signer, isRoot }, program, stream, taken, divided, seq)
      if (forked) answer.forks.push(stream)
      else if (seq > taken.tip) answer.want.push([stream, taken.tip + 1, seq])
    }
  }

  async function takeCarried(
    program: string,
    carried: NonNullable<SyncRequest['carried']>,
    carrier: string,
    at: number,
    answer: Answer,
  ): Promise<void> {
    for (const [stream, one] of Object.entries(carried)) {
      try {
        await checkCarried(program, stream, one)
        const taken = await takeInCarried(store, program, stream, one, at)
        await access.vouch(program, one.key, carrier)
        const [seq] = one.head
        const divided = (isRoot ? undefined : taken.above.dividedAfter) ?? seq
        const most = Math.min(seq, divided, one.upto ?? seq)
        answer.ack[stream] = await acknowledge({ store, signer, isRoot }, program, stream, taken, most, seq)
        if (taken.forked || seq > divided) answer.forks.push(stream)
      } catch (error) {
        if (!(error instanceof JikoError)) throw error
        answer.refused.push([stream, error.code])
      }
    }
  }

  /** A phone is told of its own streams, a hub of those that it carries. */
  async function tellDown(
    program: string,
    { heads, known = {}, carried = {}, photos, since }: SyncRequest,
    { ack, forks }: Answer,
  ) {
    // What a twin wrote under the same numbers in a log that has forked is news to this one.
    const alike = Object.entries(heads).filter(([stream]) => !forks.includes(stream))
    const own = Object.fromEntries(alike.map(([stream, [seq]]) => [stream, seq]))
    const asked = Object.entries(known).filter(([stream]) => Object.hasOwn(heads, stream))
    const carriedKnown = Object.entries(carried).flatMap(([stream, one]) =>
      one.known && ack[stream] ? [[stream, one.known] as const] : [],
    )
    const lost: [string, number][] = []
    for (const [stream] of carriedKnown) {
      for (const seq of await store.lostLines(program, stream, MAX_LOST - lost.length)) lost.push([stream, seq])
    }
    return {
      ...(lost.length > 0 && { lost }),
      ...(await handDown(above, program, Object.fromEntries([...asked, ...carriedKnown]), own)),
      ...(await confirmPhotos(above, program, photos)),
      ...(await tellChanged(above, program, since)),
    }
  }

  return async (program: string, request: Request): Promise<SyncResponse> => {
    const { body, sync } = await readRequest(request)
    const { device: sender, carried = {} } = sync
    await checkSignature(request, body, sender.key)
    admit(sender.key)
    await access.checkSender(program, sender.key)
    if (sync.carried) await access.checkCarrier(program, sender.key)
    await checkHeads(program, sync)
    const receivedAt = now()
    const device = await store.seeDevice(program, { key: sender.key, app: sync.app, at: receivedAt })
    const lost = sync.storage?.lost ?? []
    if (lost.length > 0) await noteLoss(store, program, { device: sender.key, at: receivedAt, what: lost.join(', ') })
    const revoked = device.revokedAt !== undefined
    if (revoked && sync.carried)
      throw new JikoError('hub/revoked', 'this hub was revoked: what it carries is not taken')

    const answer: Answer = { ack: {}, forks: [], want: [], refused: [] }
    await takeOwn(program, sync, device, receivedAt, answer)
    await takeCarried(program, carried, sender.key, receivedAt, answer)
    // An order, or the line that it waited for, comes with lines. Once at first: the last process may have been killed before.
    if (sync.push || sync.carried || !swept.has(program)) {
      await carryOutErasures({ store, blobs, authority: signer.key }, program)
      swept.add(program)
    }
    onNews?.()
    const { refused, ...told } = answer
    const lacking = revoked ? [] : await store.lackingBlobs(program, Object.keys(answer.ack), MAX_LACKING)
    const down = revoked ? {} : await tellDown(program, sync, answer)
    return {
      jiko: 1,
      hub: { key: signer.key },
      ...(isRoot && { root: true }),
      ...told,
      verdicts: await verdictsOf(program, sync.push),
      ...(refused.length > 0 && { refused }),
      blobs: lacking,
      ...down,
      time: receivedAt,
      next: { bytes: BATCH_BYTES, delay: answer.want.length > 0 || lacking.length > 0 ? 0 : IDLE_DELAY },
    }
  }
}
