import type { Bytes } from '../lib/bytes.ts'
import type { RecordBody, RecordState } from '../protocol/record.ts'

/** A line of the log with what the device knows about it. */
export interface StoredRecord {
  stream: string
  seq: number
  /** The exact text: what is hashed, pushed and never rewritten. */
  line: string
  body: RecordBody
  /** H(seq). */
  hash: string
}

export interface StoredAttachment {
  sha256: string
  blob: Blob
}

/** What one stream knows of itself and of its hub. */
export interface StreamState {
  stream: string
  epoch: string
  /** Last seq written here and H of it. */
  tip: number
  hash: string
  /** Last seq that a hub holds, and that the root holds, each confirmed by comparing H. */
  held: number
  final: number
}

export interface NewAttachment {
  sha256: string
  type: string
  bytes: Bytes
}

/** The records, log and attachments of one install. The log is the outbox. */
export interface RecordStore {
  /** Public key of the device and a signer; made with the database. */
  readonly signer: { readonly key: string; sign(message: Bytes): Promise<string> }
  /**
   * Appends one record and its attachments in ONE strict transaction; resolves when durable.
   * @throws JikoError `storage/quota` or `storage/failed`; nothing is written then.
   */
  append(body: RecordBody, attachments?: readonly NewAttachment[]): Promise<StoredRecord>
  get(id: string): Promise<StoredRecord | undefined>
  /** Newest first. `before` is a record id. */
  list(options?: { limit?: number; before?: string }): Promise<StoredRecord[]>
  /** Lines `from..` of a stream in order, at most `limit`. */
  lines(stream: string, from: number, limit: number): Promise<StoredRecord[]>
  streams(): Promise<StreamState[]>
  stateOf(record: { stream: string; seq: number }): Promise<RecordState>
  /** Believes a receipt: refused (false) when `hash` is not our own H(upto). Never moves backwards except by `rewind`. */
  acknowledge(stream: string, upto: number, hash: string, level: 'held' | 'final'): Promise<boolean>
  /** A hub lost what it had acknowledged (restored backup): send again from there. */
  rewind(stream: string, upto: number): Promise<void>
  /** Starts a new stream: the old one forked (cloned or restored profile). */
  mintEpoch(): Promise<void>
  attachment(sha256: string): Promise<Blob | undefined>
  /** Attachments not yet confirmed whole at a hub, oldest first. */
  waitingAttachments(limit: number): Promise<StoredAttachment[]>
  countWaitingAttachments(): Promise<number>
  attachmentDone(sha256: string): Promise<void>
  getSetting(key: string): Promise<unknown>
  setSetting(key: string, value: unknown): Promise<void>
  /** Calls back after each committed change, also one made in another tab; returns how to stop. */
  subscribe(listener: () => void): () => void
  close(): void
}
