import { intAttribute, intsAttribute } from '../attribute.ts'
import type { Constant } from '../constant.ts'
import type { Context, Lowering } from './context.ts'
import { unsupported } from './quantisation.ts'
import { cut, rasterStrides, reshaped, toRaster, toView } from './view.ts'

const outputDims = (context: Context, index = 0): readonly number[] => context.dims(context.node.output[index] ?? '')

const same: Lowering = (context) => {
  const value = context.value(0)
  if (!value) throw unsupported('it has no input')
  context.set(value)
}

/** What it drops while training stays when it does not. */
const dropout: Lowering = (context) => {
  if (context.node.input[2] && !(context.constant(2)?.data[0] === 0)) throw unsupported('drops values, as in training')
  same(context)
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

export const MOVING: Readonly<Record<string, Lowering>> = {
  Identity: same,
  Dropout: dropout,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Slice: slice,
  Split: split,
}
