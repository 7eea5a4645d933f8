import type { Bytes } from '../lib/bytes.ts'
import type { SentLine } from '../protocol/hub.ts'
import type { EraseBody, Moment, RecordBody, RecordState } from '../protocol/record.ts'
import type { Signer } from '../protocol/sign.ts'

/** The setting that holds the PIN in front of the app, where there is one: see `Lock`. */
export const LOCK_SETTING = 'lock'

/** Milliseconds after which an attachment that nobody has looked at is sent all the same: a phone that died over it must not keep it for ever. */
export const UNSEEN_MS = 6 * 3_600_000

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

/** A result as history shows it: how far it has got, and what was said about it since, in the order of writing. */
export interface HistoryItem {
  record: StoredRecord
  state: RecordState
  /** Corrections, retractions and notes that name it: `corrected()` lays them over. */
  changes: StoredRecord[]
}

/** What one stream knows of itself and of its hub. */
export interface StreamState {
  stream: string
  epoch: string
  /** Streams of this install are numbered from 1 as they are minted; the last one is written to. */
  born: number
  /** Last seq written here and H of it. */
  tip: number
  hash: string
  /** Last seq that a hub holds, and that the root holds, each confirmed by comparing H. */
  held: number
  final: number
  /** Up to here all text is gone. */
  pruned?: number
}

export interface NewAttachment {
  sha256: string
  type: string
  bytes: Bytes
  /** Small: sent before the full ones, also where bytes cost money. */
  preview?: boolean
  /** Not to be sent before somebody has looked at it: see `RecordStore.attachmentsSeen`. */
  unseen?: boolean
}

/** A line of another stream about a record of this device. */
export interface ForeignLine {
  stream: string
  seq: number
  line: string
}

/** Who orders that something be erased, and when. */
export type EraseOrder = Pick<EraseBody, 'at' | 'actor' | 'clock'>

export interface PruneOptions {
  /** Milliseconds since 1970: records that say they are older go. The device's own clock, which may lie: only what is final goes anyhow. */
  before?: number
  /** Or as much as it takes to free so many bytes, oldest first. */
  bytes?: number
}

/** Names only: a hundred photos do not fit the memory of a cheap phone, so they are read one at a time. */
export interface WaitingAttachment {
  sha256: string
  type: string
  /** Bytes. */
  size: number
}

/**
 * How many attachments are only here and may be sent, as previews and in full; how many some hub has that the root is not
 * known to have; and how many are only here and wait for somebody to look at them.
 */
export interface AttachmentCounts {
  previews: number
  full: number
  held: number
  unseen: number
}

export interface Page {
  /** Default 50. */
  limit?: number
  /** A record id: the page begins with what was written before it. */
  before?: string
  /** Only what this person wrote, or nobody in particular. */
  actor?: string
}

/** The records, log and attachments of one install. The log is the outbox. */
export interface RecordStore {
  /** Public key of the device and a signer; made with the database. */
  readonly signer: Signer
  /**
   * Appends one record and its attachments in ONE strict transaction; resolves when durable.
   * @throws JikoError `storage/quota`, `storage/failed`, `log/bad-record`, `log/bad-attachment` or, when it refers to
   * a record of this device that is not there, `log/unknown-record`; nothing is written then.
   */
  append(body: RecordBody, attachments?: readonly NewAttachment[]): Promise<StoredRecord>
  get(id: string): Promise<StoredRecord | undefined>
  /** H(seq), also of a line whose text is gone. */
  hashAt(stream: string, seq: number): Promise<string | undefined>
  /**
   * Removes the text of one's own record and its attachments, and writes the order that has hubs do the same, in ONE
   * transaction. The chain still verifies.
   * @throws JikoError `log/unknown-record`
   */
  erase(id: string, order: EraseOrder): Promise<void>
  /**
   * Puts another record in the place of one's own, in ONE transaction: what was said of the old one is said of the new one,
   * and the old one is erased with its attachments, here and, by its order, at hubs.
   * @throws JikoError `log/unknown-record`, `log/bad-record`
   */
  replace(id: string, body: RecordBody, order: EraseOrder): Promise<StoredRecord>
  /** Takes in what others said about this device's records; an order to erase is carried out. Repeatable. */
  learn(lines: readonly ForeignLine[]): Promise<void>
  /** For each own stream how far each stream of others is known that is about it. */
  known(): Promise<Record<string, Record<string, number>>>
  /** The next hybrid logical clock: later than every one known here. */
  tick(wall: number): Promise<number>
  /** Makes room: text and attachments of records that are final, whole with their photos. Returns how many bytes went. */
  prune(options: PruneOptions): Promise<number>
  /** Records of every kind, or of one, newest first. */
  list(options?: Page & { kind?: RecordBody['kind'] }): Promise<StoredRecord[]>
  /** Results, newest first, with their state and changes: three reads a page, whatever the size of the log. */
  history(options?: Page): Promise<HistoryItem[]>
  /** What is to be sent of the lines `from..` of a stream in order, at most `limit`: the exact text, where it is still here. */
  lines(stream: string, from: number, limit: number): Promise<SentLine[]>
  /** Oldest first. Every count a person sees comes from these marks: see `countRecords`. */
  streams(): Promise<StreamState[]>
  stateOf(record: { stream: string; seq: number }): Promise<RecordState>
  /** Believes a receipt: refused (false) when `hash` is not our own H(upto). Never moves backwards except by `rewind`. */
  acknowledge(stream: string, upto: number, hash: string, level: 'held' | 'final'): Promise<boolean>
  /**
   * A hub lost what it had acknowledged (restored backup): it has lines up to `upto` only. When the root (`final`)
   * says so both marks go back; when a hub that only holds says so, what is final stays final.
   */
  rewind(stream: string, upto: number, level: 'held' | 'final'): Promise<void>
  /**
   * The stream forked (cloned or restored profile): its hub has other lines after `agreed`. Mints a new stream where
   * the forked one was still written to, and moves the lines after `agreed` to the end of the newest stream, each
   * with its `origin`. One transaction. Returns how many lines were moved.
   */
  fork(stream: string, agreed: number): Promise<number>
  attachment(sha256: string): Promise<Blob | undefined>
  /** Attachments that may be sent and are not yet whole at a hub: previews, then full ones, oldest first. `unseen`: those that may not yet. */
  waitingAttachments(limit: number, which?: 'previews' | 'all' | 'unseen'): Promise<WaitingAttachment[]>
  countAttachments(): Promise<AttachmentCounts>
  /** A hub has it whole. */
  attachmentHeld(sha256: string): Promise<void>
  /** Those that a hub has and the root is not known to have, oldest first. */
  heldAttachments(limit: number): Promise<string[]>
  /** The root has them. */
  attachmentsFinal(sha256s: readonly string[]): Promise<void>
  /**
   * A hub lacks it after all: it waits again. False when this device does not have it, or it is final and `evenFinal` is not
   * said.
   */
  attachmentWanted(sha256: string, evenFinal?: boolean): Promise<boolean>
  /** Somebody has looked at these: they may be sent. True where some might not before. */
  attachmentsSeen(sha256s: readonly string[]): Promise<boolean>
  /** Lets go of those that have waited `UNSEEN_MS` for somebody to look at them. */
  attachmentsDue(now: Pick<Moment, 'wall' | 'mono' | 'session'>): Promise<void>
  getSetting(key: string): Promise<unknown>
  setSetting(key: string, value: unknown): Promise<void>
  /** Calls back after each committed change of records, marks or attachments, also one made in another tab. */
  subscribe(listener: () => void): () => void
  close(): void
}
