import * as v from 'valibot'
import { parseJson, parseWith } from './parse.ts'
import { PositiveCount, Sha256 } from './primitives.ts'

export const CALIBRATION_FORMAT = 'jiko-calibration/1'

const Finite = v.pipe(v.number(), v.finite())

/**
 * `calibration.json`: what was measured on sample data, kept beside the model, so that a pack builds the same again
 * without the data. It holds statistics of whole tensors only, never a sample.
 */
export const Calibration = v.strictObject({
  format: v.literal(CALIBRATION_FORMAT),
  /** SHA-256 of the float model file it was measured on: ranges of another model are worse than none. */
  model: Sha256,
  /** How the ranges were taken from what was seen, and from how many samples of what. */
  method: v.picklist(['min-max', 'percentile', 'mse', 'entropy']),
  samples: PositiveCount,
  data: v.string(),
  /** Whether channels of neighbouring layers are given equal spans first: ranges are of that graph. */
  equalised: v.optional(v.boolean()),
  /** What it cost on the samples: points of accuracy, or hundredths of cosine similarity of the answers. */
  lost: v.optional(v.strictObject({ value: Finite, of: v.picklist(['accuracy', 'cosine similarity']) })),
  /** Smallest and largest value expected of each tensor, by its name in the simplified float graph. */
  ranges: v.record(v.string(), v.tuple([Finite, Finite])),
  /** Added to the bias of each output channel of a node (by its first output), against the drift of its mean in int8. */
  corrections: v.optional(v.record(v.string(), v.array(Finite))),
  /** Nodes (by first output) that lose too much in int8 and stay float. */
  float: v.optional(v.array(v.string())),
  /** Bits of a node's weights where they are fewer than 8: still int8, of fewer values. */
  bits: v.optional(v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(7)))),
})
export type Calibration = v.InferOutput<typeof Calibration>

/** @throws JikoError `pack/bad-calibration` */
export const parseCalibration = (text: string): Calibration =>
  parseWith(
    Calibration,
    parseJson(text, 'pack/bad-calibration', 'calibration.json'),
    'pack/bad-calibration',
    'calibration.json',
  )
