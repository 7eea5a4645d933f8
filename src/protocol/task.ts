import type { Bytes } from '../lib/bytes.ts'
import type { Tensors } from './tensor.ts'

/** Decoded picture: RGBA, 4 bytes a pixel, row by row from the top left; `data.length` is width x height x 4. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray<ArrayBuffer>
}

/** Sound from -1 to 1, one channel. */
export interface Sound {
  readonly samples: Float32Array<ArrayBuffer>
  /** Samples a second. */
  readonly rate: number
}

/** What a pack is asked about, decoded: the kind is that of the manifest's `input`. */
export type TaskInput =
  | { readonly kind: 'image'; readonly pixels: Pixels }
  | { readonly kind: 'audio'; readonly sound: Sound }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Bytes }

/** A label with its calibrated probability, 0-1. */
export interface Score {
  readonly label: string
  readonly score: number
}

/** The best label, all scores from best to worst, and whether the pack calls that sure. */
export interface ClassesAnswer extends Score {
  readonly kind: 'classes'
  /** False when `score` is below the pack's threshold: say "not sure", never the label alone. */
  readonly sure: boolean
  /** False when the input is nothing that the model knows: `label` is then no finding at all. Never sure. */
  readonly known: boolean
  readonly scores: readonly Score[]
}

/** Something found in a picture; places are parts of its width and height, 0-1, from the top left. */
export interface FoundBox extends Score {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** What was found, best first. */
export interface BoxesAnswer {
  readonly kind: 'boxes'
  readonly boxes: readonly FoundBox[]
  /** All that is shown is at least as likely as the pack's threshold. */
  readonly sure: boolean
}

/** A line of text that was found in a picture. */
export interface FoundLine {
  readonly text: string
  /** Of its least certain character. */
  readonly score: number
  /** Its corners as x and y, parts of the picture's width and height: where it begins above, and on clockwise as it is read. */
  readonly corners: readonly (readonly [number, number])[]
}

/** What was read or written. */
export interface TextAnswer {
  readonly kind: 'text'
  readonly text: string
  /** Of the least certain character; of a page the mean of its characters; 1 for text that was made up. */
  readonly score: number
  readonly sure: boolean
  /** Each character with its probability, where a line was read. */
  readonly characters?: readonly Score[]
  /** Where a page was read: its lines, in the order in which `text` has them, from top to bottom. */
  readonly lines?: readonly FoundLine[]
}

export interface EmbeddingAnswer {
  readonly kind: 'embedding'
  readonly values: readonly number[]
}

/** A part of a text; `start` and `end` count UTF-16 units, as JavaScript does. */
export interface Span extends Score {
  readonly start: number
  readonly end: number
  readonly text: string
}

export interface SpansAnswer {
  readonly kind: 'spans'
  readonly spans: readonly Span[]
  readonly sure: boolean
}

/** When something was heard, in seconds. */
export interface SegmentsAnswer {
  readonly kind: 'segments'
  readonly segments: readonly { readonly start: number; readonly end: number; readonly score: number }[]
  /** Seconds of sound in all. */
  readonly length: number
}

/** A picture was made: of `width` x `height`, kept as the attachment in the role `output`. */
export interface ImageAnswer {
  readonly kind: 'image'
  readonly pixels: Pixels
}

/** What a pack answers; the kind follows from the manifest's `output`. */
export type Answer =
  | ClassesAnswer
  | BoxesAnswer
  | TextAnswer
  | EmbeddingAnswer
  | SpansAnswer
  | SegmentsAnswer
  | ImageAnswer

/** What a model that writes may go on with, and where it looked for that. */
export interface Look {
  /** The tokens that it looked at, as text. */
  readonly words: readonly string[]
  /** The likeliest next ones, with their shares of 1. */
  readonly nexts: readonly { readonly text: string; readonly share: number }[]
  /** Of each layer how much it looks at each word; none where the pack does not show it. */
  readonly layers: readonly (readonly number[])[]
}

/** One call of a loaded model, with constants and state added; or of its second graph, where it has one. */
export type RunModel = (inputs: Tensors, graph?: 'reader') => Promise<Tensors>
