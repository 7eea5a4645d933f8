import type { Said } from '../protocol/clips.ts'
import type { Role } from '../protocol/enrol.ts'
import type { JikoError } from '../protocol/error.ts'
import type { Input } from '../protocol/input.ts'
import type { Label, Manifest } from '../protocol/manifest.ts'
import type { LocalText } from '../protocol/primitives.ts'
import type { Place, RecordState, ResultBody } from '../protocol/record.ts'
import type { Answer, Look } from '../protocol/task.ts'
import type { Estimate } from '../protocol/taught.ts'
import type {
  Budget,
  ClipStock,
  DataUse,
  DeviceReport,
  OnProgress,
  OnText,
  PackStatus,
  RunInput,
} from '../protocol/worker.ts'
import type { Actor, Actors } from '../store/actors.ts'
import type { Lock } from '../store/lock.ts'
import type { Enrolment } from '../sync/enrol.ts'
import type { SyncStatus } from '../sync/status.ts'
import type { Signal } from './signal.ts'

export type { Actor, Budget, ClipStock, DataUse, DeviceReport, Enrolment, Place, RunInput, SyncStatus }

/** What a person may say of a record, field by field; `label` is the answer itself, `null` takes a field back. */
export type Patch = Readonly<Record<string, string | number | boolean | null>>

export interface Operation {
  signal?: AbortSignal
  onProgress?: OnProgress
}

/** A class of a lesson, with the names of its examples. */
export interface LessonClass {
  readonly id: string
  readonly name: string
  /** Stands for "none of these". */
  readonly none?: boolean
  readonly examples: readonly string[]
}

/** What a person teaches: classes of examples, on top of an installed pack. */
export interface Lesson {
  readonly id: string
  readonly title: string
  /** Name of the pack that sees. */
  readonly base: string
  readonly classes: readonly LessonClass[]
  /** What came of it so far; it answers under the name `pack`. */
  readonly taught?: {
    readonly pack: string
    readonly version: string
    readonly method: string
    readonly estimate: Estimate
    /** The examples are others by now. */
    readonly stale: boolean
  }
}

/** Of a pack that a person made on a phone: nobody vouches for it. */
export interface TaughtBy {
  /** As they call themselves. */
  readonly maker?: string
  /** The end of the public key of the phone that made it: to compare by eye. */
  readonly key: string
  /** Made on this very phone. */
  readonly own: boolean
  readonly base: string
  /** Whether the pack it builds on is here: `absent`, or another version by now. */
  readonly ready: 'ready' | 'absent' | 'other'
  readonly estimate: Estimate
}

export interface OpenOperation extends Operation {
  /** Fetches nothing, and leaves everything as it is when it fails: to get a pack ready before anybody asks. */
  here?: boolean
}

export interface RunOperation extends Operation {
  /** Hears text while it is written. */
  onText?: OnText
  /** Where text is made up: the same seed gives the same text. A whole number from 0 on; drawn when it is left out. */
  seed?: number
  /** May still be in the finding: it is waited for when the answer is there. */
  circumstances?: Circumstances | Promise<Circumstances>
  /**
   * The photo may be sent at once, also where faces were hidden in it: for a page on which nobody looks at it. Left out, it
   * waits for `Kit.records.seen`.
   */
  seen?: boolean
}

/** What is kept with a record besides its answer, where the person allows it: who and where. */
export interface Circumstances {
  /** Id of who uses the phone: see `Kit.people`. */
  actor?: string
  place?: Place
  /** Which of many it is. */
  batch?: { id: string; at: number }
}

/** One of many that were asked together: its answer, or why it has none. `at` counts from 0, in the order given. */
export type BatchResult = { at: number } & ({ answer: Answer; record: HistoryEntry } | { error: JikoError })

/** One row of history: a record, how far it has got, and the corrections laid over it. */
export interface HistoryEntry {
  /** `stream/seq`. */
  id: string
  body: ResultBody
  state: RecordState
  /** The corrected label, when a person has said better. */
  corrected?: string
  /** Everything else that was said of it, like the answers of a form. */
  fields?: Readonly<Record<string, string | number | boolean>>
  notes?: readonly string[]
  /** Somebody has taken it back. */
  retracted?: boolean
  /** People who did not know of each other said different things: all of them, the one shown first. For a person to settle. */
  conflict?: readonly string[]
}

/** An answer, its record, and the pack as it was when it answered. */
export interface Answered {
  answer: Answer
  record: HistoryEntry
  pack: OpenPack
}

