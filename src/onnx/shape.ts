import { elementCount } from '../protocol/dims.ts'
import { intAttribute, intsAttribute, stringAttribute } from './attribute.ts'
import type { Graph } from './graph.ts'
import type { NodeProto } from './onnx_pb.ts'

export type Dims = readonly number[]
export type Shapes = Map<string, Dims>

/** What a rule sees: dims of each input (undefined where unknown) and constant integers of an input. */
interface Context {
  node: NodeProto
  in: readonly (Dims | undefined)[]
  integers(index: number): number[] | undefined
  opset: number
}

/** Dims of each output; undefined where they cannot be told. */
type Rule = (context: Context) => readonly (Dims | undefined)[] | undefined

const same: Rule = ({ in: [x] }) => [x]

/** NumPy's rule; undefined when the shapes do not go together. */
export function broadcast(a: Dims, b: Dims): Dims | undefined {
  const rank = Math.max(a.length, b.length)
  const out: number[] = []
  for (let i = 0; i < rank; i++) {
    const x = a[i - rank + a.length] ?? 1
    const y = b[i - rank + b.length] ?? 1
    if (x !== y && x !== 1 && y !== 1) return undefined
    out.push(x === 1 ? y : x)
  }
  return out
}

const elementwise: Rule = ({ in: inputs }) => {
  let dims: Dims | undefined = []
  for (const input of inputs) dims = dims && input && broadcast(dims, input)
  return [dims]
}

