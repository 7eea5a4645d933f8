import type { Range } from './parameters.ts'

/** Values of a tensor counted in equal bins over [min, max]. */
export interface Histogram {
  readonly min: number
  readonly max: number
  readonly bins: Float64Array
}

export const BINS = 2048
/** Of a large tensor about so many values are counted. */
const MOST_COUNTED = 1 << 17

export const createHistogram = ([min, max]: Range): Histogram => ({ min, max, bins: new Float64Array(BINS) })

export function count({ min, max, bins }: Histogram, values: ArrayLike<number>): void {
  const factor = max > min ? bins.length / (max - min) : 0
  const last = bins.length - 1
  // Odd, so that it falls into every column of a picture in turn.
  const step = Math.ceil(values.length / MOST_COUNTED) | 1
  for (let i = 0; i < values.length; i += step) {
    const bin = Math.min(last, Math.max(0, Math.floor(((values[i] as number) - min) * factor)))
    bins[bin] = (bins[bin] as number) + 1
  }
}

const centreOf = ({ min, max, bins }: Histogram, bin: number): number => min + ((bin + 0.5) * (max - min)) / bins.length
const edgeOf = ({ min, max, bins }: Histogram, bin: number): number => min + (bin * (max - min)) / bins.length

/** The range that leaves out as little as `100 - percentile` per cent of the values, split over both ends. */
export function percentileRange(histogram: Histogram, percentile: number): Range {
  const { bins } = histogram
  const total = bins.reduce((sum, n) => sum + n, 0)
  const allowed = (total * (100 - percentile)) / 200
  let low = 0
  for (let sum = bins[0] ?? 0; sum <= allowed && low < bins.length - 1; sum += bins[low] ?? 0) low++
  let high = bins.length
  for (let sum = bins[high - 1] ?? 0; sum <= allowed && high > low + 1; sum += bins[high - 1] ?? 0) high--
  return [edgeOf(histogram, low), edgeOf(histogram, high)]
}

/** Expected squared error of int8 over [low, high]: rounding inside, clipping outside. */
function squaredError(histogram: Histogram, low: number, high: number): number {
  const step = (high - low) / 255
  const rounding = (step * step) / 12
  let error = 0
  for (let bin = 0; bin < histogram.bins.length; bin++) {
    const n = histogram.bins[bin] as number
    if (n === 0) continue
    const x = centreOf(histogram, bin)
    const beyond = x < low ? low - x : x > high ? x - high : 0
    error += n * (beyond * beyond + rounding)
  }
  return error
}

/** How far each end may be pulled in, in the search for the least squared error. */
const PULLS = Array.from({ length: 31 }, (_, i) => 1 - i * 0.02)

/** The range with the least squared error: each end is pulled in by itself, twice over. */
export function leastErrorRange(histogram: Histogram): Range {
  let [low, high] = [Math.min(0, histogram.min), Math.max(0, histogram.max)]
  const [farLow, farHigh] = [low, high]
  const best = (candidates: readonly Range[]): Range => {
    const errors = candidates.map(([from, to]) => squaredError(histogram, from, to))
    return candidates[errors.indexOf(Math.min(...errors))] ?? [low, high]
  }
  for (let round = 0; round < 2; round++) {
    ;[low, high] = best(PULLS.map((pull) => [low, farHigh * pull]))
    ;[low, high] = best(PULLS.map((pull) => [farLow * pull, high]))
  }
  return [low, high]
}

/** Levels that an int8 has for magnitudes of one sign. */
const LEVELS = 128

/** The symmetric threshold whose int8 picture of the distribution loses the least information (Kullback-Leibler). */
export function entropyRange(histogram: Histogram): Range {
  const far = Math.max(Math.abs(histogram.min), Math.abs(histogram.max))
  if (far === 0) return [0, 0]
  const magnitudes = new Float64Array(BINS)
  histogram.bins.forEach((n, bin) => {
    const at = Math.min(BINS - 1, Math.floor((Math.abs(centreOf(histogram, bin)) / far) * BINS))
    magnitudes[at] = (magnitudes[at] as number) + n
  })
  // Exact zeros after a Relu say nothing of the scale and would drown the rest.
  magnitudes[0] = magnitudes[1] ?? 0
  let best = { bins: BINS, loss: Number.POSITIVE_INFINITY }
  for (let bins = LEVELS; bins <= BINS; bins += 16) {
    const loss = informationLoss(magnitudes, bins)
    if (loss < best.loss) best = { bins, loss }
  }
  const threshold = (far * best.bins) / BINS
  return [Math.max(histogram.min, -threshold), Math.min(histogram.max, threshold)]
}

function informationLoss(magnitudes: Float64Array, bins: number): number {
  const wanted = magnitudes.slice(0, bins)
  const outside = magnitudes.slice(bins).reduce((sum, n) => sum + n, 0)
  const merged = new Float64Array(bins)
  for (let level = 0; level < LEVELS; level++) {
    const from = Math.floor((level * bins) / LEVELS)
    const to = Math.floor(((level + 1) * bins) / LEVELS)
    const part = wanted.subarray(from, to)
    const filled = part.reduce((n, value) => n + (value > 0 ? 1 : 0), 0)
    const mean = filled === 0 ? 0 : part.reduce((sum, value) => sum + value, 0) / filled
    for (let i = from; i < to; i++) merged[i] = (wanted[i] as number) > 0 ? mean : 0
  }
  wanted[bins - 1] = (wanted[bins - 1] as number) + outside
  const [p, q] = [wanted.reduce((sum, n) => sum + n, 0), merged.reduce((sum, n) => sum + n, 0)]
  if (p === 0 || q === 0) return Number.POSITIVE_INFINITY
  let loss = 0
  for (let i = 0; i < bins; i++) {
    const a = (wanted[i] as number) / p
    if (a > 0) loss += a * Math.log(a / Math.max((merged[i] as number) / q, 1e-12))
  }
  return loss
}
