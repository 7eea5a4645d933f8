import type { Bytes } from '../../lib/bytes.ts'
import { DEPTHWISE3_TAPS, depthwiseWeightBytes, productWeightBytes, roundUp } from '../../protocol/plan-operations.ts'
import { type Quantisation, type QuantisedConstant, roundHalfEven, unsupported } from './quantisation.ts'

/** Rounding by the magic number is exact below this. */
const MAX_SCALED = 2 ** 22
const MAX_SUM = 2 ** 31

/** What turns sums of products into the output: one entry for each output channel. */
export interface Channels {
  /** int32 bias with the input's zero point folded in. */
  readonly bias: Int32Array
  /** f32: input scale times weight scale over output scale. */
  readonly scale: Float32Array
}

/** Refuses an operation whose results, in steps of its output, could leave the range in which rounding is exact. */
export function requireExact(reach: number): void {
  if (!(reach < MAX_SCALED)) throw unsupported(`its results can reach ${reach} steps, beyond exact rounding`)
}

export const weightScale = ({ scales }: QuantisedConstant, channel: number): number =>
  scales[scales.length === 1 ? 0 : channel] ?? Number.NaN
export const weightZero = ({ zeros }: QuantisedConstant, channel: number): number =>
  zeros[zeros.length === 1 ? 0 : channel] ?? Number.NaN

/** The bias in units of input scale times weight scale, which is what the sums have. */
export function biasAt(bias: QuantisedConstant | Float32Array | undefined, channel: number, unit: number): number {
  if (!bias) return 0
  if (bias instanceof Float32Array) return roundHalfEven((bias[channel] ?? 0) / unit)
  const value = (bias.data[channel] ?? 0) - weightZero(bias, channel)
  const scale = weightScale(bias, channel)
  // Exporters write the product of the scales rounded some way or other; the engine they were made for ignores it.
  return Math.abs(scale / unit - 1) < 1e-4 ? value : roundHalfEven((value * scale) / unit)
}

/**
 * Bias and scale of every output channel, and the proof that no input can leave the range in which rounding is exact.
 * `taps(channel)` yields every weight of a channel less its zero point.
 */
export function foldChannels(
  count: number,
  weights: QuantisedConstant,
  bias: QuantisedConstant | Float32Array | undefined,
  input: Quantisation,
  output: Quantisation,
  taps: (channel: number) => Iterable<number>,
): Channels {
  const folded = { bias: new Int32Array(count), scale: new Float32Array(count) }
  for (let channel = 0; channel < count; channel++) {
    const unit = Math.fround(input.scale * weightScale(weights, channel))
    const scale = Math.fround(unit / output.scale)
    const own = biasAt(bias, channel, unit)
    let sum = 0
    let least = own
    let most = own
    for (const tap of taps(channel)) {
      sum += tap
      least += tap > 0 ? tap * (-128 - input.zero) : tap * (127 - input.zero)
      most += tap > 0 ? tap * (127 - input.zero) : tap * (-128 - input.zero)
    }
    const reach = Math.max(-least, most)
    if (!(reach < MAX_SUM && reach * scale < MAX_SCALED))
      throw unsupported(`its sums can reach ${reach} times ${scale}, beyond exact rounding (channel ${channel})`)
    const value = own - input.zero * sum
    if (Math.abs(value) >= MAX_SUM) throw unsupported(`its bias does not fit 32 bits (channel ${channel})`)
    folded.bias[channel] = value
    folded.scale[channel] = scale
  }
  return folded
}

function writeHead(view: DataView, at: number, channels: Channels, first: number): void {
  for (let j = 0; j < 8; j++) {
    view.setInt32(at + 4 * j, channels.bias[first + j] ?? 0, true)
    view.setFloat32(at + 32 + 4 * j, channels.scale[first + j] ?? 0, true)
  }
}

/** Weights for `multiply` and `convolve`; `at(column, k)` is undefined where there is nothing, which counts as zero. */
export function packProducts(
  columns: number,
  depth: number,
  channels: Channels,
  zero: number,
  at: (column: number, k: number) => number | undefined,
): Bytes {
  const bytes = new Uint8Array(productWeightBytes(depth, roundUp(columns, 8)))
  const view = new DataView(bytes.buffer)
  let to = 0
  for (let n = 0; n < columns; n += 8) {
    writeHead(view, to, channels, n)
    to += 64
    for (let k = 0; k < depth; k += 2)
      for (let j = 0; j < 8; j++)
        for (let pair = 0; pair < 2; pair++) view.setInt8(to++, n + j < columns ? (at(n + j, k + pair) ?? zero) : zero)
  }
  return bytes
}

/** Weights for `depthwise`: taps side by side. `at(channel, tap)` is less its zero point. */
export function packDepthwise(
  count: number,
  taps: number,
  channels: Channels,
  at: (channel: number, tap: number) => number,
): Bytes {
  const bytes = new Uint8Array(depthwiseWeightBytes(taps, roundUp(count, 8)))
  const view = new DataView(bytes.buffer)
  for (let c = 0; c < roundUp(count, 8); c++) {
    const block = (c >> 3) * (64 + 16 * taps)
    if (c % 8 === 0) writeHead(view, block, channels, c)
    for (let tap = 0; tap < taps; tap++)
      view.setInt16(block + 64 + 16 * tap + 2 * (c % 8), c < count ? at(c, tap) : 0, true)
  }
  return bytes
}

/** Weights for `depthwise3`: pairs of taps, the tenth of them nothing. */
export function packDepthwise3(count: number, channels: Channels, at: (channel: number, tap: number) => number): Bytes {
  const bytes = new Uint8Array(depthwiseWeightBytes(DEPTHWISE3_TAPS, roundUp(count, 8)))
  const view = new DataView(bytes.buffer)
  for (let c = 0; c < roundUp(count, 8); c++) {
    const block = (c >> 3) * (64 + 16 * DEPTHWISE3_TAPS)
    if (c % 8 === 0) writeHead(view, block, channels, c)
    for (let tap = 0; tap < 9; tap++)
      view.setInt16(block + 64 + 32 * (tap >> 1) + 4 * (c % 8) + 2 * (tap & 1), c < count ? at(c, tap) : 0, true)
  }
  return bytes
}

/**
 * Weights of the products kernels as int8: uint8 is shifted down, by 127 where that keeps -128 out, since one of the
 * kernels cannot multiply it. One zero point for all: sums of inputs are taken once for all columns.
 */
export function toInt8(constant: QuantisedConstant): { data: Int8Array; zero: number; limit: number } {
  const { data, zeros } = constant
  const [zero = 0] = zeros
  if (zeros.some((other) => other !== zero)) throw unsupported('its weights have different zero points by channel')
  let least = zero
  let most = zero
  for (const value of data) {
    least = Math.min(least, value)
    most = Math.max(most, value)
  }
  const shift = data instanceof Uint8Array ? (least === 0 && most < 255 ? 127 : 128) : 0
  const limit = Math.max(shift - least, most - shift)
  return { data: Int8Array.from(data, (value) => value - shift), zero: zero - shift, limit }
}