/** Begin and end padding of each spatial axis, with `auto_pad` worked out. */
export function spatialPads(
  node: NodeProto,
  size: Dims,
  kernel: Dims,
  strides: Dims,
  dilations: Dims,
): { begin: number[]; end: number[] } {
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET')
  const given = intsAttribute(node, 'pads') ?? size.flatMap(() => [0, 0])
  if (auto === 'NOTSET' || auto === '')
    return { begin: given.slice(0, size.length), end: given.slice(size.length, 2 * size.length) }
  const totals = size.map((n, i) => {
    if (auto === 'VALID') return 0
    const stride = strides[i] ?? 1
    const span = ((kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1
    return Math.max(0, (Math.ceil(n / stride) - 1) * stride + span - n)
  })
  const small = totals.map((total) => Math.floor(total / 2))
  const large = totals.map((total, i) => total - (small[i] ?? 0))
  return auto === 'SAME_LOWER' ? { begin: large, end: small } : { begin: small, end: large }
}

function window(node: NodeProto, x: Dims, kernel: Dims): number[] {
  const size = x.slice(2)
  const ones = size.map(() => 1)
  const strides = intsAttribute(node, 'strides') ?? ones
  const dilations = intsAttribute(node, 'dilations') ?? ones
  const { begin, end } = spatialPads(node, size, kernel, strides, dilations)
  const round = intAttribute(node, 'ceil_mode', 0) ? Math.ceil : Math.floor
  return size.map((n, i) => {
    const span = ((kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1
    return round((n + (begin[i] ?? 0) + (end[i] ?? 0) - span) / (strides[i] ?? 1)) + 1
  })
}

const conv: Rule = ({ node, in: [x, w] }) => {
  if (!x || !w || x.length !== w.length || x.length < 3) return undefined
  return [[x[0] ?? 1, w[0] ?? 1, ...window(node, x, intsAttribute(node, 'kernel_shape') ?? w.slice(2))]]
}

const pool: Rule = ({ node, in: [x] }) => {
  const kernel = intsAttribute(node, 'kernel_shape')
  if (!x || !kernel || x.length < 3) return undefined
  return [[x[0] ?? 1, x[1] ?? 1, ...window(node, x, kernel)]]
}

const matMul: Rule = ({ in: [a, b] }) => {
  if (!a || !b || a.length < 2 || b.length < 2) return undefined
  const batch = broadcast(a.slice(0, -2), b.slice(0, -2))
  return [batch && [...batch, a.at(-2) ?? 1, b.at(-1) ?? 1]]
}

const gemm: Rule = ({ node, in: [a, b] }) => {
  if (a?.length !== 2 || b?.length !== 2) return undefined
  const rows = a[intAttribute(node, 'transA', 0) ? 1 : 0] ?? 1
  return [[rows, b[intAttribute(node, 'transB', 0) ? 0 : 1] ?? 1]]
}

const reshape: Rule = ({ node, in: [x], integers }) => {
  const wanted = integers(1)
  if (!wanted || !x) return undefined
  const dims = wanted.map((n, i) => (n === 0 && !intAttribute(node, 'allowzero', 0) ? (x[i] ?? 0) : n))
  const rest = elementCount(dims.filter((n) => n !== -1))
  return [dims.map((n) => (n === -1 ? elementCount(x) / rest : n))]
}

const flatten: Rule = ({ node, in: [x] }) => {
  if (!x) return undefined
  const axis = intAttribute(node, 'axis', 1)
  const at = axis < 0 ? axis + x.length : axis
  return [[elementCount(x.slice(0, at)), elementCount(x.slice(at))]]
}

const transpose: Rule = ({ node, in: [x] }) => {
  const order = intsAttribute(node, 'perm') ?? x?.map((_, i) => x.length - 1 - i)
  return [x && order?.map((from) => x[from] ?? 1)]
}

const concat: Rule = ({ node, in: inputs }) => {
  const first = inputs[0]
  if (!first || inputs.some((dims) => dims?.length !== first.length)) return undefined
  const axis = intAttribute(node, 'axis', 0)
  const at = axis < 0 ? axis + first.length : axis
  return [first.map((n, i) => (i === at ? inputs.reduce((sum, dims) => sum + (dims?.[i] ?? 0), 0) : n))]
}

const axesOf = ({ node, integers }: Context, index = 1): number[] | undefined =>
  intsAttribute(node, 'axes') ?? integers(index)

const reduce: Rule = (context) => {
  const [x] = context.in
  if (!x) return undefined
  const given = axesOf(context)
  if (!given && context.node.input[1]) return undefined
  if ((!given || given.length === 0) && intAttribute(context.node, 'noop_with_empty_axes', 0)) return [x]
  const axes = new Set((given?.length ? given : x.map((_, i) => i)).map((axis) => (axis < 0 ? axis + x.length : axis)))
  return [
    intAttribute(context.node, 'keepdims', 1)
      ? x.map((n, i) => (axes.has(i) ? 1 : n))
      : x.filter((_, i) => !axes.has(i)),
  ]
}

const squeeze: Rule = (context) => {
  const [x] = context.in
  if (!x) return undefined
  const axes = axesOf(context)?.map((axis) => (axis < 0 ? axis + x.length : axis))
  return [x.filter((n, i) => (axes ? !axes.includes(i) : n !== 1))]
}

const unsqueeze: Rule = (context) => {
  const [x] = context.in
  const axes = axesOf(context)
  if (!x || !axes) return undefined
  const rank = x.length + axes.length
  const at = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)))
  const rest = [...x]
  return [Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : (rest.shift() ?? 1)))]
}

const pad: Rule = ({ node, in: [x], integers }) => {
  const pads = intsAttribute(node, 'pads') ?? integers(1)
  if (!x || pads?.length !== 2 * x.length) return undefined
  return [x.map((n, i) => n + (pads[i] ?? 0) + (pads[i + x.length] ?? 0))]
}

const slice: Rule = ({ node, in: [x], integers }) => {
  const starts = intsAttribute(node, 'starts') ?? integers(1)
  const ends = intsAttribute(node, 'ends') ?? integers(2)
  if (!x || !starts || !ends) return undefined
  const axes = intsAttribute(node, 'axes') ?? (node.input[3] ? integers(3) : starts.map((_, i) => i))
  const steps = node.input[4] ? integers(4) : starts.map(() => 1)
  if (!axes || !steps) return undefined
  const dims = [...x]
  axes.forEach((axis, i) => {
    const at = axis < 0 ? axis + x.length : axis
    const n = x[at] ?? 0
    const step = steps[i] ?? 1
    const place = (value: number): number => (value < 0 ? value + n : value)
    const [low, high] = step > 0 ? [0, n] : [-1, n - 1]
    const from = Math.min(Math.max(place(starts[i] ?? 0), 0), high)
    const to = Math.min(Math.max(place(ends[i] ?? n), low), high)
    dims[at] = Math.max(0, Math.ceil((to - from) / step))
  })
  return [dims]
}

