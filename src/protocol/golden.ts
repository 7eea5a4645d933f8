import * as v from 'valibot'
import { elementCount } from './dims.ts'
import { Dims } from './input.ts'
import { Count } from './primitives.ts'

/** At most so many values of an output are kept. */
const MOST_VALUES = 4096
/** A sample of fewer would see nothing. */
export const FEWEST_SAMPLED = 64

/** Largest absolute difference that still counts as right. */
const Tolerance = v.pipe(v.number(), v.minValue(0))
const Values = v.pipe(v.array(v.number()), v.maxLength(MOST_VALUES))

/** All of a short output, or of a longer one those at the places that `sampledPlaces` says. */
const Sample = v.pipe(
  v.strictObject({ dims: Dims, values: Values, tolerance: Tolerance }),
  v.check(({ dims, values: { length } }) => {
    const size = elementCount(dims)
    return length === size || (length < size && length >= FEWEST_SAMPLED)
  }, 'the values are neither all nor a sample'),
)
export type GoldenSample = v.InferOutput<typeof Sample>

/** An input made from a seed (see `runtime/golden.ts`) and what every right backend answers to it. */
export const Golden = v.strictObject({
  /** For a program's second graph. */
  graph: v.optional(v.literal('reader')),
  seed: Count,
  /** Outputs that are short: all their values. Packs of before have longer ones so too: see `formerPlaces`. */
  output: v.record(
    v.string(),
    v.lazy((given): v.GenericSchema<number[] | GoldenSample> => (Array.isArray(given) ? Values : Sample)),
  ),
  /** Of the outputs without one of their own. */
  tolerance: Tolerance,
})
export type Golden = v.InferOutput<typeof Golden>
