import type { Role } from '../../protocol/enrol.ts'
import type { Attachment } from '../../protocol/record.ts'
import type { About } from '../verdict.ts'

/** One install as a program's hub knows it. Times are milliseconds since 1970 by the hub's clock. */
export interface Device {
  key: string
  app: string
  firstSeen: number
  lastSeen: number
  /** What it sends from then on goes to quarantine. */
  revokedAt?: number
}

/** How far a device says its log goes, with its signature over `headMessage`. */
export interface Head {
  seq: number
  hash: string
  signature: string
}

export interface HubStream {
  stream: string
  /** Public key of the device that owns it. */
  device: string
  epoch: string
  /** Last seq that the hub has, and H of it as the hub computed it. */
  tip: number
  hash: string
  /** The furthest head announced: what lies beyond `tip` is known to exist and to be missing. */
  announced?: Head
  /** The furthest signed head that our chain reaches; 0 for none. Up to here the lines may be passed on to another hub. */
  proven: number
  above: Above
}

/** How far the hub above has a stream, each time compared by H. All 0 where none stands above. */
export interface Above {
  /** It has the lines up to here; of a divided stream, those after it as forked lines. */
  held: number
  /** The root has the lines up to here. */
  final: number
  /** Its chain is another after this line: two devices wrote the stream, and the other one came there first. */
  dividedAfter?: number
}

/** Where a line stands in its chain: enough to compare without its text. Hashes are hex. */
export interface Position {
  seq: number
  lineHash: string
  /** H(seq). */
  hash: string
  /** `ok`, `quarantine: ` and the reason, or `gone: ` and why only its hash is here. */
  verdict: string
}

export interface NewLine extends Position {
  /** The exact text; empty where only the hash is here. */
  line: string
  /** What the line names, when it is accepted. */
  attachments: readonly Attachment[]
  /** The record that the line is about, when it is accepted. */
  about?: About
}

/** A line about a record of another stream, or the order to erase one: kept by that stream, to be handed down to it. */
export interface Change {
  /** The record it is about. */
  target: string
  targetSeq: number
  stream: string
  seq: number
  line: string
  lineHash: string
  erases?: string
  /** When it came in here. */
  at: number
  /** The hub above handed it down: it counts, also where its own stream is not here. Else it counts once that has it. */
  above: boolean
}

/** An order to erase that may and can be carried out. */
export interface Erasure {
  stream: string
  seq: number
  lineHash: string
  /** The attachments that nothing else names. */
  blobs: readonly string[]
}

/** Lines that follow `after` in one stream, and the newest announced head; without lines it only notes the head. */
export interface Segment {
  stream: string
  device: string
  epoch: string
  after: { seq: number; hash: string }
  lines: readonly NewLine[]
  announced: Head
  /** Heads signed by the device that the chain reaches with these lines: kept, as the proof that another hub wants to see. */
  proven?: readonly Head[]
  receivedAt: number
}

export interface StreamLine extends Position {
  line: string
  receivedAt: number
}

/** A line that stands where the hub has another: both are kept. */
export interface ForkedLine {
  stream: string
  seq: number
  lineHash: string
  line: string
  receivedAt: number
}

export interface StoredLine {
  stream: string
  device: string
  seq: number
  line: string
  verdict: string
  receivedAt: number
}

/** What a program's hub has, in numbers. */
export interface Totals {
  devices: number
  streams: number
  records: number
  /** Of the records, those in quarantine. */
  quarantined: number
  /** Lines that are announced and not here. */
  missing: number
  /** Lines kept apart from the chain that they contradict. */
  forks: number
  /** Whole attachments, and their bytes. */
  blobs: number
  blobBytes: number
}

/** How far above an attachment is known to be whole. */
export type BlobAbove = 'nowhere' | 'held' | 'final'

/** Names a place in the order of arrival: (receivedAt, stream, seq). */
export type Place = Pick<StoredLine, 'receivedAt' | 'stream' | 'seq'>