/** A pack whose opening is under way. */
export interface Opening {
  /** @throws JikoError `pack/not-installed`, `pack/damaged`, `runtime/no-backend`, ... */
  readonly opened: Promise<OpenPack>
  /** As `OpenPack.run`, and does not wait until it is open: a photo is decoded meanwhile. */
  run: OpenPack['run']
}

/** An open pack, ready to answer. */
export interface OpenPack {
  readonly name: string
  readonly version: string
  readonly title: LocalText
  /** Slug of what it is for. */
  readonly task: string
  /** What it takes: `image`, `audio`, `text` or `bytes`. */
  readonly takes: Input['kind']
  readonly labels: readonly Label[]
  readonly threshold: number
  readonly variant: string
  readonly backend: string
  /**
   * Answers what it takes: a photo or a file as a Blob, sound as a Blob or as samples, text
   * as a string. The record and what it was made from are durable in one transaction before this resolves.
   * @throws JikoError `input/wrong-kind`, `input/not-an-image`, `input/too-small`, `input/too-large`, `storage/...`,
   * `runtime/...`; `pack/rolled-back` after an update that fails on this device: open the pack again and ask once more
   */
  run(input: RunInput, operation?: RunOperation): Promise<Answered>
  /**
   * Answers many, one after the other, each durable before it is told; whatever is asked by `run` meanwhile comes first.
   * What cannot be read or judged is told in its place and stops nothing. Leaving the loop stops it, and nothing is kept
   * of what has not been told.
   * @throws JikoError what would fail for the others too: `runtime/...`, `storage/...`, `pack/...`; AbortError
   */
  runAll(
    inputs: Iterable<RunInput> | AsyncIterable<RunInput>,
    operation?: Pick<RunOperation, 'signal' | 'seen'> & { circumstances?: (at: number) => Circumstances },
  ): AsyncGenerator<BatchResult, void, void>
}

/** @see Kit.listen */
export interface ListenOptions {
  /** How long to listen. */
  seconds: number
  signal?: AbortSignal
  /** How loud it is now, 0-1, for a picture that moves: many times a second, from the first sound on. */
  onLevel?: (level: number) => void
}

/** @see Kit.packs.install */
export interface InstallOperation extends Operation {
  /** Whatever the data budget says. */
  anyway?: boolean
  /** Nobody waits for it: refused with `download/metered` where the browser was told to save data. */
  background?: boolean
}

/** What is known about a pack before or after it is installed; the index at `/packs/index.json` lists those on offer. */
export interface PackOffer extends PackStatus {
  url: string
  title: LocalText
  description: LocalText
  /** Of an installed pack: what it takes. */
  takes?: Input['kind']
  /** Of an installed pack: classes can be taught from what it sees. */
  teaches?: boolean
  /** A person made it, on this phone or another. */
  taught?: TaughtBy
  /** Of an installed pack: names and advice for history, without loading the model. */
  labels?: readonly Label[]
  /** It has recordings of what it answers: see `Kit.clips`. */
  recorded?: boolean
  /** Of an installed pack: what it has recorded besides its labels; a label's own recordings are its `clips`. */
  clips?: Manifest['clips']
  /** Of an installed pack: questions that follow an answer, for `readForm` of `protocol/form.ts`. */
  form?: Readonly<Record<string, unknown>>
  /** The pack that it needs to hide faces (`form.blurFaces`); `bytes` are still to be fetched of it, where it is on offer here. */
  finder?: { name: string; ready: boolean; bytes?: number }
  /** Of an installed pack: its variants that are only for a first answer. */
  first?: readonly string[]
  /** That what is still to come takes on this link, as far as is known. */
  seconds?: number
  /** Bytes that this browser has room for, where that is too little. */
  room?: number
  /** A download that a person stopped: it goes on only when asked to. */
  paused?: boolean
  /**
   * A newer version of an installed pack. `bytes` are those still to fetch, of which so many are what hides faces (`finder`)
   * where that comes along; `begun`: it was started and not finished.
   */
  update?: { version: string; bytes: number; begun: boolean; finder?: number }
  /** It was here: the browser threw it away (`lost`), or it had to make room (`evicted`). */
  gone?: 'lost' | 'evicted'
}

