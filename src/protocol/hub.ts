import * as v from 'valibot'
import { type Bytes, fromBase64Url, fromHex, toBase64Url, toHex, utf8 } from '../lib/bytes.ts'
import { Count, PositiveCount, PublicKey, Sha256, ShortText, Slug } from './primitives.ts'

/** Limits that the hub enforces and the phone keeps to. */
export const MAX_SYNC_BYTES = 1 << 20
export const MAX_SYNC_INFLATED_BYTES = 8 << 20
export const MAX_PUSH_LINES = 2000
export const MAX_BLOB_BYTES = 16 << 20

/** Header that carries the device's signature over the SHA-256 of the body bytes as sent. */
export const SIGNATURE_HEADER = 'jiko-signature'

const Stream = v.pipe(v.string(), v.regex(/^[a-z2-7]{16}$/, 'expected a stream of 16 base32 characters'))
const Signature = v.pipe(v.string(), v.regex(/^[\w-]{86}$/, 'expected a signature as 86 base64url characters'))
const Epoch = v.pipe(v.string(), v.regex(/^[\w-]{22}$/, 'expected 16 bytes as base64url'))

/**
 * A line's exact text; or its SHA-256 and why the text is no more: an order erased it, or it was final and the device made
 * room. Of the latter a hub that lacks it has a reported loss, and the chain goes on.
 */
export const SentLine = v.union([v.string(), v.tuple([Sha256, v.picklist(['erased', 'pruned'])])])
export type SentLine = v.InferOutput<typeof SentLine>

const Lines = v.pipe(v.array(SentLine), v.maxLength(MAX_PUSH_LINES))
/** How far each stream of others is known, as far as it is about one stream. */
const Known = v.record(Stream, Count)
/** A line of somebody else, as [stream, seq, line]. */
const Op = v.tuple([Stream, PositiveCount, v.string()])
export type Op = v.InferOutput<typeof Op>

/** Most attachments asked about at once. */
export const MAX_PHOTOS_ASKED = 100
const Photos = v.pipe(v.array(Sha256), v.maxLength(MAX_PHOTOS_ASKED))
const Head = v.tuple([Count, Sha256, Signature])

/** Most lost lines named at once. */
export const MAX_LOST = 200

/** Most hashes in one `rest`. */
export const MAX_REST = 16_000

/**
 * A stream that a hub carries for the device that wrote it. The request is signed by the carrying hub; what counts for the
 * stream is the device's own word: the stream follows from its key and epoch, and it has signed `head`. Lines come with
 * what leads from them to that head, so that a carrier can neither invent, change nor leave out a line of somebody else.
 */
const Carried = v.object({
  key: PublicKey,
  epoch: Epoch,
  /** What the device said it runs. */
  app: v.pipe(ShortText, v.maxLength(64)),
  head: Head,
  /** Acknowledge it up to here at most: so the carrier finds, by H, where two chains part. */
  upto: v.optional(Count),
  /**
   * `before` is H(from - 1); `rest` are the hashes of the lines after the last one sent, up to `head` and joined in hex.
   * `quarantine` are lines that the carrier did not accept, as [seq, reason]: so a revocation travels.
   */
  push: v.optional(
    v.object({
      from: PositiveCount,
      before: Sha256,
      lines: Lines,
      rest: v.pipe(
        v.string(),
        v.maxLength(MAX_REST * 64),
        v.regex(/^([0-9a-f]{64})*$/, 'expected SHA-256s in hex, joined'),
      ),
      quarantine: v.pipe(v.array(v.tuple([PositiveCount, ShortText])), v.maxLength(MAX_PUSH_LINES)),
    }),
  ),
  /** What the carrier knows of others' lines about this stream: what else there is comes in `down`. */
  known: v.optional(Known),
  /** Lines that stand elsewhere than on the chain, as [seq, line]: kept apart, by the carrier's word alone. */
  forked: v.optional(v.pipe(v.array(v.tuple([PositiveCount, v.string()])), v.maxLength(MAX_PUSH_LINES))),
})
export type Carried = v.InferOutput<typeof Carried>

/** `POST /v1/{program}/sync`, gzip. Heads are announced even when nothing is pushed. */
export const SyncRequest = v.object({
  v: v.literal(1),
  device: v.object({
    key: PublicKey,
    /** The epoch of each stream announced: proves that the stream belongs to the key. */
    epochs: v.record(Stream, Epoch),
  }),
  /** How far each log goes on the device: [seq, H(seq), signature over `headMessage`]. */
  heads: v.record(Stream, Head),
  clock: v.object({
    wall: v.pipe(v.number(), v.safeInteger()),
    mono: Count,
    session: v.pipe(v.string(), v.maxLength(32)),
  }),
  /**
   * Lines from `from` on, in order, exact text. `head` is [last seq, H, signature] after them, where they do not reach the
   * announced head: with it a hub can pass on what it has, also when the rest never comes.
   */
  push: v.optional(v.object({ stream: Stream, from: PositiveCount, lines: Lines, head: v.optional(Head) })),
  /** What a hub passes on. Its `device` is then the hub's key, which has no streams of its own. */
  carried: v.optional(v.record(Stream, Carried)),
  /** For each of its streams what the device knows of others' lines about it: what else there is comes in `down`. */
  known: v.optional(v.record(Stream, Known)),
  /** Attachments that some hub has, of which the device asks whether the root has them. */
  photos: v.optional(Photos),
  /** Of a hub: names the streams with changes that came in since then, by the clock of who answers. */
  since: v.optional(Count),
  storage: v.optional(
    v.object({
      persisted: v.boolean(),
      usage: Count,
      quota: Count,
      /** Kinds of storage that the browser was found to have emptied since the last answer. */
      lost: v.optional(v.pipe(v.array(v.pipe(ShortText, v.maxLength(32))), v.maxLength(8))),
    }),
  ),
  app: v.pipe(ShortText, v.maxLength(64)),
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
  /**
   * Where `upto` is only held, or lies beyond the announced head: how far of that head the root has it, with the same kind
   * of receipt, at level `final`.
   */
  final: v.optional(v.object({ upto: PositiveCount, hash: Sha256, receipt: Signature })),
})
export type Ack = v.InferOutput<typeof Ack>