const gather: Rule = ({ node, in: [x, indices] }) => {
  if (!x || !indices) return undefined
  const axis = intAttribute(node, 'axis', 0)
  const at = axis < 0 ? axis + x.length : axis
  return [[...x.slice(0, at), ...indices, ...x.slice(at + 1)]]
}

const globalPool: Rule = ({ in: [x] }) => [x?.map((n, i) => (i < 2 ? n : 1))]

const split: Rule = ({ node, in: [x], integers }) => {
  if (!x) return undefined
  const axis = intAttribute(node, 'axis', 0)
  const at = axis < 0 ? axis + x.length : axis
  const count = node.output.length
  const part = Math.ceil((x[at] ?? 0) / count)
  const sizes =
    intsAttribute(node, 'split') ??
    (node.input[1] ? integers(1) : node.output.map((_, i) => Math.min(part, (x[at] ?? 0) - i * part)))
  return sizes?.map((size) => x.map((n, i) => (i === at ? size : n)))
}

const resize: Rule = ({ node, in: [x], integers, opset }) => {
  if (!x) return undefined
  const sizes = opset >= 11 && node.input[3] ? integers(3) : undefined
  if (sizes?.length === x.length) return [sizes]
  const scales = integers(opset >= 11 ? 2 : 1)
  return scales?.length === x.length ? [x.map((n, i) => Math.floor(n * (scales[i] ?? 1)))] : undefined
}

const depthToSpace: Rule = ({ node, in: [x] }) => {
  const size = intAttribute(node, 'blocksize', 1)
  const [n = 0, channels = 0, height = 0, width = 0] = x ?? []
  return x?.length === 4 ? [[n, channels / size ** 2, height * size, width * size]] : undefined
}

const spaceToDepth: Rule = ({ node, in: [x] }) => {
  const size = intAttribute(node, 'blocksize', 1)
  const [n = 0, channels = 0, height = 0, width = 0] = x ?? []
  return x?.length === 4 ? [[n, channels * size ** 2, height / size, width / size]] : undefined
}

const convTranspose: Rule = ({ node, in: [x, w] }) => {
  if (!x || !w || x.length !== w.length || x.length < 3 || intsAttribute(node, 'output_shape')) return undefined
  const auto = stringAttribute(node, 'auto_pad', 'NOTSET')
  if (auto !== 'NOTSET' && auto !== 'VALID') return undefined
  const size = x.slice(2)
  const given = (name: string, otherwise: number): Dims => intsAttribute(node, name) ?? size.map(() => otherwise)
  const [strides, dilations, extra] = [given('strides', 1), given('dilations', 1), given('output_padding', 0)]
  const pads = intsAttribute(node, 'pads') ?? [...size, ...size].map(() => 0)
  const out = size.map((n, i) => {
    const span = ((w[i + 2] ?? 1) - 1) * (dilations[i] ?? 1) + 1
    return (n - 1) * (strides[i] ?? 1) + span + (extra[i] ?? 0) - (pads[i] ?? 0) - (pads[i + size.length] ?? 0)
  })
  return [[x[0] ?? 1, (w[1] ?? 1) * intAttribute(node, 'group', 1), ...out]]
}

/** Every step's state, then the last one's: [length, directions, batch, hidden], [directions, batch, hidden]. */
const recurrent: Rule = ({ node, in: [x, , r] }) => {
  if (x?.length !== 3 || r?.length !== 3 || intAttribute(node, 'layout', 0)) return undefined
  const [length = 1, batch = 1] = x
  const last = [r[0] ?? 1, batch, r[2] ?? 1]
  return [[length, r[0] ?? 1, batch, r[2] ?? 1], last, last]
}

const dynamicQuantize: Rule = ({ in: [x] }) => [x, [], []]

const argument: Rule = ({ node, in: [x] }) => {
  const axis = intAttribute(node, 'axis', 0)
  const at = x && axis < 0 ? axis + x.length : axis
  return [intAttribute(node, 'keepdims', 1) ? x?.map((n, i) => (i === at ? 1 : n)) : x?.filter((_, i) => i !== at)]
}