/** What a developer imports: `const kit = await openKit()`. The app is written with nothing but this. */
export interface Kit {
  readonly packs: {
    /** Packs on offer at this origin merged with those installed; offline, those installed. */
    list(): Promise<PackOffer[]>
    /** Asks this origin for new packs and versions, at most once a day unless `force`; true when it answered. Never throws for want of a network. */
    check(options?: { force?: boolean }): Promise<boolean>
    /**
     * Starts, updates or carries on. Aborting is a pause: what is here stays, and `list` says `paused`. On a slow link
     * it resolves when a smaller variant can answer (`have` is below `bytes`, `list` says `update`): installing once
     * more brings the full one.
     * @param source the pack's address, of its folder or its manifest. Several are tried in order, say the hub of the
     * village and one in the cloud; they are remembered, so that the first is enough to go on.
     * @returns where a pack asks that faces be hidden, also whether what finds them came along (`finder`): a pack without it
     * is installed and answers, but keeps no photo.
     * @throws JikoError `download/over-budget`, `download/...`, `pack/...`, `storage/quota`
     */
    install(source: string | readonly string[], operation?: InstallOperation): Promise<PackStatus>
    remove(name: string): Promise<void>
    /** An installed pack as one `.jikopack` file, to hand on without a network. */
    exportFile(name: string): Promise<File>
    /** Installs from such a file, verified like a download. @throws JikoError `pack/bad-bundle`, `pack/...` */
    importFile(file: Blob, operation?: Operation): Promise<PackStatus>
    /** Bytes that packs cost today and this month, the limits, the room left, and whether more would cost money now. */
    usage(): Promise<DataUse>
    /** What packs may cost from now on; `{}` for no limit. */
    setBudget(budget: Budget): Promise<void>
  }
  /** Recorded speech in packs, for where no voice of the phone speaks the language. */
  readonly clips: {
    /**
     * Packs bring along what they have recorded in this language, from the next install or update on; nothing without
     * one. Kept until it is said otherwise; what is here stays. True when it was another one before: packs cost otherwise now.
     */
    want(language?: string): Promise<boolean>
    /** What an installed pack has recorded, by language, and how much of it is here. @throws JikoError `pack/absent` */
    stock(pack: string): Promise<ClipStock>
    /**
     * The recording of an answer (`saidOf(answer)`, or `{ label }`) as a file that an `<audio>` element plays: its label
     * and advice in the wanted language. Undefined where that is not recorded, or not here: `stock` tells which.
     * @throws JikoError `pack/absent`, `pack/bad-clip`
     */
    get(pack: string, said: Said, language: string): Promise<Blob | undefined>
    /**
     * Fetches what an installed pack has recorded in a language, as far as it is not here.
     * @throws JikoError `download/over-budget`, `download/...`, `storage/quota`
     */
    fetch(pack: string, language: string, operation?: InstallOperation): Promise<void>
    /**
     * Takes away what an installed pack has recorded in a language, but for what is kept for another one too; the pack is
     * as whole as it was. @throws JikoError `pack/absent`
     */
    drop(pack: string, language: string): Promise<void>
  }
  /** @throws JikoError `pack/not-installed`, `pack/damaged`, `runtime/no-backend`, ... */
  open(name: string, operation?: OpenOperation): Promise<OpenPack>
  /** The same for a page that may be given something before the pack is open: the shortest way from a start to an answer. */
  opening(name: string, operation?: OpenOperation): Opening
  /**
   * A photo as it may be kept where a form asks that faces be hidden (`blurFaces`): without metadata, and without the faces
   * that this pack finds. Photos that packs are asked with are kept so anyway.
   * @throws JikoError `input/faces` where nobody could look for them, `input/...`
   */
  hideFaces(finder: string, photo: Blob, operation?: Operation): Promise<{ photo: Blob; hidden: number }>
  /** For those who want to see how it works: what an installed pack that writes may go on with, and where it looks for that. */
  look(pack: string, text: string, operation?: Operation): Promise<Look>
  /** Lessons: everything is kept at once, so that a page that is killed loses nothing. Errors are `teach/...`. */
  readonly teach: {
    list(): Promise<Lesson[]>
    /** @param base an installed pack of which `teaches` is true */
    begin(base: string, title: string): Promise<Lesson>
    addClass(lesson: string, name: string, options?: { none?: boolean }): Promise<Lesson>
    /** Takes the class and its examples away. */
    removeClass(lesson: string, id: string): Promise<Lesson>
    /** @throws JikoError `teach/too-many`, `teach/faces` where nobody could look for those that must be hidden, `pack/not-installed`, `input/...` */
    addExample(lesson: string, id: string, input: RunInput, operation?: Operation): Promise<Lesson>
    removeExample(lesson: string, example: string): Promise<Lesson>
    /** What an example looks or sounds like. */
    example(name: string): Promise<Blob | undefined>
    /**
     * Learns from the examples. The pack that comes of it, and its record, are durable before this resolves.
     * @param options.maker who made it, for those who get it
     * @throws JikoError `teach/one-class`, `teach/few-examples`, ...
     */
    train(lesson: string, options?: { maker?: string; signal?: AbortSignal }): Promise<Lesson>
    /** Takes the lesson away with all its examples; the pack that was made stays until it is removed itself. */
    remove(lesson: string): Promise<void>
  }
  /**
   * Listens to the microphone and gives a WAV file, as packs for sound take it.
   * @throws JikoError `input/microphone-refused`, `input/no-microphone`; AbortError
   */
  listen(options: ListenOptions): Promise<Blob>
  readonly records: {
    /** Newest first; where `actor` is said, what they or nobody in particular made. */
    list(options?: { limit?: number; before?: string; actor?: string }): Promise<HistoryEntry[]>
    /**
     * Of those of these records that seem to be of the same photo as one before, which one that was. Records are looked
     * for among the newest, and a photo is remembered for a hundred answers.
     */
    alike(ids: readonly string[]): Promise<ReadonlyMap<string, HistoryEntry>>
    /** The photo or sound a record was made from. */
    attachment(sha256: string): Promise<Blob | undefined>
    /** Says better, or more. `files` become attachments as they are (see `hideFaces`), named by their field. @throws JikoError `log/unknown-record`, `storage/quota` */
    correct(
      id: string,
      patch: Patch,
      by?: Pick<Circumstances, 'actor'> & { files?: Record<string, Blob> },
    ): Promise<void>
    /** A few words beside it, at most 4,000 characters. @throws JikoError `log/unknown-record`, `log/bad-record` */
    note(id: string, text: string, by?: Pick<Circumstances, 'actor'>): Promise<void>
    /**
     * Removes a record and its photos for good, here at once and at every hub that has them; its hash stays, so that the
     * log still verifies. @throws JikoError `log/unknown-record`
     */
    erase(id: string): Promise<void>
    /**
     * Removes the pictures of a record for good, here at once and at every hub that has them; answer, form and notes stay,
     * in a record that takes its place and says so. @returns the id of that one @throws JikoError `log/unknown-record`
     */
    removePhoto(id: string): Promise<string>
    /**
     * Somebody has had the chance to look at the photos of these records, or of all, and to remove them: they may be sent.
     * Photos in which faces were looked for (`ResultBody.faces`) wait for that, for six hours at most; so say it when a
     * person leaves the screen that shows the photo. Those of forms were looked at before they were kept.
     */
    seen(ids?: readonly string[]): Promise<void>
    /** Ids of the records whose photos wait for that, newest first; where `actor` is said, theirs or nobody's in particular. */
    unseen(options?: { actor?: string }): Promise<string[]>
    /** Calls back after every change to records or their state; returns how to stop. */
    subscribe(listener: () => void): () => void
  }
  /** Several people on one phone: whoever it is now, a record can say so (`Circumstances`). */
  readonly people: Actors
  /** A PIN in front of the app; what is here can be sent and carried away without it. */
  readonly lock: Lock
  readonly sync: {
    readonly status: Signal<SyncStatus>
    /** @param options.photos full photos too, also where bytes cost money. */
    now(options?: { photos?: boolean }): Promise<SyncStatus>
    /**
     * What is not final yet, records and photos, as one file to be carried to a hub by hand: signed, and repeatable. Without
     * photos that nobody has looked at yet (`SyncStatus.blobsUnseen`), as with `now`.
     */
    exportFile(): Promise<File>
    /**
     * Joins a program by the link of an invitation; records go there from then on. Repeatable.
     * @throws JikoError `sync/bad-invitation`, `sync/other-hub`, `sync/other-program`, `sync/hub-changed`, `sync/refused`, `sync/...`
     */
    enrol(link: string, operation?: Pick<Operation, 'signal'>): Promise<Enrolment>
    /** The program that was joined, and as what. */
    enrolment(): Promise<Enrolment | undefined>
    /** Of a member who may read: goes along as `Authorization: Bearer` to `/v1/{program}/records` for `seconds`. */
    token(operation?: Pick<Operation, 'signal'>): Promise<{ token: string; role: Role; seconds: number }>
  }
  readonly device: {
    /** What runs each installed pack here, how fast, and why nothing else does. */
    report(): Promise<DeviceReport>
    /** Bytes of memory that models may take; without a number it follows from the device. */
    setMemory(bytes?: number): Promise<void>
    /** Every way of running packs is tried and timed anew, with the next answers. */
    measureAgain(): Promise<void>
  }
  readonly update: {
    /** True when a new version of the app waits; it is applied between tasks, never during one. */
    readonly waiting: Signal<boolean>
    apply(): Promise<void>
  }
  close(): Promise<void>
}
