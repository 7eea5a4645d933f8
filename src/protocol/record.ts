import * as v from 'valibot'
import { parseJson, parseWith } from './parse.ts'
import { Count, Probability, Sha256, ShortText, Slug } from './primitives.ts'

/** Longest record line in bytes of UTF-8; longer ones go to quarantine at the hub. */
export const MAX_LINE_BYTES = 64 * 1024

/** A moment as a device can honestly tell it: its clock may be years off. */
const Moment = v.strictObject({
  /** Wall clock, milliseconds since 1970. */
  wall: v.pipe(v.number(), v.safeInteger()),
  /** Milliseconds since `session` began, from a clock that never goes back. */
  mono: Count,
  /** Names one run of the app: `mono` of two moments compares only within it. */
  session: v.pipe(v.string(), v.maxLength(32)),
  /** Minutes that local time is ahead of UTC. */
  zone: v.pipe(v.number(), v.integer(), v.minValue(-1080), v.maxValue(1080)),
})
export type Moment = v.InferOutput<typeof Moment>

const Attachment = v.strictObject({
  sha256: Sha256,
  type: v.pipe(ShortText, v.maxLength(100)),
  bytes: Count,
  /** `output`: a picture that was made. */
  role: v.picklist(['input', 'preview', 'output']),
})
export type Attachment = v.InferOutput<typeof Attachment>

/** Where it was, when the person allows that to be kept. */
const Place = v.strictObject({
  latitude: v.pipe(v.number(), v.minValue(-90), v.maxValue(90)),
  longitude: v.pipe(v.number(), v.minValue(-180), v.maxValue(180)),
  /** Metres. */
  accuracy: v.optional(v.pipe(v.number(), v.minValue(0))),
})
export type Place = v.InferOutput<typeof Place>

/** `stream/seq`: names a record for ever. */
export const RecordId = v.pipe(
  v.string(),
  v.regex(/^[a-z2-7]{16}\/[1-9]\d{0,15}$/, 'expected a record id like abcdefghijklmnop/12'),
)

const common = { v: v.literal(1), at: Moment, actor: v.optional(v.pipe(v.string(), v.maxLength(64))) }

const scored = { label: v.string(), score: Probability }

/** What was answered, by kind; numbers to 4 decimals, lists cut so that a line stays within its limit. */
const RecordedAnswer = v.variant('kind', [
  v.object({
    /** Lines from before there were other kinds have none. */
    kind: v.optional(v.literal('classes'), 'classes'),
    ...scored,
    sure: v.boolean(),
    /** False: nothing that the model knows, and `label` no finding. */
    known: v.optional(v.boolean()),
  }),
  v.object({
    kind: v.literal('boxes'),
    sure: v.boolean(),
    /** Parts of the picture's width and height, from the top left. */
    boxes: v.array(v.object({ ...scored, x: v.number(), y: v.number(), width: v.number(), height: v.number() })),
  }),
  v.object({ kind: v.literal('text'), text: v.string(), score: Probability, sure: v.boolean() }),
  v.object({ kind: v.literal('embedding'), values: v.array(v.number()) }),
  v.object({
    kind: v.literal('spans'),
    sure: v.boolean(),
    /** UTF-16 units of the text that is the attachment. */
    spans: v.array(v.object({ ...scored, start: Count, end: Count })),
  }),
  /** Seconds. */
  v.object({
    kind: v.literal('segments'),
    length: v.number(),
    segments: v.array(v.object({ start: v.number(), end: v.number(), score: Probability })),
  }),
  /** The picture is the attachment in the role `output`. */
  v.object({ kind: v.literal('image'), width: Count, height: Count }),
])
export type RecordedAnswer = v.InferOutput<typeof RecordedAnswer>

/** Where the programme asks that faces be hidden: what became of the photo. */
const Faces = v.object({
  /** So many were hidden in what was kept, by this pack. */
  hidden: v.optional(Count),
  by: v.optional(v.object({ name: Slug, version: v.string(), digest: Sha256 })),
  /** No photo was kept: the code of why nobody could look for faces, or `person` where one saw that a face was left. */
  unkept: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(100))),
})
export type Faces = v.InferOutput<typeof Faces>

