/** Decoded picture: RGBA, 4 bytes a pixel, row by row from the top left; `data.length` is width x height x 4. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8ClampedArray<ArrayBuffer>
}

/** A label with its calibrated probability, 0-1. */
export interface Score {
  readonly label: string
  readonly score: number
}

/** What a task answers: the best label, all scores from best to worst, and whether the pack calls that sure. */
export interface Answer {
  readonly label: string
  readonly score: number
  /** False when `score` is below the pack's threshold: say "not sure", never the label alone. */
  readonly sure: boolean
  readonly scores: readonly Score[]
}
