import type { Constant } from '../constant.ts'
import { MAX_WEIGHT } from './parameters.ts'
import { channelPeaks, eachChannel } from './weights.ts'

type Floats = Constant & { type: 'float32' }

/** Nets that were trained with quantised weights and exported as float have at most this many different weights. */
const MAX_GRID_VALUES = 511

/**
 * The step of a grid on which all weights lie, when there is one: weights that were int8 once can be int8 again
 * without any loss. Undefined for the weights of a net trained in float.
 */
export function gridStep(data: Float32Array): number | undefined {
  const magnitudes = new Set<number>()
  for (const value of data) {
    if (value !== 0) magnitudes.add(Math.abs(value))
    if (magnitudes.size > MAX_GRID_VALUES) return undefined
  }
  const sorted = [...magnitudes].sort((a, b) => a - b)
  const [smallest, largest] = [sorted[0], sorted.at(-1)]
  if (smallest === undefined || largest === undefined) return undefined
  let step = smallest
  // Equal up to float32 rounding counts as the same value.
  const least = largest * 1e-5
  for (let i = 1; i < sorted.length; i++) {
    const gap = (sorted[i] as number) - (sorted[i - 1] as number)
    if (gap > least && gap < step) step = gap
  }
  const most = Math.round(largest / step)
  if (most > MAX_GRID_VALUES) return undefined
  // The largest value knows the step best: its rounding error is divided by the count.
  const exact = largest / most
  return sorted.every((value) => Math.abs(value / exact - Math.round(value / exact)) < 0.02) ? exact : undefined
}

/** How far a peak may be pulled in: with few levels clipping pays much earlier. */
const pulls = (most: number): number[] => {
  const step = most < MAX_WEIGHT ? 0.04 : 0.02
  return Array.from({ length: 16 }, (_, i) => 1 - i * step)
}

/**
 * What `most` should stand for in each channel: the value with the least squared error among the largest weight, a
 * little less than it (clipping a few buys finer steps for all), and the weights' own grid if they have one.
 */
export function choosePeaks(weight: Floats, axis: number, most: number = MAX_WEIGHT): Float64Array {
  const peaks = channelPeaks(weight, axis)
  const channels: number[][] = Array.from(peaks, () => [])
  eachChannel(weight.dims, axis, (i, channel) => channels[channel]?.push(weight.data[i] ?? 0))
  const step = gridStep(weight.data)
  return peaks.map((peak, channel) => {
    if (peak === 0) return 0
    const candidates = pulls(most).map((pull) => pull * peak)
    // On the grid and in range there is no error at all: first, so that it wins.
    if (step) candidates.unshift(step * most)
    let best = { peak, error: Number.POSITIVE_INFINITY }
    for (const candidate of candidates) {
      const error = squaredError(channels[channel] ?? [], candidate / most, most, best.error)
      if (error < best.error) best = { peak: candidate, error }
    }
    return best.peak
  })
}

function squaredError(values: readonly number[], scale: number, most: number, giveUp: number): number {
  let sum = 0
  for (const value of values) {
    const q = Math.max(-most, Math.min(most, Math.round(value / scale)))
    sum += (q * scale - value) ** 2
    if (sum >= giveUp) return sum
  }
  return sum
}
