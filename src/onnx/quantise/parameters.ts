/** How a float becomes an int8 and back: `real = scale * (q - zeroPoint)`. */
export interface Parameters {
  readonly scale: number
  readonly zeroPoint: number
}

/** Smallest and largest value that a tensor is expected to take. */
export type Range = readonly [min: number, max: number]

export const MIN = -128
export const MAX = 127
/** Weights leave -128 out: their negation must fit, which is what fast kernels rely on. */
export const MAX_WEIGHT = 127

/** Below this a scale is no longer a normal float32 and its reciprocal overflows. */
const SMALLEST_SCALE = 2 ** -100

/** Activations: asymmetric; zero is exact, so that padding and Relu stay exact. */
export function activationParameters([min, max]: Range): Parameters {
  const low = Math.min(0, min)
  const high = Math.max(0, max)
  // Engines hold the scale as float32: work with the number they will see.
  const scale = Math.fround((high - low) / (MAX - MIN))
  if (!(scale >= SMALLEST_SCALE)) return { scale: 1, zeroPoint: 0 }
  return { scale, zeroPoint: Math.min(MAX, Math.max(MIN, roundEven(MIN - low / scale))) }
}

/** Rounds half to even, as ONNX's QuantizeLinear does. */
export function roundEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

/** As QuantizeLinear: the division in float32, saturated. */
export const quantise = (x: number, { scale, zeroPoint }: Parameters): number =>
  Math.min(MAX, Math.max(MIN, roundEven(Math.fround(x / scale)) + zeroPoint))

/**
 * True when clamping to [low, high] changes no quantised value: the quantiser's own saturation does it.
 * Quantising is monotonic, so looking at the two ends is a proof.
 */
export const saturatesWithin = (low: number, high: number, parameters: Parameters): boolean =>
  (low === Number.NEGATIVE_INFINITY || quantise(low, parameters) === MIN) &&
  (high === Number.POSITIVE_INFINITY || quantise(high, parameters) === MAX)