const topK: Rule = ({ node, in: [x], integers }) => {
  const [most] = integers(1) ?? []
  const axis = intAttribute(node, 'axis', -1)
  const dims = most === undefined ? undefined : x?.map((n, i) => (i === (axis < 0 ? axis + x.length : axis) ? most : n))
  return [dims, dims]
}

const expand: Rule = ({ in: [x], integers }) => {
  const to = integers(1)
  return [x && to && broadcast(x, to)]
}

const table = (rule: Rule, names: string): [string, Rule][] => names.split(' ').map((name) => [name, rule])

const RULES = new Map<string, Rule>([
  ...table(
    same,
    'Abs Acos Asin Atan BatchNormalization Cast Ceil Celu Clip Cos CumSum DequantizeLinear Elu Erf Exp FakeQuantize Floor Gelu GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsNaN LayerNormalization LeakyRelu Log LogSoftmax LpNormalization LRN MeanVarianceNormalization Mish Neg Not QuantizeLinear Reciprocal Relu Round Selu Sigmoid Sign Sin Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Dropout',
  ),
  ...table(
    elementwise,
    'Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow PRelu Sub Sum Where Xor',
  ),
  ...table(pool, 'MaxPool AveragePool LpPool'),
  ...table(globalPool, 'GlobalAveragePool GlobalMaxPool'),
  ...table(
    reduce,
    'ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp',
  ),
  ...table(recurrent, 'LSTM GRU RNN'),
  ['Conv', conv],
  ['MatMul', matMul],
  ['MatMulInteger', matMul],
  ['DynamicQuantizeLinear', dynamicQuantize],
  ...table(argument, 'ArgMax ArgMin'),
  ['TopK', topK],
  ['Gemm', gemm],
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Pad', pad],
  ['Slice', slice],
  ['Gather', gather],
  ['Split', split],
  ['Resize', resize],
  ['DepthToSpace', depthToSpace],
  ['SpaceToDepth', spaceToDepth],
  ['ConvTranspose', convTranspose],
  ['Expand', expand],
])

const isStatic = (dims: readonly unknown[] | undefined): dims is Dims =>
  dims?.every((n) => typeof n === 'number' && Number.isSafeInteger(n) && n >= 0) ?? false

/**
 * Static dims of every value that they can be told for. What the model itself says of its inner values is used only
 * where no rule applies.
 * @param fixed dims of inputs, for those that the model leaves open.
 */
export function inferShapes(graph: Graph, fixed: Readonly<Record<string, Dims>> = {}): Shapes {
  const shapes: Shapes = new Map()
  const learn = (name: string, dims: readonly unknown[] | undefined): void => {
    if (name !== '' && isStatic(dims)) shapes.set(name, dims)
  }
  for (const { name, dims } of graph.inputs) learn(name, fixed[name] ?? dims)
  for (const name of graph.constants) learn(name, graph.constant(name)?.dims)
  const said = new Map(
    [...(graph.model.graph?.valueInfo ?? []), ...(graph.model.graph?.output ?? [])].map(({ name, type }) => [
      name,
      type?.value.case === 'tensorType'
        ? type.value.value.shape?.dim.map(({ value }) => (value.case === 'dimValue' ? Number(value.value) : null))
        : undefined,
    ]),
  )
  for (const node of graph.nodes) {
    const rule = node.domain === '' || node.domain === 'ai.onnx' ? RULES.get(node.opType) : undefined
    const [output = ''] = node.output
    if (node.opType === 'Constant') learn(output, graph.constant(output)?.dims)
    const found = rule?.({
      node,
      in: node.input.map((name) => shapes.get(name)),
      integers: (index) => {
        const value = graph.constant(node.input[index] ?? '')
        return value && Array.from<number | bigint, number>(value.data as ArrayLike<number | bigint>, Number)
      },
      opset: graph.opset(),
    })
    node.output.forEach((name, i) => {
      learn(name, found?.[i])
      if (!shapes.has(name)) learn(name, said.get(name))
    })
  }
  return shapes
}
