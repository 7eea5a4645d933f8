import * as v from 'valibot'
import { Count, PositiveCount, Sha256, Slug } from './primitives.ts'

/** Limits that the hub enforces and the phone keeps to. */
export const MAX_SYNC_BYTES = 1 << 20
export const MAX_SYNC_INFLATED_BYTES = 8 << 20
export const MAX_PUSH_LINES = 2000
export const MAX_BLOB_BYTES = 16 << 20

/** Header that carries the device's signature over the SHA-256 of the body bytes as sent. */
export const SIGNATURE_HEADER = 'jiko-signature'

const Stream = v.pipe(v.string(), v.regex(/^[a-z2-7]{16}$/, 'expected a stream of 16 base32 characters'))
const Key = v.pipe(v.string(), v.regex(/^[\w-]{87}$/, 'expected a P-256 public key as 87 base64url characters'))
const Signature = v.pipe(v.string(), v.regex(/^[\w-]{86}$/, 'expected a signature as 86 base64url characters'))
const Epoch = v.pipe(v.string(), v.regex(/^[\w-]{22}$/, 'expected 16 bytes as base64url'))

/** `POST /v1/{program}/sync`, gzip. Heads are announced even when nothing is pushed. */
export const SyncRequest = v.object({
  v: v.literal(1),
  device: v.object({
    key: Key,
    /** The epoch of each stream announced: proves that the stream belongs to the key. */
    epochs: v.record(Stream, Epoch),
  }),
  /** How far each log goes on the device: [seq, H(seq), signature over `headMessage`]. */
  heads: v.record(Stream, v.tuple([Count, Sha256, Signature])),
  clock: v.object({
    wall: v.pipe(v.number(), v.safeInteger()),
    mono: Count,
    session: v.pipe(v.string(), v.maxLength(32)),
  }),
  /** Lines from `from` on, in order, exact text; `head` is [last seq, H, signature] after them. */
  push: v.optional(
    v.object({ stream: Stream, from: PositiveCount, lines: v.pipe(v.array(v.string()), v.maxLength(MAX_PUSH_LINES)) }),
  ),
  storage: v.optional(v.object({ persisted: v.boolean(), usage: Count, quota: Count })),
  app: v.pipe(v.string(), v.maxLength(64)),
})
export type SyncRequest = v.InferOutput<typeof SyncRequest>

const Ack = v.object({
  /** The hub has every line up to here, in one durable transaction. */
  upto: Count,
  /** H(upto) as the hub computed it from the lines it has: the phone compares before it believes. */
  hash: Sha256,
  level: v.picklist(['held', 'final']),
  /** The hub's signature over `receiptMessage`. */
  receipt: Signature,
})
export type Ack = v.InferOutput<typeof Ack>

/** Only this explicit envelope is a success: a captive portal answers 200 too. */
export const SyncResponse = v.object({
  jiko: v.literal(1),
  hub: v.object({ key: Key }),
  ack: v.record(Stream, Ack),
  /** Records that were stored but not accepted: [stream, seq, reason]. */
  verdicts: v.array(v.tuple([Stream, PositiveCount, v.string()])),
  /** Streams whose line at this position hashes otherwise here: mint a new epoch. */
  forks: v.array(Stream),
  /** What the hub lacks of announced logs: [stream, from, to]. */
  want: v.array(v.tuple([Stream, PositiveCount, PositiveCount])),
  /** Attachments named by accepted records that the hub does not have whole. */
  blobs: v.pipe(v.array(Sha256), v.maxLength(100)),
  /** Milliseconds since 1970 at the hub. */
  time: Count,
  next: v.object({ bytes: PositiveCount, delay: Count }),
})
export type SyncResponse = v.InferOutput<typeof SyncResponse>

/** One line of `GET /v1/{program}/records` (NDJSON), for people and programs that read what came in. */
export interface HubRecord {
  id: string
  stream: string
  seq: number
  /** The exact line as the device wrote it, parsed; null when it is not JSON. */
  body: unknown
  verdict: string
  receivedAt: number
}

export const ProgramName = Slug
