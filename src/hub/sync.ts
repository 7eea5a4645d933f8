import type { Bytes } from '../lib/bytes.ts'
import { sha256 } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import {
  type Ack,
  MAX_SYNC_BYTES,
  MAX_SYNC_INFLATED_BYTES,
  SIGNATURE_HEADER,
  SyncRequest,
  type SyncResponse,
} from '../protocol/hub.ts'
import { EMPTY_HASH, headMessage, receiptMessage, streamId } from '../protocol/log.ts'
import { parseJson, parseWith } from '../protocol/parse.ts'
import { type Signer, verify } from '../protocol/sign.ts'
import { gunzipText, readBody } from './body.ts'
import { isDeeperThan } from './depth.ts'
import { type Taken, takeIn } from './intake.ts'
import type { HubStore } from './store/store.ts'
import { reasonOf } from './verdict.ts'

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
  signer: Signer
  /** `final` when nobody stands above this hub. */
  level: Ack['level']
  /** Milliseconds since 1970. */
  now: () => number
  /** Called once the device has proven who it is. @throws JikoError `hub/too-often`. */
  admit: (device: string) => void
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

async function checkSignature(request: Request, body: Bytes, key: string): Promise<void> {
  const signature = request.headers.get(SIGNATURE_HEADER)
  if (signature === null) {
    throw new JikoError('hub/unsigned', `the request has no ${SIGNATURE_HEADER} header: sign it with the device key`)
  }
  if (await verify(key, await sha256(body), signature)) return
  throw new JikoError('hub/bad-signature', 'the signature is not of this body by this device')
}

/** Proves that each announced stream is the device's own and that the device itself says how far it goes. */
async function checkHeads(program: string, { device, heads, push }: SyncRequest): Promise<void> {
  const streams = Object.entries(heads)
  if (streams.length > MAX_STREAMS) {
    throw new JikoError('hub/bad-request', `${streams.length} streams are announced, at most ${MAX_STREAMS} at once`)
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
}

/** `POST /v1/{program}/sync`: takes in a push and says what the hub has, lacks and refuses. `sync.md` is the whole protocol. */
export function createSync({ store, signer, level, now, admit }: SyncDeps) {
  async function verdictsOf(program: string, push: SyncRequest['push']): Promise<SyncResponse['verdicts']> {
    if (!push) return []
    const { stream, from, lines } = push
    const positions = await store.positions(program, stream, from, from + lines.length - 1)
    return positions.flatMap(({ seq, verdict }) => {
      const reason = reasonOf(verdict)
      return reason === undefined ? [] : [[stream, seq, reason] satisfies SyncResponse['verdicts'][number]]
    })
  }

  return async (program: string, request: Request): Promise<SyncResponse> => {
    const { body, sync } = await readRequest(request)
    await checkSignature(request, body, sync.device.key)
    admit(sync.device.key)
    await checkHeads(program, sync)
    const receivedAt = now()
    const { key } = sync.device
    const device = await store.seeDevice(program, { key, app: sync.app, at: receivedAt })

    const taken = new Map<string, Taken>()
    for (const [stream, [seq, hash, signature]] of Object.entries(sync.heads)) {
      const announcement = {
        stream,
        device: key,
        epoch: sync.device.epochs[stream] ?? '',
        head: { seq, hash, signature },
        ...(sync.push?.stream === stream && { push: sync.push }),
        revoked: device.revokedAt !== undefined,
        receivedAt,
      }
      taken.set(stream, await takeIn(store, program, announcement))
    }

    const ack: SyncResponse['ack'] = {}
    const want: SyncResponse['want'] = []
    for (const [stream, { tip, hash, forked }] of taken) {
      const receipt = await signer.sign(receiptMessage(program, stream, tip, hash, level))
      ack[stream] = { upto: tip, hash, level, receipt }
      const announced = sync.heads[stream]?.[0] ?? 0
      if (!forked && announced > tip) want.push([stream, tip + 1, announced])
    }
    const blobs =
      device.revokedAt === undefined ? await store.lackingBlobs(program, [...taken.keys()], MAX_LACKING) : []
    return {
      jiko: 1,
      hub: { key: signer.key },
      ack,
      verdicts: await verdictsOf(program, sync.push),
      forks: [...taken].filter(([, { forked }]) => forked).map(([stream]) => stream),
      want,
      blobs,
      time: receivedAt,
      next: { bytes: BATCH_BYTES, delay: want.length > 0 || blobs.length > 0 ? 0 : IDLE_DELAY },
    }
  }
}
