import { elementCount } from '../../protocol/dims.ts'
import { floatAttribute, intAttribute, intsAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import { unsupported } from './quantisation.ts'
import { axisOf, createReals, type Dims, fixed, type Operand, type Reals, realOperand } from './reals.ts'
import type { Real } from './value.ts'

/** A node that always works on reals: what comes quantised is made real first. */
const real =
  (make: (r: Reals, context: Context, x: Operand) => Real): Lowering =>
  (context) =>
    context.set(make(createReals(context), context, realOperand(context, 0)))

const axesFrom = (first: number, { length }: Dims): number[] =>
  Array.from({ length: length - first }, (_, i) => first + i)

/** Older softmaxes run over all axes from theirs on. */
function softmaxAxes({ graph, node }: Context, dims: Dims): number[] {
  const old = graph.opset() < 13
  const axis = axisOf(intAttribute(node, 'axis', old ? 1 : -1), dims)
  return old ? axesFrom(axis, dims) : [axis]
}

/** The result under the dims that the graph gives it: what was reduced to 1 may be dropped. */
const asInferred = (r: Reals, context: Context, x: Real): Real =>
  r.reshape(x, context.dims(context.node.output[0] ?? ''))

function reduceAxes(context: Context, dims: Dims): number[] {
  const { node } = context
  const given = intsAttribute(node, 'axes') ?? Array.from(context.constant(1)?.data ?? [], Number)
  if (node.input[1] && !context.constant(1)) throw unsupported('its axes are not constant')
  if (given.length === 0) return intAttribute(node, 'noop_with_empty_axes', 0) ? [] : axesFrom(0, dims)
  return given.map((axis) => axisOf(axis, dims))
}

const REDUCED: Readonly<Record<string, (r: Reals, x: Operand, axes: Dims) => Real>> = {
  ReduceSum: (r, x, axes) => r.reduce('Sum', x, axes),
  ReduceMean: (r, x, axes) =>
    r.times(r.reduce('Sum', x, axes), 1 / elementCount(axes.map((axis) => x.dims[axis] ?? 1))),
  ReduceMax: (r, x, axes) => r.reduce('Max', x, axes),
  ReduceMin: (r, x, axes) => r.min(x, axes),
  ReduceL1: (r, x, axes) => r.reduce('Sum', r.map('Abs', x), axes),
  ReduceL2: (r, x, axes) => r.map('Sqrt', r.reduce('Sum', r.mul(x, x), axes)),
  ReduceSumSquare: (r, x, axes) => r.reduce('Sum', r.mul(x, x), axes),
  ReduceLogSum: (r, x, axes) => r.map('Log', r.reduce('Sum', x, axes)),
  ReduceLogSumExp: (r, x, axes) => {
    const most = r.reduce('Max', x, axes)
    const sum = r.reduce('Sum', r.map('Exp', r.combine('Sub', x, most)), axes)
    return r.add(r.map('Log', sum), most)
  },
}

/** A weight for each index of one axis. */
function along(x: Operand, axis: number, { length }: Dims): Operand {
  if (x.kind !== 'fixed') throw unsupported('its weights are not constant')
  return fixed(
    x.data,
    Array.from({ length }, (_, i) => (i === axis ? x.data.length : 1)),
  )
}

const layerNorm = real((r, context, x) => {
  const { node } = context
  const axes = axesFrom(axisOf(intAttribute(node, 'axis', -1), x.dims), x.dims)
  const scaled = r.mul(r.normalise(x, axes, floatAttribute(node, 'epsilon', 1e-5)), realOperand(context, 1))
  return node.input[2] ? r.add(scaled, realOperand(context, 2)) : scaled
})

/** Groups of channels, each normalised over its pixels: with one for each channel an InstanceNormalization. */
function groupNorm(r: Reals, context: Context, x: Operand, groups: number): Real {
  const [batch = 1, channels = 1] = x.dims
  const grouped = r.reshape(x, [batch, groups, elementCount(x.dims) / (batch * groups)])
  const normal = r.reshape(r.normalise(grouped, [2], floatAttribute(context.node, 'epsilon', 1e-5)), x.dims)
  const [scale, bias] = [1, 2].map((i) => along(realOperand(context, i), 1, x.dims))
  if (!scale || !bias || scale.dims[1] !== channels) throw unsupported('has a scale for each group')
  return r.add(r.mul(normal, scale), bias)
}

/** With the statistics it was trained to, a factor and a term for each channel. */
const batchNorm = real((r, context, x) => {
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => realOperand(context, i))
  if (scale?.kind !== 'fixed' || bias?.kind !== 'fixed' || mean?.kind !== 'fixed' || variance?.kind !== 'fixed')
    throw unsupported('its weights are not constant')
  const epsilon = floatAttribute(context.node, 'epsilon', 1e-5)
  const factor = scale.data.map((s, i) => s / Math.sqrt((variance.data[i] ?? 0) + epsilon))
  const term = bias.data.map((b, i) => b - (mean.data[i] ?? 0) * (factor[i] ?? 0))
  return r.add(r.mul(x, along(fixed(factor), 1, x.dims)), along(fixed(term), 1, x.dims))
})

