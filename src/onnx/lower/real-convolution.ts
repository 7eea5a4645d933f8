import { elementCount } from '../../protocol/dims.ts'
import { intAttribute, intsAttribute } from '../attribute.ts'
import type { Context } from './context.ts'
import { unsupported } from './quantisation.ts'
import { realWeights } from './real-weights.ts'
import { createReals, type Dims, fixed, type Operand, type Reals, realOperand } from './reals.ts'
import type { Real } from './value.ts'
import { placeAt } from './view.ts'
import { type Window, windowOf } from './window.ts'

/** Reals that one step may unfold, where there is a choice: about a megabyte. */
const MOST_UNFOLDED = 2 ** 18

interface Image {
  x: Real
  channels: number
  height: number
  width: number
}

export function imageOf(reals: Reals, x: Operand): Image {
  const [batch, channels = 1, ...size] = x.dims
  if (batch !== 1 || size.length < 1 || size.length > 2)
    throw unsupported(`its input has shape [${x.dims.join(', ')}], only [1, C, H, W] and [1, C, W] are supported`)
  const [height = 1, width = 1] = size.length === 1 ? [1, ...size] : size
  return { x: reals.expand(x, x.dims), channels, height, width }
}

/** Windows of some planes of an image, as columns; then what becomes of them, planes by planes. */
function unfold(
  context: Context,
  { x, height, width }: Image,
  window: Window,
  outDims: Dims,
  planes: { first: number; count: number },
  fill = 0,
): Real {
  const [outHeight = 1, outWidth = 1] = outDims.length === 3 ? [1, outDims[2]] : outDims.slice(2)
  const { rows, columns, strideY, strideX, dilationY, dilationX, pads } = window
  const [top = 0, left = 0] = pads
  const unfolded = createReals(context).make([planes.count, rows * columns, outHeight * outWidth])
  context.program.emit('unfold', context.name, {
    src: placeAt({ buffer: x.buffer, offset: 4 * planes.first * height * width }, 0),
    dst: unfolded.buffer,
    channels: planes.count,
    height,
    width,
    outHeight,
    outWidth,
    windowRows: rows,
    windowColumns: columns,
    strideY,
    strideX,
    dilationY,
    dilationX,
    top,
    left,
    fill,
  })
  return unfolded
}

/** A convolution in f32: windows side by side as the columns of a matrix product. */
export function convolveReal(context: Context): Real {
  const { node } = context
  const reals = createReals(context)
  const image = imageOf(reals, realOperand(context, 0))
  const weights = realWeights(context, 1)
  const window = windowOf(context, image.x.dims, intsAttribute(node, 'kernel_shape') ?? weights.dims.slice(2))
  return convolveImage(context, image, weights, window, intAttribute(node, 'group', 1))
}

export function convolveImage(context: Context, image: Image, weights: Operand, window: Window, group: number): Real {
  const { node, program, name } = context
  const reals = createReals(context)
  const [count = 1, inside = 1] = weights.dims
  const bias = node.input[2] ? realOperand(context, 2) : undefined
  const dims = context.dims(node.output[0] ?? '')
  const pixels = elementCount(dims.slice(2))
  const depth = inside * window.rows * window.columns
  const y = reals.make(dims)
  const plain =
    window.rows * window.columns * window.strideX * window.strideY === 1 && window.pads.every((pad) => pad === 0)
  const rows = count / group
  const groups = plain ? group : Math.max(1, Math.min(group, Math.floor(MOST_UNFOLDED / (depth * pixels))))
  const [weightsPlace, biasPlace] = [reals.place(weights), reals.place(bias ?? fixed([0]))]
  for (let first = 0; first < group; first += groups) {
    const batch = Math.min(groups, group - first)
    const planes = { first: first * inside, count: batch * inside }
    const columns = plain
      ? { buffer: image.x.buffer, offset: 4 * planes.first * pixels }
      : { buffer: unfold(context, image, window, dims, planes).buffer, offset: 0 }
    program.emit('product', name, {
      src: placeAt({ buffer: weightsPlace, offset: 4 * first * rows * depth }, 0),
      weights: columns,
      bias: placeAt({ buffer: biasPlace, offset: bias ? 4 * first * rows : 0 }, 0),
      dst: { buffer: y.buffer, offset: 4 * first * rows * pixels },
      batch,
      rows,
      depth,
      columns: pixels,
      srcBatch: 4 * rows * depth,
      weightsBatch: 4 * depth * pixels,
      biasRow: bias ? 4 : 0,
      biasColumn: 0,
    })
  }
  return y
}

/** A pool in f32: the largest or the mean of each window. */
export function poolReal(context: Context, reduction: 'Max' | 'Sum'): Real {
  const { node, program, name } = context
  const reals = createReals(context)
  const image = imageOf(reals, realOperand(context, 0))
  const window = windowOf(context, image.x.dims, intsAttribute(node, 'kernel_shape') ?? [])
  const dims = context.dims(node.output[0] ?? '')
  const pixels = elementCount(dims.slice(2))
  const taps = window.rows * window.columns
  const y = reals.make(dims)
  const most = Math.max(1, Math.floor(MOST_UNFOLDED / (taps * pixels)))
  for (let first = 0; first < image.channels; first += most) {
    const planes = { first, count: Math.min(most, image.channels - first) }
    const fill = reduction === 'Max' ? Number.NEGATIVE_INFINITY : 0
    program.emit('reduceReal', name, {
      src: unfold(context, image, window, dims, planes, fill).buffer,
      dst: { buffer: y.buffer, offset: 4 * first * pixels },
      outer: planes.count,
      count: taps,
      inner: pixels,
      function: reduction === 'Max' ? 1 : 0,
    })
  }
  if (reduction === 'Max') return y
  const whole = intAttribute(node, 'count_include_pad', 0) !== 0
  return reals.mul(y, fixed(whole ? [1 / taps] : shares(image, window, dims), whole ? [] : dims.slice(2)))
}

/** One over the pixels of the image that each window has. */
function shares({ height, width }: Image, window: Window, dims: Dims): number[] {
  const [outHeight = 1, outWidth = 1] = dims.length === 3 ? [1, dims[2]] : dims.slice(2)
  const covered = (count: number, taps: number, stride: number, dilation: number, before: number, size: number) =>
    Array.from({ length: count }, (_, i) => {
      const places = Array.from({ length: taps }, (_, k) => i * stride + k * dilation - before)
      return places.filter((at) => at >= 0 && at < size).length
    })
  const [top = 0, left = 0] = window.pads
  const down = covered(outHeight, window.rows, window.strideY, window.dilationY, top, height)
  const across = covered(outWidth, window.columns, window.strideX, window.dilationX, left, width)
  return down.flatMap((rows) => across.map((columns) => 1 / (rows * columns)))
}
