import { intAttribute, intsAttribute, stringAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import { image, isRealValue } from './operand.ts'
import { quantiseReal, unsupported } from './quantisation.ts'
import { createReals, realOperand } from './reals.ts'
import { resizeReal } from './resize.ts'
import type { Quantised } from './value.ts'
import { emitCopies, newQuantised, settle } from './view.ts'

const outputDims = (context: Context): readonly number[] => context.dims(context.node.output[0] ?? '')

/** An image made of pieces of another: `dims` and strides of the pieces on either side. */
function rearrange(
  context: Context,
  x: Quantised,
  dims: number[],
  from: number[],
  to: (y: Quantised) => number[],
): void {
  const y = newQuantised(context, outputDims(context), 'planes', x.quantisation)
  emitCopies(
    context,
    dims,
    1,
    { buffer: x.buffer, offset: 0, strides: from },
    { buffer: y.buffer, offset: 0, strides: to(y) },
  )
  context.set(y)
}

function planes(context: Context): Quantised {
  const x = settle(context, image(context, 0), 'planes')
  if (x.dims.length !== 4) throw unsupported('its input is not an image')
  return x
}

/** The same of reals: a reshape, a transposition and a reshape. */
function rearrangeReals(context: Context, split: (dims: readonly number[]) => number[], perm: readonly number[]): void {
  const r = createReals(context)
  const x = realOperand(context, 0)
  context.set(r.reshape(r.transpose(r.reshape(x, split(x.dims)), perm), outputDims(context)))
}

const depthToSpace: Lowering = (context) => {
  if (isRealValue(context.value(0))) {
    const size = intAttribute(context.node, 'blocksize', 1)
    const last = stringAttribute(context.node, 'mode', 'DCR') === 'CRD'
    const split = ([n = 1, c = 1, h = 1, w = 1]: readonly number[]): number[] =>
      last ? [n, c / size ** 2, size, size, h, w] : [n, size, size, c / size ** 2, h, w]
    return rearrangeReals(context, split, last ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2])
  }
  const x = planes(context)
  const size = intAttribute(context.node, 'blocksize', 1)
  const channels = x.channels / size ** 2
  const columnFirst = stringAttribute(context.node, 'mode', 'DCR') === 'CRD'
  const [block, channel] = columnFirst ? [1, size ** 2] : [channels, 1]
  const dims = [size, size, channels, x.height, x.width]
  const from = [size * block, block, channel, x.width * x.pixelBytes, x.pixelBytes]
  rearrange(context, x, dims, from, ({ width, pixelBytes }) => [
    width * pixelBytes,
    pixelBytes,
    1,
    size * width * pixelBytes,
    size * pixelBytes,
  ])
}

const spaceToDepth: Lowering = (context) => {
  if (isRealValue(context.value(0))) {
    const size = intAttribute(context.node, 'blocksize', 1)
    const split = ([n = 1, c = 1, h = 1, w = 1]: readonly number[]): number[] => [n, c, h / size, size, w / size, size]
    return rearrangeReals(context, split, [0, 3, 5, 1, 2, 4])
  }
  const x = planes(context)
  const size = intAttribute(context.node, 'blocksize', 1)
  const dims = [size, size, x.channels, x.height / size, x.width / size]
  const row = x.width * x.pixelBytes
  const from = [row, x.pixelBytes, 1, size * row, size * x.pixelBytes]
  rearrange(context, x, dims, from, ({ width, pixelBytes }) => [
    size * x.channels,
    x.channels,
    1,
    width * pixelBytes,
    pixelBytes,
  ])
}

/** Nearest neighbours by whole factors of int8 are pixels repeated; all else is done in reals. */
const resize: Lowering = (context) => {
  const { node } = context
  const value = context.value(0)
  if (isRealValue(value)) return context.set(resizeReal(context))
  const x = planes(context)
  const [, channels, height = 0, width = 0] = outputDims(context)
  const [down, across] = [height / x.height, width / x.width]
  const mode = stringAttribute(node, 'mode', 'nearest')
  const place = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel')
  const round = stringAttribute(node, 'nearest_mode', 'round_prefer_floor')
  // Where each pixel becomes a whole block: half pixels round to the nearest, asymmetric ones must round down.
  const repeats = (place === 'half_pixel' && round.startsWith('round')) || (place === 'asymmetric' && round === 'floor')
  const whole = channels === x.channels && Number.isInteger(down) && Number.isInteger(across)
  if (mode !== 'nearest' || !repeats || !whole) return context.set(resizeReal(context))
  const row = x.width * x.pixelBytes
  const dims = [down, across, x.height, x.width, x.channels]
  rearrange(context, x, dims, [0, 0, row, x.pixelBytes, 1], (y) => [
    y.width * y.pixelBytes,
    y.pixelBytes,
    down * y.width * y.pixelBytes,
    across * y.pixelBytes,
    1,
  ])
}

const pad: Lowering = (context) => {
  const { node } = context
  const x = planes(context)
  const pads = intsAttribute(node, 'pads') ?? constantPads(context)
  const mode = stringAttribute(node, 'mode', 'constant')
  const filling = context.constant(2) ?? context.quantisedConstant(2)
  if (mode !== 'constant' || pads?.length !== 8 || node.input[3]) throw unsupported(`pads by ${mode}, or by axes`)
  const [before, channelsBefore, top = 0, left = 0, after, channelsAfter, bottom = 0, right = 0] = pads
  if (before || channelsBefore || after || channelsAfter || Math.min(...pads) < 0)
    throw unsupported('pads other than the height and width')
  if (filling && filling.data.length !== 1) throw unsupported('pads with more than one value')
  const real = filling && 'scales' in filling ? realOf(filling) : Number(filling?.data[0] ?? 0)
  const y = newQuantised(context, outputDims(context), 'planes', x.quantisation)
  context.program.emit('pad', context.name, {
    src: x.buffer,
    dst: y.buffer,
    height: x.height,
    rowBytes: x.width * x.pixelBytes,
    left: left * x.pixelBytes,
    right: right * x.pixelBytes,
    top,
    bottom,
    value: quantiseReal(real, x.quantisation),
  })
  context.set(y)
}

const realOf = ({
  data,
  scales,
  zeros,
}: {
  data: ArrayLike<number>
  scales: readonly number[]
  zeros: readonly number[]
}) => ((data[0] ?? 0) - (zeros[0] ?? 0)) * (scales[0] ?? 1)

function constantPads(context: Context): number[] | undefined {
  const constant = context.constant(1)
  return constant && Array.from(constant.data, Number)
}

export const REARRANGING: Readonly<Record<string, Lowering>> = {
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Resize: resize,
  Pad: pad,
}