const ResultRecord = v.object({
  ...common,
  kind: v.literal('result'),
  task: Slug,
  pack: v.object({ name: Slug, version: v.string(), digest: Sha256 }),
  variant: v.string(),
  /** Backend and version that ran it, e.g. `ort-wasm 1.30.0`. */
  backend: v.string(),
  /** Version of the pre- and post-processing code. */
  prep: v.string(),
  answer: RecordedAnswer,
  /** Of classes: the best labels' probabilities, best first, to 4 decimals. */
  scores: v.array(v.tuple([v.string(), Probability])),
  threshold: Probability,
  /** Milliseconds of prepare + run + finish. */
  ms: Count,
  attachments: v.array(Attachment),
  faces: v.optional(Faces),
  place: v.optional(Place),
  /** What the photo looks like, in 64 bits: the same one sent twice is found by it, also when it was saved anew. */
  likeness: v.optional(v.pipe(v.string(), v.regex(/^[\w-]{11}$/))),
  /** One of many that were given together: what was cut off in the middle goes on without asking any of them twice. */
  batch: v.optional(v.object({ id: v.pipe(v.string(), v.maxLength(32)), at: Count })),
})

/**
 * What a person taught this phone: the pack that came of it is the attachment in the role `output`. The examples stay on
 * the phone.
 */
const LessonRecord = v.object({
  ...common,
  kind: v.literal('lesson'),
  /** What was made. */
  pack: v.object({ name: Slug, version: v.string(), digest: Sha256 }),
  /** What it builds on. */
  from: v.object({ name: Slug, version: v.string(), digest: Sha256 }),
  title: ShortText,
  labels: v.array(v.object({ id: v.string(), name: ShortText, none: v.optional(v.boolean()), examples: Count })),
  method: v.string(),
  /** Of so many examples, each judged while it was left out, so many right. */
  estimate: v.object({ right: Count, of: Count }),
  attachments: v.array(Attachment),
})

/** Who speaks: of two that did not know of each other, the earlier in this list is shown. */
export const ROLES = ['supervisor', 'worker', 'model'] as const
export type Role = (typeof ROLES)[number]

/** What is said about a record, perhaps by somebody else than who wrote it. */
const about = {
  ...common,
  ref: RecordId,
  /** A worker where it is left out. */
  role: v.optional(v.picklist(ROLES)),
  /**
   * A hybrid logical clock: the wall clock, or one more than the latest such clock known to who speaks. Only a tie-break
   * between changes that did not know of each other: wall clocks lie.
   */
  clock: v.optional(Count),
}

const CorrectionRecord = v.object({
  ...about,
  kind: v.literal('correction'),
  /** The corrections this one has seen: what it is based on. */
  base: v.array(RecordId),
  patch: v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()])),
  /** Photos that a form asked for; the patch has their SHA-256. */
  attachments: v.optional(v.array(Attachment)),
})

const RetractRecord = v.object({ ...about, kind: v.literal('retract') })
/** The order to remove a record's text and attachments for good. What is left is its hash, so that the chain verifies. */
const EraseRecord = v.object({
  ...about,
  kind: v.literal('erase'),
  /** SHA-256 of the line to be erased: where a clone wrote another one under the same number, that one stays. */
  hash: Sha256,
})
const NoteRecord = v.object({
  ...about,
  kind: v.literal('note'),
  text: v.pipe(v.string(), v.maxLength(4000)),
})

/** The body of a log line. Objects are loose: a newer app's extra fields are kept, since the line's exact bytes are. */
export const RecordBody = v.variant('kind', [
  ResultRecord,
  LessonRecord,
  CorrectionRecord,
  RetractRecord,
  EraseRecord,
  NoteRecord,
])
export type RecordBody = v.InferOutput<typeof RecordBody>
export type EraseBody = v.InferOutput<typeof EraseRecord>
/** What stands for itself, with what it was made from. */
type OwnBody = Extract<RecordBody, { attachments: unknown }>
/** What is said about a record. */
export type AboutBody = Exclude<RecordBody, OwnBody>
export const isAbout = (body: RecordBody): body is AboutBody => !('attachments' in body)
export type LessonBody = v.InferOutput<typeof LessonRecord>
export type ResultBody = v.InferOutput<typeof ResultRecord>

/** The files that a record of any kind came with. */
export const attachmentsOf = (body: RecordBody): readonly Attachment[] =>
  'attachments' in body ? (body.attachments ?? []) : []

/** Parses one log line. @throws JikoError `log/bad-record`. */
export function parseRecord(line: string): RecordBody {
  if (line.length > MAX_LINE_BYTES) {
    return parseWith(v.never('a record line is at most 64 KiB'), line, 'log/bad-record', 'the record')
  }
  return parseWith(RecordBody, parseJson(line, 'log/bad-record', 'the record'), 'log/bad-record', 'the record')
}

/** How far a record has got: only on this phone, held by some hub, or safe at the root. */
export type RecordState = 'local' | 'held' | 'final'
