import { convolveScratchBytes, multiplyScratchBytes, roundUp } from '../../protocol/plan-operations.ts'
import { intAttribute, intsAttribute } from '../attribute.ts'
import { biasOf } from './bias.ts'
import type { Context, Lowering } from './context.ts'
import { image, isReal, newImage, padImage, pending } from './operand.ts'
import { type QuantisedConstant, unsupported } from './quantisation.ts'
import { convolveReal } from './real-convolution.ts'
import { padded, type Quantised, type Target } from './value.ts'
import { settle } from './view.ts'
import { foldChannels, packDepthwise, packDepthwise3, packProducts, toInt8, weightZero } from './weights.ts'
import { type Window, windowOf } from './window.ts'

export const lowerConv: Lowering = (context) => {
  const { node } = context
  const w = context.quantisedConstant(1)
  if (!w || isReal(context)) return context.set(convolveReal(context))
  const x = settle(context, image(context, 0), 'planes')
  if (x.dims.length < 3 || x.dims.length > 4 || x.dims[0] !== 1)
    throw unsupported(`its input has shape [${x.dims.join(', ')}], only [1, C, H, W] and [1, C, W] are supported`)
  if (w.axis !== 0 && w.scales.length > 1) throw unsupported('its weights are not quantised by output channel')
  const window = windowOf(context, x.dims, intsAttribute(node, 'kernel_shape') ?? w.dims.slice(2))
  context.set(pending(context, context.dims(node.output[0] ?? ''), (target) => convolve(context, x, w, window, target)))
}

/** The steps of a convolution. Weights are [outputs, inputs of a group, rows, columns]. */
export function convolve(
  context: Context,
  x: Quantised,
  w: QuantisedConstant,
  window: Window,
  target: Target,
): Quantised {
  const group = intAttribute(context.node, 'group', 1)
  const [count = 0] = w.dims
  const taps = w.data.length / count
  const bias = biasOf(context, 2)
  const channels = foldChannels(count, w, bias, x.quantisation, target.quantisation, (channel) =>
    Array.from({ length: taps }, (_, i) => (w.data[channel * taps + i] ?? 0) - weightZero(w, channel)),
  )
  const source = { ...x, ...padImage(context, x, window.pads) }
  const y = newImage(context, context.dims(context.node.output[0] ?? ''), target)
  const depthwise = group === x.channels && count === x.channels && group > 1
  if (depthwise) lowerDepthwise(context, source, y, window, w, channels, target)
  else lowerProducts(context, source, y, window, w, channels, target, group)
  return y
}

type Channels = ReturnType<typeof foldChannels>

function lowerDepthwise(
  context: Context,
  x: Quantised,
  y: Quantised,
  window: Window,
  w: QuantisedConstant,
  channels: Channels,
  { quantisation, low, high }: Target,
): void {
  const { program, name } = context
  const { rows, columns, strideY, strideX, dilationY, dilationX } = window
  const taps = rows * columns
  const at = (channel: number, tap: number): number => (w.data[channel * taps + tap] ?? 0) - weightZero(w, channel)
  const rowBytes = x.width * x.pixelBytes
  const common = { src: x.buffer, dst: y.buffer, outHeight: y.height, outWidth: y.width, channels: y.pixelBytes }
  const bounds = { zero: quantisation.zero, low, high }
  if (rows === 3 && columns === 3 && dilationY === 1 && dilationX === 1 && strideY === strideX) {
    const weights = program.weights(packDepthwise3(y.channels, channels, at))
    program.emit('depthwise3', name, { ...common, rowStep: rowBytes, stride: strideX, weights, ...bounds })
    return
  }
  program.emit('depthwise', name, {
    ...common,
    stepY: strideY * rowBytes,
    stepX: strideX * x.pixelBytes,
    windowRows: rows,
    rowStep: dilationY * rowBytes,
    windowColumns: columns,
    columnStep: dilationX * x.pixelBytes,
    weights: program.weights(packDepthwise(y.channels, taps, channels, at)),
    ...bounds,
  })
}

function lowerProducts(
  context: Context,
  x: Quantised,
  y: Quantised,
  window: Window,
  w: QuantisedConstant,
  channels: Channels,
  { quantisation, low, high }: Target,
  group: number,
): void {
  const { program, name } = context
  const { rows, columns, strideY, strideX, dilationY, dilationX } = window
  const { data, zero: weightZeroPoint, limit } = toInt8(w)
  program.weightLimit(limit)
  const inside = x.channels / group
  const perGroup = y.channels / group
  const taps = rows * columns
  const bounds = { weightZero: weightZeroPoint, zero: quantisation.zero, low, high }

  /** Where the weight of a channel of the input lies, undefined when it belongs to another group. */
  const weightAt = (column: number, tap: number, channel: number): number | undefined => {
    const local = channel - Math.floor(column / perGroup) * inside
    return local >= 0 && local < inside ? data[(column * inside + local) * taps + tap] : undefined
  }

  const pointwise = taps === 1 && strideY === 1 && strideX === 1 && x.pixelBytes % 8 === 0
  if (pointwise) {
    const depth = x.pixelBytes
    program.scratch(multiplyScratchBytes(depth))
    const packed = packProducts(y.channels, depth, channels, weightZeroPoint, (column, k) => weightAt(column, 0, k))
    program.emit('multiply', name, {
      src: x.buffer,
      dst: y.buffer,
      rows: y.height * y.width,
      depth,
      columns: y.pixelBytes,
      weights: program.weights(packed),
      scratch: 'scratch',
      ...bounds,
    })
    return
  }

  // Groups that fill whole blocks are convolutions of their own; others become one with zeros between the groups.
  const split = group > 1 && inside % 8 === 0 && perGroup % 8 === 0
  const rowBytes = x.width * x.pixelBytes
  for (let part = 0; part < (split ? group : 1); part++) {
    const runBytes = split ? inside : x.pixelBytes
    const joined = dilationX === 1 && !split
    const depth = roundUp(taps * runBytes, 8)
    const first = part * perGroup
    const partColumns = split ? perGroup : y.channels
    const own = split
      ? {
          bias: channels.bias.subarray(first, first + perGroup),
          scale: channels.scale.subarray(first, first + perGroup),
        }
      : channels
    const packed = packProducts(partColumns, depth, own, weightZeroPoint, (column, k) => {
      const tap = Math.floor(k / runBytes)
      return tap < taps ? weightAt(first + column, tap, part * (split ? inside : 0) + (k % runBytes)) : undefined
    })
    program.scratch(convolveScratchBytes(depth))
    program.emit('convolve', name, {
      src: { buffer: x.buffer, offset: split ? part * inside : 0 },
      dst: { buffer: y.buffer, offset: split ? first : 0 },
      outHeight: y.height,
      outWidth: y.width,
      stepY: strideY * rowBytes,
      stepX: strideX * x.pixelBytes,
      windowRows: rows,
      rowStep: dilationY * rowBytes,
      runs: joined ? 1 : columns,
      runLength: joined ? columns * runBytes : runBytes,
      runStep: joined ? columns * runBytes : dilationX * x.pixelBytes,
      depth,
      columns: padded(partColumns),
      pixelBytes: y.pixelBytes,
      weights: program.weights(packed),
      scratch: 'scratch',
      ...bounds,
    })
  }
}
