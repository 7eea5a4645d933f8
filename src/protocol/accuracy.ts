import * as v from 'valibot'
import { Accuracy, VariantName } from './manifest.ts'
import { parseJson, parseWith } from './parse.ts'
import { Count, Probability, Sha256 } from './primitives.ts'

export const ACCURACY_FORMAT = 'jiko-accuracy/2'

/** What is told of a variant whatever it was measured on. */
const Common = {
  name: VariantName,
  /** SHA-256 of the program measured (see `programDigest`): figures of another one are never shown. */
  program: Sha256,
  /** What a phone fetches to run it, as sent. */
  bytes: v.optional(Count),
  figures: v.array(Accuracy),
  /** Of a pack that writes: what a character of a text that it did not write costs it, in bits. No share, so not in the manifest. */
  bitsPerCharacter: v.optional(
    v.array(v.strictObject({ ...Accuracy.entries, value: v.pipe(v.number(), v.minValue(0)) })),
  ),
}

/** What is told of one set of data. */
const Details = {
  /** Expected calibration error: how far confidence and accuracy lie apart, 0-1. */
  calibrationError: Probability,
  perClass: v.record(v.string(), v.strictObject({ count: Count, recall: Probability, precision: Probability })),
  /** Rows are the truth, columns the answers, in the order of the labels. */
  confusion: v.array(v.array(Count)),
}
const { data, split, count } = Accuracy.entries
const MeasuredSet = v.strictObject({ data, split, count, ...Details })
export type MeasuredSet = v.InferOutput<typeof MeasuredSet>

const Current = v.strictObject({
  format: v.literal(ACCURACY_FORMAT),
  variants: v.array(v.strictObject({ ...Common, sets: v.array(MeasuredSet) })),
})

/** Files of before have the details of what was measured last, whose figures come first. */
const Former = v.strictObject({
  format: v.literal('jiko-accuracy/1'),
  variants: v.array(
    v.pipe(
      v.strictObject({ ...Common, ...Details }),
      v.transform(({ calibrationError, perClass, confusion, ...kept }) => {
        const [last] = kept.figures
        const of = last && { data: last.data, split: last.split, count: last.count }
        return { ...kept, sets: of ? [{ ...of, calibrationError, perClass, confusion }] : [] }
      }),
    ),
  ),
})

/** `accuracy.json`: what `jiko eval --write` measured, and on exactly which program. */
export const AccuracyFile = v.pipe(
  v.variant('format', [Current, Former]),
  v.transform(({ variants }) => ({ format: ACCURACY_FORMAT, variants })),
)
export type AccuracyFile = v.InferOutput<typeof AccuracyFile>

/** @throws JikoError `pack/bad-accuracy` */
export const parseAccuracy = (text: string): AccuracyFile =>
  parseWith(AccuracyFile, parseJson(text, 'pack/bad-accuracy', 'accuracy.json'), 'pack/bad-accuracy', 'accuracy.json')
