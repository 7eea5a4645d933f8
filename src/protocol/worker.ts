import type { Bytes } from '../lib/bytes.ts'
import type { Said } from './clips.ts'
import type { Manifest, SignedManifest } from './manifest.ts'
import type { PackIndex } from './pack-index.ts'
import type { Faces } from './record.ts'
import type { Answer, Look, Sound } from './task.ts'
import type { Estimate, Head, TaughtPack } from './taught.ts'

export interface Progress {
  /** What is going on now. */
  phase: 'manifest' | 'download' | 'runtime' | 'verify'
  /** Bytes done and bytes in all of this phase; `done` never passes `total`. */
  done: number
  total: number
  /** Of a download: bytes a second over the last seconds, once there is something to measure. */
  bytesPerSecond?: number
  /** Of a download: until all is here, at that rate or else as the link was last known; absent when nothing is known. */
  secondsLeft?: number
}

/** Hears text while it is written. */
export type OnText = (text: string) => void

export type OnProgress = (progress: Progress) => void

/** A pack as this device knows it. */
export interface PackStatus {
  name: string
  version: string
  digest: string
  state: 'absent' | 'downloading' | 'ready'
  /** Bytes to fetch for all of it, and of those the bytes that are here. */
  bytes: number
  have: number
  /** After an install: the pack that it needs to hide faces. Not `ready`: it answers, and keeps no photo; `reason` is an error's code. */
  finder?: { name: string; ready: boolean; reason?: string }
}

export interface InstalledPack extends PackStatus {
  signed: SignedManifest
}

/** What a person gives: a photo, a sound file or any other file; sound as it was recorded; text. */
export type RunInput = Blob | Sound | string

/**
 * What is kept: of a photo the input itself (encoded anew when it is large or carries metadata) and a preview small
 * enough for any link; of sound what the model heard, as WAV; text as it is; of other files nothing.
 */
export interface RunAttachment {
  role: 'input' | 'preview' | 'output'
  /** Media type. */
  type: string
  bytes: Bytes
  /** Of a preview: what the photo looks like, in 64 bits. */
  likeness?: string
}

/** The same, named by its content as records name it: lower-case hexadecimal. */
export interface NamedAttachment extends RunAttachment {
  sha256: string
}

/** A pack on its way: installing its `url` again carries on where it stopped. */
export interface PendingPack extends PackStatus {
  url: string
}

export interface RunOptions {
  /** Nobody waits for it: it comes after everything that somebody waits for. */
  behind?: boolean
  /** The vector that classes can be taught from, in place of the pack's own answer. */
  features?: boolean
  /** Where text is made up: the same seed gives the same text. */
  seed?: number
  /** Looking for faces may be what ended the worker: it answers without, and keeps no photo where they are to be hidden. */
  blind?: boolean
}

/** What is kept of a photo in which faces are to be hidden: nothing where `faces` says why. */
export interface KeptPhoto {
  attachments: RunAttachment[]
  faces: Faces
}

/** A class with what a model sees in each of its examples. */
export interface TaughtExamples {
  id: string
  /** Stands for "none of these". */
  none?: boolean
  vectors: readonly Float32Array[]
}

/** What came of a lesson. */
export interface TrainedHead {
  head: Head
  method: 'prototypes' | 'regression'
  decision: TaughtPack['decision']
  estimate: Estimate
}

export interface InstallOptions {
  /** Whatever the data budget says: the person wants it now. */
  anyway?: boolean
  /** Bytes that it is known to need, to refuse before the first rather than at the last. */
  bytes?: number
  /** Nobody waits for it: not where the browser was told to save data. */
  background?: boolean
}

/** A newer version of an installed pack. */
export interface PackUpdate {
  name: string
  version: string
  digest: string
  url: string
  /** Bytes that would be fetched: chunks that changed. */
  bytes: number
}

/** What an origin has, as last seen. */
export interface Offers {
  packs: PackIndex['packs']
  updates: PackUpdate[]
  /** Bytes a second of this link, as far as is known. */
  bytesPerSecond?: number
  /** Bytes that the browser would still take, when it says. */
  free?: number
}

/**
 * What an installed pack has recorded, by language: bytes to fetch for all of it, of those the bytes that are here, and
 * whether they are kept for this language: what another one shares with it may be here too.
 */
export type ClipStock = Readonly<Record<string, { bytes: number; have: number; kept: boolean }>>

/** What a person allows packs to cost. Absent means unlimited. */
export interface Budget {
  /** Bytes a day and bytes a month, by the phone's calendar. */
  perDay?: number
  perMonth?: number
  /** Only where bytes are free: never on cellular, nor when the browser was told to save data. */
  unmeteredOnly?: boolean
}

/** Bytes of packs over the network, by the phone's calendar, and what they may be. */
export interface DataUse extends Budget {
  today: number
  month: number
  /** This link costs money, as far as the browser says. */
  metered: boolean
  /** Bytes that the browser would still take, when it says. */
  free?: number
}