/** Who was enrolled: a phone, a hub or a browser, by its key. That it was revoked is said of the device. */
export interface Member {
  key: string
  role: Role
  /** What people call it; may be empty. */
  name: string
  enrolledAt: number
  /** Whose word it is: `hub` for this hub's own people, else the key of who invited or carried. */
  by: string
}

/** A right to become a member once. */
export interface Invitation {
  /** SHA-256 of the token, hex: the token itself is nowhere in the database. */
  id: string
  role: Role
  name: string
  createdAt: number
  expiresAt: number
  by: string
  /** Who used it, and when. */
  used?: { key: string; at: number }
}

/** Something that was done with the hub, for those who answer for it. */
export interface AuditEntry {
  at: number
  /** Makes entries of one millisecond distinct. */
  id: string
  /** A member's key, or `hub` for who works at the hub's own machine. */
  by: string
  /** As `enrol`, `revoke`. */
  action: string
  /** What it was done to, without secrets. */
  about: string
}

/**
 * What a hub knows. Every method works inside one program, and every write inside one stream (or one device, or one
 * blob): no transaction crosses streams and no counter is shared, so that the keys can be spread over many machines.
 * A write is durable when its promise resolves.
 */
export interface HubStore {
  addProgram(program: string, at: number): Promise<void>
  programs(): Promise<string[]>
  /** Notes that a device was here. Repeated within a minute it writes nothing. */
  seeDevice(program: string, seen: { key: string; app: string; at: number }): Promise<Device>
  device(program: string, key: string): Promise<Device | undefined>
  /** By key. */
  devices(program: string): Promise<Device[]>
  revokeDevice(program: string, key: string, at: number): Promise<void>
  stream(program: string, stream: string): Promise<HubStream | undefined>
  streams(program: string): Promise<HubStream[]>
  /**
   * Adds a segment in ONE durable transaction, and makes the stream when it is new. False, and nothing written, when the
   * stream does not stand at `after` (any more): read it again and compare.
   * @throws JikoError `hub/bad-segment` when the lines are not numbered on from `after`; nothing is written.
   */
  append(program: string, segment: Segment): Promise<boolean>
  /** Positions `from..to` that are there, in order. */
  positions(program: string, stream: string, from: number, to: number): Promise<Position[]>
  /** Repeatable: a forked line is kept once. */
  addForks(program: string, lines: readonly ForkedLine[]): Promise<void>
  /** Newest first. */
  forks(program: string, limit: number): Promise<ForkedLine[]>
  /** In order of arrival, from after `since`. */
  records(program: string, options: { since?: Place; limit: number }): Promise<StoredLine[]>
  /** Newest first, from before `before`. */
  newest(program: string, options: { before?: Place; limit: number }): Promise<StoredLine[]>
  count(program: string): Promise<number>
  totals(program: string): Promise<Totals>
  /** Where a stream has lines whose text is lost: their device had made room, and whoever had them lost them. The first of them. */
  lostLines(program: string, stream: string, limit: number): Promise<number[]>
  /** The text of lines of which only the hash was here, because their device had made room. */
  restoreLines(program: string, stream: string, lines: readonly NewLine[]): Promise<void>
  /** Repeatable. Written before the lines themselves: what is not on its stream's chain does not count. */
  addChanges(program: string, changes: readonly Change[]): Promise<void>
  /** Changes of a stream beyond those `known` ([stream of theirs]: last seq), in the order of each stream of theirs. */
  changes(
    program: string,
    target: string,
    options: { known: Readonly<Record<string, number>>; limit: number },
  ): Promise<Change[]>
  /** How far each stream of others is known that is about this one. */
  knownChanges(program: string, target: string): Promise<Record<string, number>>
  /** Streams with changes that came in at `at` or later. */
  changedSince(program: string, at: number, limit: number): Promise<string[]>
  /** Orders given by the device itself, by the holder of `authority`, or above, whose line is here and not yet erased. */
  erasures(program: string, authority: string, limit: number): Promise<Erasure[]>
  /** Carries one out in ONE transaction: the text goes, wherever it lies, and what it named. */
  erase(program: string, erasure: Erasure): Promise<void>
  /** SHA-256 of attachments that accepted records of these streams name and that are not whole, at most `limit`. */
  lackingBlobs(program: string, streams: readonly string[], limit: number): Promise<string[]>
  /** What accepted records say of an attachment: its media type; undefined when none names it. */
  namedBlob(program: string, sha256: string): Promise<{ type: string; whole: boolean } | undefined>
  /** Repeatable: notes that an attachment is whole. */
  addBlob(program: string, blob: { sha256: string; bytes: number; at: number }): Promise<void>
  /** Lines `from..` of a stream in order, at most `limit`. */
  lines(program: string, stream: string, from: number, limit: number): Promise<StreamLine[]>
  /** The furthest proven head in `from..upto`, else the first one after. */
  provenHead(program: string, stream: string, from: number, upto: number): Promise<Head | undefined>
  /** Streams after `after` by name of which the hub above lacks something, or the root does; all of them when `settled`. */
  carryable(program: string, options: { after?: string; settled?: boolean; limit: number }): Promise<HubStream[]>
  noteAbove(program: string, stream: string, above: Above): Promise<void>
  /** Doubts all that was noted of the hub above: it was restored from a backup, or is another one. */
  forgetAbove(program: string): Promise<void>
  /** Forked lines that the hub above does not have, oldest first. */
  forksToForward(program: string, limit: number): Promise<ForkedLine[]>
  noteForkAbove(program: string, fork: Pick<ForkedLine, 'stream' | 'seq' | 'lineHash'>): Promise<void>
  /** Whole attachments that the hub above is not known to have, oldest first. */
  blobsToForward(program: string, limit: number): Promise<string[]>
  noteBlobAbove(program: string, sha256: string, there: BlobAbove): Promise<void>
  /** Attachments that the hub above has, and the root is not known to have: by name, those after `after`. */
  blobsToConfirm(program: string, options: { after?: string; limit: number }): Promise<string[]>
  /** Which of these are whole at the root: those here, where this is the root; else those the hub above knew of. */
  finalBlobs(program: string, sha256s: readonly string[], isRoot: boolean): Promise<string[]>
  /** What is still to be passed on: records not known to be at the root, attachments not known there either, forked lines not above. */
  lag(program: string): Promise<{ records: number; blobs: number; forks: number }>
  setting(name: string): Promise<string | undefined>
  setSetting(name: string, value: string): Promise<void>
  /** Sets it unless it is set; the value that stands, also when several hubs try at once. */
  claimSetting(name: string, value: string): Promise<string>
  /** Takes somebody in, or changes role and name of who is in. */
  addMember(program: string, member: Member): Promise<void>
  member(program: string, key: string): Promise<Member | undefined>
  /** By key. */
  members(program: string): Promise<Member[]>
  addInvitation(program: string, invitation: Invitation): Promise<void>
  /** By time. */
  invitations(program: string): Promise<Invitation[]>
  /** Uses it up for `key`, which may repeat that; undefined when there is none, it is over, or somebody else has used it. */
  redeem(program: string, id: string, use: { key: string; at: number }): Promise<Invitation | undefined>
  addAudit(program: string, entry: AuditEntry): Promise<void>
  /** Newest first, from before `before`. */
  audit(program: string, options: { before?: Pick<AuditEntry, 'at' | 'id'>; limit: number }): Promise<AuditEntry[]>
  close(): Promise<void>
}

/** The part by which a hub passes on what it has. */
export type Forwarding = Pick<
  HubStore,
  | 'lines'
  | 'provenHead'
  | 'carryable'
  | 'noteAbove'
  | 'forgetAbove'
  | 'forksToForward'
  | 'noteForkAbove'
  | 'blobsToForward'
  | 'noteBlobAbove'
  | 'blobsToConfirm'
  | 'finalBlobs'
  | 'lag'
>
