import { intAttribute, intsAttribute, stringAttribute } from '../attribute.ts'
import type { Constant } from '../constant.ts'
import { type Context, image, isQuantisedNext, type Lowering, pending } from './context.ts'
import { type Quantisation, quantiseReal, sameQuantisation, unsupported } from './quantisation.ts'
import { applyTable } from './unary.ts'
import type { Quantised, Value, View } from './value.ts'
import {
  emitCopies,
  newQuantised,
  rasterStrides,
  reshaped,
  settle,
  stridesOf,
  toRaster,
  toReal,
  toView,
} from './view.ts'

const outputDims = (context: Context, index = 0): readonly number[] => context.dims(context.node.output[index] ?? '')

const same: Lowering = (context) => {
  const value = context.value(0)
  if (!value) throw unsupported('it has no input')
  context.set(value)
}

/** The same values in the same order under another shape: no step, as far as memory's order allows it. */
const reshape: Lowering = (context) => {
  const value = context.value(0)
  const dims = outputDims(context)
  if (value?.kind === 'int8' && value.order === 'planes' && dims.length === 2 && dims[0] === 1) {
    // A product with constant weights reads a flattened image as it lies: its weights change places instead.
    const pixels = value.height * value.width
    return context.set({ ...value, dims, order: pixels === 1 ? 'pixels' : 'flat' })
  }
  const view = toView(context, value)
  const moved = reshaped(view, dims)
  if (moved) return context.set(moved)
  const strides = rasterStrides(dims, view.element)
  context.set({ ...view, buffer: toRaster(context, view), offset: 0, dims, strides })
}

const transpose: Lowering = (context) => {
  const view = toView(context, context.value(0))
  const rank = view.dims.length
  const perm = intsAttribute(context.node, 'perm') ?? view.dims.map((_, i) => rank - 1 - i)
  const pick = (list: readonly number[]): number[] => perm.map((axis) => list[axis] ?? 0)
  context.set({ ...view, dims: pick(view.dims), strides: pick(view.strides) })
}

const integers = (constant: Constant | undefined): number[] | undefined => constant && Array.from(constant.data, Number)

/** A piece of an axis. */
function cut(view: View, axis: number, start: number, length: number, step = 1): View {
  const stride = view.strides[axis] ?? 0
  return {
    ...view,
    offset: view.offset + start * stride,
    dims: view.dims.map((n, i) => (i === axis ? length : n)),
    strides: view.strides.map((s, i) => (i === axis ? s * step : s)),
  }
}

const slice: Lowering = (context) => {
  const { node } = context
  const input = (index: number, name: string): number[] | undefined => {
    if (intsAttribute(node, name)) return intsAttribute(node, name)
    if (!node.input[index]) return undefined
    const values = integers(context.constant(index))
    if (!values) throw unsupported(`its ${name} are not constant`)
    return values
  }
  let view = toView(context, context.value(0))
  const starts = input(1, 'starts') ?? []
  const axes = input(3, 'axes') ?? starts.map((_, i) => i)
  const steps = input(4, 'steps') ?? []
  const dims = outputDims(context)
  for (const [i, given] of axes.entries()) {
    const axis = given < 0 ? given + view.dims.length : given
    const step = steps[i] ?? 1
    if (step < 1) throw unsupported('slices backwards')
    const size = view.dims[axis] ?? 0
    const start = starts[i] ?? 0
    view = cut(view, axis, Math.min(size, start < 0 ? Math.max(0, start + size) : start), dims[axis] ?? 0, step)
  }
  context.set(view)
}

const split: Lowering = (context) => {
  const view = toView(context, context.value(0))
  const given = intAttribute(context.node, 'axis', 0)
  const axis = given < 0 ? given + view.dims.length : given
  let start = 0
  for (const output of context.node.output.keys()) {
    const length = outputDims(context, output)[axis] ?? 0
    context.set(cut(view, axis, start, length), output)
    start += length
  }
}

function requantised(context: Context, value: Value, quantisation: Quantisation): View {
  const view = toView(context, value)
  if (view.quantisation && sameQuantisation(view.quantisation, quantisation)) return view
  const order = value.kind === 'int8' && value.order === 'pixels' ? 'pixels' : 'planes'
  const settled = settle(context, value.kind === 'int8' ? value : view, view.dims.length > 2 ? order : 'pixels')
  return toView(
    context,
    applyTable(context, settled, (x) => x, { quantisation, low: -128, high: 127 }),
  )
}

const concat: Lowering = (context) => {
  const { node } = context
  const dims = outputDims(context)
  const given = intAttribute(node, 'axis', 0)
  const axis = given < 0 ? given + dims.length : given
  const parts = node.input.map((_, i) => context.value(i)).filter((part) => part !== undefined)
  if (parts.length !== node.input.length) throw unsupported('one of its inputs is constant')
  const join = (views: readonly View[], element: number, to: Pick<View, 'buffer' | 'strides'>): void => {
    let start = 0
    for (const view of views) {
      const offset = start * (to.strides[axis] ?? 0)
      emitCopies(context, view.dims, element, view, { buffer: to.buffer, offset, strides: to.strides })
      start += view.dims[axis] ?? 0
    }
  }
  if (!isQuantisedNext(context)) {
    const reals = parts.map((part) => toView(context, toReal(context, part)))
    const bytes = dims.reduce((all, dim) => all * dim, 4)
    const buffer = context.program.buffer(bytes)
    join(reals, 4, { buffer, strides: rasterStrides(dims, 4) })
    return context.set({ kind: 'float32', buffer, dims })
  }
  const pixels =
    dims.length < 3 || dims.length > 4 || parts.every((part) => part.kind === 'int8' && part.order === 'pixels')
  context.set(
    pending(context, dims, ({ quantisation, low, high }) => {
      const views = parts.map((part) => requantised(context, part, quantisation))
      const y = newQuantised(context, dims, pixels ? 'pixels' : 'planes', quantisation)
      join(views, 1, { buffer: y.buffer, strides: stridesOf(y) })
      const bounded = low > -128 || high < 127
      return bounded ? applyTable(context, y, (x) => x, { quantisation, low, high }) : y
    }),
  )
}

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

const depthToSpace: Lowering = (context) => {
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

/** Nearest neighbours by whole factors: pixels repeated. */
const resize: Lowering = (context) => {
  const { node } = context
  const x = planes(context)
  const [, channels, height = 0, width = 0] = outputDims(context)
  const [down, across] = [height / x.height, width / x.width]
  const mode = stringAttribute(node, 'mode', 'nearest')
  const place = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel')
  const round = stringAttribute(node, 'nearest_mode', 'round_prefer_floor')
  // Where each pixel becomes a whole block: half pixels round to the nearest, asymmetric ones must round down.
  const repeats = (place === 'half_pixel' && round.startsWith('round')) || (place === 'asymmetric' && round === 'floor')
  if (mode !== 'nearest' || !repeats || channels !== x.channels || !Number.isInteger(down) || !Number.isInteger(across))
    throw unsupported(`resizes by ${mode}, ${place}, ${round}; only nearest by whole factors is supported`)
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
  const pads = intsAttribute(node, 'pads') ?? integers(context.constant(1))
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

export const MOVING: Readonly<Record<string, Lowering>> = {
  Identity: same,
  Dropout: same,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Slice: slice,
  Split: split,
  Concat: concat,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  Resize: resize,
  Pad: pad,
}