/** One way of running a pack on this device, and what is known of it. */
export interface WayReport {
  variant: string
  /** Engine and version. */
  backend: string
  /** Bytes of memory that it is expected to take. */
  memory: number
  /** All its files are on the device. */
  here: boolean
  /** It is the one that answers. */
  used: boolean
  /** Milliseconds of a run, where it was timed. */
  ms?: number
  /** Why it is not used, in English. */
  reason?: string
}

/** What runs each installed pack here, and why. */
export interface DeviceReport {
  /** Bytes of memory that models may take. */
  memory: number
  packs: { name: string; ways: WayReport[] }[]
}

/** What one run gave, with all that a record must name. */
export interface RunResult {
  answer: Answer
  attachments: NamedAttachment[]
  /** Of a photo where the pack's form asks that faces be hidden. */
  faces?: Faces
  packDigest: string
  variant: string
  backend: string
  prep: string
  threshold: number
  /** Milliseconds of decode, then prepare + run + finish. */
  decodeMs: number
  ms: number
}

/** What a worker must know before its first job. */
export interface WorkerConfig {
  /** WebAssembly of backends, by their ids, as an earlier worker compiled it. */
  compiled?: Readonly<Record<string, WebAssembly.Module>>
  /** Release keys whose packs may run: P-256 points as base64url. */
  trustedKeys: readonly string[]
  /** Folder of onnxruntime-web's own two files, an absolute URL that ends in `/`. */
  runtime: string
}

/** What a worker says without being asked: a backend's WebAssembly, for the worker after it; that it had better be replaced, to give memory back. */
export type WorkerNews = { kind: 'compiled'; backend: string; module: WebAssembly.Module } | { kind: 'spent' }
export type OnNews = (news: WorkerNews) => void

/**
 * What the inference worker offers. Errors cross as `WireError`; cancelling is by `cancel(id)`, since an AbortSignal
 * does not clone. Photos and other files are Blobs: handing one over copies no bytes.
 */
export interface WorkerApi {
  /** Comes first: every other call waits for it. */
  configure(config: WorkerConfig, onNews?: OnNews): void | Promise<void>
  /** Starts or resumes, from the first address that works; resolves when everything is stored and verified. */
  install(
    job: string,
    source: string | readonly string[],
    onProgress?: OnProgress,
    options?: InstallOptions,
  ): Promise<PackStatus>
  /** Installs from a `.jikopack` file, with the same checks; no network. */
  importFile(job: string, file: Blob, onProgress?: OnProgress): Promise<PackStatus>
  /** An installed pack as a `.jikopack` file. */
  exportFile(name: string): Promise<File>
  /** As last seen: no network. */
  offers(indexUrl: string): Promise<Offers>
  /** Asks for the list of packs, at most once a day unless `force`. */
  check(indexUrl: string, force: boolean): Promise<boolean>
  usage(): Promise<DataUse>
  setBudget(budget: Budget): Promise<void>
  /** Takes packs away so that records have room; answers the bytes freed. */
  makeRoom(bytes: number): Promise<number>
  /** Packs that had to go to make room. */
  evicted(): Promise<string[]>
  list(): Promise<InstalledPack[]>
  pending(): Promise<PendingPack[]>
  /**
   * Loads the pack's session on the first backend that answers its golden inputs right. What is damaged is fetched again,
   * but not with `here`: then nothing is fetched, and no version comes back either.
   */
  open(
    job: string,
    name: string,
    onProgress?: OnProgress,
    options?: { here?: boolean },
  ): Promise<{ digest: string; variant: string; backend: string; manifest: Manifest }>
  /** A backend that fails is left for the next one within the same request. Sound's samples are transferred. */
  run(job: string, name: string, input: RunInput, onText?: OnText, options?: RunOptions): Promise<RunResult>
  /** Looks at a text with a pack that writes: what may come next, and where it looks for that. */
  look(job: string, name: string, text: string): Promise<Look>
  /** A photo without metadata and faces, which that pack finds. */
  hideFaces(job: string, finder: string, photo: Blob): Promise<KeptPhoto>
  /** Learns from examples. */
  train(job: string, classes: readonly TaughtExamples[]): Promise<TrainedHead>
  remove(name: string): Promise<void>
  /** From now on packs bring along what they have recorded in this language; nothing without one. True when it was another. */
  wantClips(language?: string): Promise<boolean>
  clips(name: string): Promise<ClipStock>
  /** What is recorded of it in a language; undefined where that is nothing, or not here. */
  clip(name: string, said: Said, language: string): Promise<Blob | undefined>
  /** Fetches what an installed pack has recorded in a language. `url` is where it is on offer. */
  fetchClips(
    job: string,
    name: string,
    language: string,
    url: string,
    onProgress?: OnProgress,
    options?: InstallOptions,
  ): Promise<void>
  device(): Promise<DeviceReport>
  /** Bytes of memory that models may take; without a number it follows from the device. */
  setMemory(bytes?: number): Promise<void>
  /** Forgets what was learned of ways to run packs: each is tried and timed anew. */
  measureAgain(): Promise<void>
  cancel(job: string): void | Promise<void>
}

/** The worker as pages reach it: besides what it runs, what it does with what is kept. */
export interface WorkerPort extends WorkerApi {
  /** Takes away what an installed pack has recorded in a language. */
  dropClips(name: string, language: string): Promise<void>
}