/** Only this explicit envelope is a success: a captive portal answers 200 too. */
export const SyncResponse = v.object({
  jiko: v.literal(1),
  hub: v.object({ key: PublicKey }),
  /** No hub stands above this one. */
  root: v.optional(v.boolean()),
  ack: v.record(Stream, Ack),
  /** Records that were stored but not accepted: [stream, seq, reason]. */
  verdicts: v.array(v.tuple([Stream, PositiveCount, v.string()])),
  /** Streams whose line at this position hashes otherwise here: mint a new epoch. */
  forks: v.array(Stream),
  /** Carried streams that were not taken, as [stream, code]: none of them keeps the others from being taken. */
  refused: v.optional(v.array(v.tuple([Stream, v.string()]))),
  /**
   * Lines of which the hub has only the hash, because their device had made room and somebody lost the text: [stream, seq].
   * Of streams that are carried and asked about: whoever still has one sends it again.
   */
  lost: v.optional(v.pipe(v.array(v.tuple([Stream, PositiveCount])), v.maxLength(MAX_LOST))),
  /** What the hub lacks of announced logs: [stream, from, to]. */
  want: v.array(v.tuple([Stream, PositiveCount, PositiveCount])),
  /** Attachments named by accepted records that the hub does not have whole. */
  blobs: v.pipe(v.array(Sha256), v.maxLength(100)),
  /**
   * Others' lines about the streams in question, in the order of each stream. `more`: there are further ones. The signature
   * is the hub's over `downMessage`.
   */
  down: v.optional(v.object({ ops: v.array(Op), more: v.boolean(), signature: Signature })),
  /** Which of the attachments asked about the root has, with the hub's signature over `photosMessage`. */
  photos: v.optional(v.object({ final: Photos, signature: Signature })),
  /** Streams with changes since `since`. */
  changed: v.optional(v.array(Stream)),
  /** Milliseconds since 1970 at the hub. */
  time: Count,
  /** `bytes`: largest batch worth sending. `delay`: milliseconds until the next sync when nothing new is to be sent; new records need not wait. */
  next: v.object({ bytes: PositiveCount, delay: Count }),
})
export type SyncResponse = v.InferOutput<typeof SyncResponse>

/** Which device asks, on requests that have no `SyncRequest` body: its public key. Comes with `SIGNATURE_HEADER`. */
export const DEVICE_HEADER = 'jiko-device'

/**
 * Where an attachment is sent and read. After the IETF draft of resumable uploads (fields in its syntax, `?1` is true):
 * - `HEAD` -> 200 with `Upload-Offset` (bytes the hub has) and `Upload-Complete`; 404 when no stored record names it.
 * - `PATCH` with `Upload-Offset`, `Upload-Complete: ?1` on the last piece, and the body -> 204, or 201 when it is whole now;
 *   409 with the right `Upload-Offset`; 413 too long; 422 when the whole has another SHA-256: everything is dropped, begin at 0.
 *   A whole one answers 201 to any repetition. What came of a piece before its connection broke is kept.
 * - `GET` -> the bytes, once whole.
 * `HEAD` and `PATCH` are signed by a device that has synced before: `uploadMessage`, `DEVICE_HEADER`, `SIGNATURE_HEADER`.
 */
export const blobPath = (program: string, sha256: string): string => `/v1/${program}/blobs/sha256-${sha256}`

export const UPLOAD_OFFSET_HEADER = 'upload-offset'
export const UPLOAD_COMPLETE_HEADER = 'upload-complete'
/** RFC 9530, of the piece in this request: `sha-256=:<base64>:`. Sent first, so that a broken piece can be trusted as far as it came. */
export const CONTENT_DIGEST_HEADER = 'content-digest'

/** The value of `CONTENT_DIGEST_HEADER` for a SHA-256 in hex. */
export const formatContentDigest = (digest: string): string =>
  `sha-256=:${toBase64Url(fromHex(digest)).replaceAll('-', '+').replaceAll('_', '/')}=:`

/** The SHA-256 in hex, undefined when the header says none. */
export function parseContentDigest(header: string): string | undefined {
  const [, text] = /(?:^|[\s,])sha-256=:([A-Za-z0-9+/]{43})=:/.exec(header) ?? []
  return text && toHex(fromBase64Url(text.replaceAll('+', '-').replaceAll('/', '_')))
}

/**
 * What a device signs to ask for or send an attachment. `path` is that of `blobPath`. A `HEAD` signs offset 0, `complete`
 * false and the digest of nothing. Repeating a signed request changes nothing: the place and the content are in it.
 * @param digest SHA-256 of this piece, hex.
 */
export const uploadMessage = (
  method: 'HEAD' | 'PATCH',
  path: string,
  offset: number,
  complete: boolean,
  digest: string,
): Bytes => utf8(`jiko-upload/1\n${method}\n${path}\n${offset}\n${complete ? 1 : 0}\n${digest}`)

/** SHA-256 of no bytes, hex: the digest that a signed `HEAD` carries. */
export const NO_BYTES_DIGEST = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

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
