import type { StreamState } from './store.ts'

/** A line as it lies on disk. The body is not kept beside it: it is the line, parsed. */
export interface RecordRow {
  stream: string
  seq: number
  line: string
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
}

/** What is still to be sent. Apart from the bytes, so that marking one done does not write a photo again. */
export interface UploadRow {
  sha256: string
  type: string
  size: number
  /** [born, seq] of the record that brought it: older ones go first. */
  order: [number, number]
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
  /** In order of `order`. */
  uploads(limit: number): Promise<UploadRow[]>
  waits(sha256: string): Promise<boolean>
  countUploads(): Promise<number>
  putUpload(row: UploadRow): Promise<void>
  deleteUpload(sha256: string): Promise<void>
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