/** Whole numbers stay as they are; to make one of a real drops what is behind the point. */
const cast: Lowering = (context) => {
  const value = context.value(0)
  if (value?.kind === 'deferred') return context.set(value)
  const to = intAttribute(context.node, 'to', 1)
  const r = createReals(context)
  const x = realOperand(context, 0)
  if (to === 9) return context.set(r.combine('Equal', r.combine('Equal', x, fixed([0])), fixed([0])))
  if (![1, 10, 11].includes(to) && !wholeSource(context)) {
    const sign = r.combine('Sub', r.combine('Less', fixed([0]), x), r.combine('Less', x, fixed([0])))
    return context.set(r.mul(r.map('Floor', r.map('Abs', x)), sign))
  }
  context.set(r.expand(x, x.dims))
}

/** Whether a value is made of whole numbers already. */
function wholeSource({ graph, node }: Context): boolean {
  const name = node.input[0] ?? ''
  const input = graph.inputs.find((value) => value.name === name)
  const made = graph.producer(name)?.opType ?? ''
  return (
    (input && input.type !== 'float32') ||
    ['ArgMax', 'ArgMin', 'Less', 'Greater', 'Equal', 'And', 'Or', 'Not'].includes(made)
  )
}

const argument = (sign: 1 | -1): Lowering =>
  real((r, context, x) => {
    const axis = axisOf(intAttribute(context.node, 'axis', 0), x.dims)
    if (intAttribute(context.node, 'select_last_index', 0)) throw unsupported('takes the last of equals')
    return asInferred(r, context, r.reduce('ArgMax', sign === 1 ? x : r.map('Neg', x), [axis]))
  })

const topK: Lowering = (context) => {
  const { node, program, name } = context
  const r = createReals(context)
  const x = realOperand(context, 0)
  const most = Number(context.constant(1)?.data[0] ?? Number.NaN)
  const count = x.dims.at(-1) ?? 1
  if (axisOf(intAttribute(node, 'axis', -1), x.dims) !== x.dims.length - 1 || !(most >= 1 && most <= count))
    throw unsupported('is over an axis that is not the last, or takes a number that is not constant')
  const sign = intAttribute(node, 'largest', 1) ? 1 : -1
  const dims = [...x.dims.slice(0, -1), most]
  const [values, indices] = [r.make(dims), r.make(dims)]
  program.emit('largest', name, {
    // It is used up there, so it must be a copy.
    src: r.times(x, sign).buffer,
    dst: values.buffer,
    indices: indices.buffer,
    rows: elementCount(x.dims) / count,
    count,
    most,
  })
  context.set(sign === 1 ? values : r.map('Neg', values))
  if (node.output[1]) context.set(indices, 1)
}

export const REAL_NODES: Readonly<Record<string, Lowering>> = {
  ...Object.fromEntries(
    Object.entries(REDUCED).map(([opType, reduce]) => [
      opType,
      real((r, context, x) => {
        const axes = reduceAxes(context, x.dims)
        return axes.length === 0 ? r.expand(x, x.dims) : asInferred(r, context, reduce(r, x, axes))
      }),
    ]),
  ),
  Softmax: real((r, context, x) => r.softmax(x, softmaxAxes(context, x.dims))),
  LogSoftmax: real((r, context, x) => {
    const axes = softmaxAxes(context, x.dims)
    const shifted = r.combine('Sub', x, r.reduce('Max', x, axes))
    return r.combine('Sub', shifted, r.map('Log', r.reduce('Sum', r.map('Exp', shifted), axes)))
  }),
  LayerNormalization: layerNorm,
  InstanceNormalization: real((r, context, x) => groupNorm(r, context, x, x.dims[1] ?? 1)),
  GroupNormalization: real((r, context, x) => groupNorm(r, context, x, intAttribute(context.node, 'num_groups', 1))),
  BatchNormalization: batchNorm,
  Cast: cast,
  ArgMax: argument(1),
  ArgMin: argument(-1),
  TopK: topK,
  GlobalMaxPool: real((r, _, x) => r.reduce('Max', x, axesFrom(2, x.dims))),
  Expand: real((r, context, x) => r.expand(x, context.dims(context.node.output[0] ?? ''))),
  LpNormalization: real((r, context, x) => {
    const axes = [axisOf(intAttribute(context.node, 'axis', -1), x.dims)]
    if (intAttribute(context.node, 'p', 2) !== 2) throw unsupported('is not by the square norm')
    return r.combine('Div', x, r.map('Sqrt', r.reduce('Sum', r.mul(x, x), axes)))
  }),
}

/** Matrices of values or constants; a bias goes along the columns. */
export function multiplyReals(context: Context, b: Operand, biasIndex: number): Real {
  const { node } = context
  const r = createReals(context)
  const a = realOperand(context, 0)
  if (a.dims.length < 2 || b.dims.length < 2) throw unsupported('multiplies vectors')
  const given = biasIndex >= 0 && node.input[biasIndex] ? realOperand(context, biasIndex) : undefined
  const columns = b.dims.at(-1) ?? 1
  if (given?.kind === 'fixed' && given.data.length === columns && given.dims.at(-1) === columns)
    return r.product(a, b, given, 'column')
  const product = r.product(a, b)
  return given ? r.add(product, given) : product
}
