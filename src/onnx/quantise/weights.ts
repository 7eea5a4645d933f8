import type { Constant } from '../constant.ts'
import { MAX_WEIGHT, roundEven } from './parameters.ts'

/** Weights as int8 with a scale for each channel of one axis, and the bias in steps of `input scale x weight scale`. */
export interface QuantisedWeights {
  readonly weight: Constant & { type: 'int8' }
  readonly scale: Constant & { type: 'float32' }
  readonly bias?: Constant & { type: 'int32' }
  readonly biasScale?: Constant & { type: 'float32' }
}

/** A bias must leave room in the 32-bit accumulator for the products that are added to it. */
const MAX_BIAS = 2 ** 30
/** A channel without weights still has a bias to hold: fine steps for it. */
const DEAD_BIAS_STEPS = 2 ** 20

/** Calls back with each element's index and the channel it belongs to along `axis`. */
export function eachChannel(
  dims: readonly number[],
  axis: number,
  visit: (index: number, channel: number) => void,
): void {
  const inner = dims.slice(axis + 1).reduce((product, n) => product * n, 1)
  const channels = dims[axis] ?? 1
  const total = dims.reduce((product, n) => product * n, 1)
  for (let i = 0; i < total; i++) visit(i, Math.floor(i / inner) % channels)
}

/** Weights of a product as MatMul wants them: rows are inputs, columns outputs. `axis` is that of the outputs now. */
export function asMatrix(weight: Constant & { type: 'float32' }, axis: number): Constant & { type: 'float32' } {
  if (axis === 1) return weight
  const [rows = 1, columns = 1] = weight.dims
  const data = new Float32Array(weight.data.length)
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) data[c * rows + r] = weight.data[r * columns + c] as number
  return { type: 'float32', dims: [columns, rows], data }
}

/** Largest absolute weight of each channel. */
export function channelPeaks({ dims, data }: Constant & { type: 'float32' }, axis: number): Float64Array {
  const peaks = new Float64Array(dims[axis] ?? 1)
  eachChannel(dims, axis, (i, channel) => {
    peaks[channel] = Math.max(peaks[channel] ?? 0, Math.abs(data[i] ?? 0))
  })
  return peaks
}

/**
 * @param axis the output channels.
 * @param most the largest step: 127 in int8. Fewer levels make the same int8 weights deflate to fewer bits.
 * @param peaks what `most` stands for in each channel; the largest absolute weight unless clipping was found better.
 */
export function quantiseWeights(
  weight: Constant & { type: 'float32' },
  axis: number,
  inputScale: number,
  bias?: Constant & { type: 'float32' },
  peaks: Float64Array = channelPeaks(weight, axis),
  most: number = MAX_WEIGHT,
): QuantisedWeights {
  const scale = Float32Array.from(peaks, (peak, c) => {
    const offset = Math.abs(bias?.data[c] ?? 0)
    const forBias = offset / inputScale
    if (peak === 0) return Math.max(forBias / DEAD_BIAS_STEPS, 2 ** -24)
    return Math.max(peak / most, forBias / MAX_BIAS, 2 ** -60)
  })
  const data = new Int8Array(weight.data.length)
  eachChannel(weight.dims, axis, (i, channel) => {
    const q = roundEven((weight.data[i] ?? 0) / (scale[channel] ?? 1))
    data[i] = Math.min(most, Math.max(-most, q))
  })
  const result: QuantisedWeights = {
    weight: { type: 'int8', dims: weight.dims, data },
    scale: { type: 'float32', dims: [scale.length], data: scale },
  }
  if (!bias) return result
  const biasScale = scale.map((s) => s * inputScale)
  const steps = Int32Array.from(bias.data, (b, c) => roundEven(b / (biasScale[c] ?? 1)))
  return {
    ...result,
    bias: { type: 'int32', dims: bias.dims, data: steps },
    biasScale: { type: 'float32', dims: [steps.length], data: biasScale },
  }
}
