import type { Moment } from '../protocol/record.ts'
import type { SealedPin } from './pin.ts'
import type { StreamState } from './store.ts'

/**
 * A line as it lies on disk. The body is not kept beside it: it is the line, parsed. Rows of streams that are not among
 * `streams` are what others said about this device's records.
 */
export interface RecordRow {
  stream: string
  seq: number
  /** Left out where the text is no more. */
  line?: string
  /** Why it is no more, and the line's own SHA-256: with it the chain goes on. */
  gone?: { why: 'erased' | 'pruned'; hash: string }
  /** H(seq); empty in another's row, whose chain is not known here. */
  hash: string
  /** The record this one is about, as [stream, seq], so that a page of history finds all its changes in one range. */
  ref?: [string, number]
}

/**
 * Bytes rather than a Blob: Safari has lost Blobs in IndexedDB more than once (https://webkit.org/b/188438 and the
 * private mode that refused them until 2023), and a Blob is read lazily, outside of the transaction that found it.
 */
export interface AttachmentRow {
  sha256: string
  type: string
  bytes: ArrayBuffer
  /** Only one record names it. Where that is not said, whoever removes it must look through the log. */
  alone?: boolean
}

/**
 * Where an attachment stands, in the order in which they are sent: previews, full ones, those that a hub has already, and
 * those that nobody has looked at yet, which are not to be sent.
 */
export const RANK = { preview: 0, full: 1, held: 2, unseen: 3 } as const
export type Rank = (typeof RANK)[keyof typeof RANK]

/**
 * What is not known to be at the root. Apart from the bytes, so that marking one does not write a photo again. The row goes
 * once the root has it.
 */
export interface UploadRow {
  sha256: string
  type: string
  size: number
  /** Small, sent also where bytes cost money. */
  preview: boolean
  /** `RANK`, then [born, seq] of the record that brought it: older ones go first. */
  order: [Rank, number, number]
  /** Of what is (or was) to be looked at first: when it was written. */
  since?: Moment
}

/** How far another's stream is known, as far as it is about one of ours. */
export interface KnownRow {
  target: string
  source: string
  seq: number
}

/** Somebody who uses this phone; `hash` is empty where they have no PIN. It keeps one's records from the others' eyes, not from who takes the phone apart. */
export interface ActorRow extends SealedPin {
  id: string
  name: string
}

/** What a transaction sees. Each method is one request to the database. */
export interface Tables {
  streams(): Promise<StreamState[]>
  putStream(row: StreamState): Promise<void>
  record(stream: string, seq: number): Promise<RecordRow | undefined>
  /** In order, both ends included. */
  records(stream: string, from: number, to: number): Promise<RecordRow[]>
  /** Records about those of `stream` between `from` and `to`, both included. */
  referring(stream: string, from: number, to: number): Promise<RecordRow[]>
  putRecord(row: RecordRow): Promise<void>
  deleteRecords(stream: string, from: number, to: number): Promise<void>
  attachment(sha256: string): Promise<AttachmentRow | undefined>
  hasAttachment(sha256: string): Promise<boolean>
  putAttachment(row: AttachmentRow): Promise<void>
  deleteAttachment(sha256: string): Promise<void>
  /** In order of `order`, those of the ranks from `from` to `to`. */
  uploads(from: Rank, to: Rank, limit: number): Promise<UploadRow[]>
  upload(sha256: string): Promise<UploadRow | undefined>
  countUploads(from: Rank, to: Rank): Promise<number>
  putUpload(row: UploadRow): Promise<void>
  deleteUpload(sha256: string): Promise<void>
  known(): Promise<KnownRow[]>
  putKnown(row: KnownRow): Promise<void>
  actors(): Promise<ActorRow[]>
  putActor(row: ActorRow): Promise<void>
  setting(key: string): Promise<unknown>
  putSetting(key: string, value: unknown): Promise<void>
  deviceKey(): Promise<CryptoKeyPair | undefined>
  putDeviceKey(pair: CryptoKeyPair): Promise<void>
}

/**
 * Where rows live: IndexedDB on a phone, memory in tests. All rules of the log stand above it, once.
 *
 * `transact` commits what `job` wrote when it resolves and nothing when it rejects; a write is on disk when it
 * resolves. The job may await nothing but its tables (IndexedDB commits a transaction that has nothing to do), and
 * may run twice when the connection dropped under it.
 */
export interface Database {
  transact<T>(mode: 'read' | 'write', job: (tables: Tables) => Promise<T>): Promise<T>
  close(): void
}
