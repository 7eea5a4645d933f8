import { floatAttribute, intAttribute } from '../attribute.ts'
import type { Constant } from '../constant.ts'
import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { onlyReader } from '../passes/batch-norm.ts'

/** How an operator is made to work on int8. */
export type Role =
  /** Constant weights (and bias) beside one activation. */
  | 'weighted'
  /** Activations in, an activation with a range of its own out. */
  | 'mixing'
  /** Moves or selects values: its output has the parameters of its input. */
  | 'moving'

const MIXING = new Set([
  'Add',
  'Sub',
  'Mul',
  'AveragePool',
  'GlobalAveragePool',
  'Concat',
  'Sigmoid',
  'HardSigmoid',
  'LeakyRelu',
  'HardSwish',
  'Tanh',
  'Resize',
  'Relu',
  'Clip',
  'ReduceMean',
])
const MOVING = new Set([
  'Reshape',
  'Flatten',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'MaxPool',
  'Slice',
  'Split',
  'DepthToSpace',
  'SpaceToDepth',
])
const WEIGHTED = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'])

const isFloatConstant = (constant: Constant | undefined): constant is Constant & { type: 'float32' } =>
  constant?.type === 'float32'

/** Weight, bias and axis of the output channels of a weighted node; undefined when they are not all constant. */
export function weightsOf(graph: Graph, node: NodeProto) {
  const weight = graph.constant(node.input[1] ?? '')
  const bias = graph.constant(node.input[2] ?? '')
  if (!isFloatConstant(weight) || (node.input[2] && !isFloatConstant(bias))) return undefined
  if (graph.constant(node.input[0] ?? '')) return undefined
  const rank = weight.dims.length
  if (node.opType === 'Gemm') {
    const plain = floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1
    if (!plain || intAttribute(node, 'transA', 0) || rank !== 2) return undefined
  }
  if (node.opType === 'MatMul' && rank !== 2) return undefined
  // Grouped transposed convolutions spread their output channels over two axes: no per-channel scale fits.
  if (node.opType === 'ConvTranspose' && intAttribute(node, 'group', 1) !== 1) return undefined
  const axis = { Conv: 0, ConvTranspose: 1, Gemm: intAttribute(node, 'transB', 0) ? 0 : 1 }[node.opType] ?? rank - 1
  if (bias && bias.data.length !== weight.dims[axis]) return undefined
  return { weight, axis, ...(isFloatConstant(bias) && { bias }) }
}

export function roleOf(graph: Graph, node: NodeProto): Role | undefined {
  if (node.domain !== '' && node.domain !== 'ai.onnx') return undefined
  if (WEIGHTED.has(node.opType)) return weightsOf(graph, node) && 'weighted'
  if (MIXING.has(node.opType)) return 'mixing'
  if (node.opType === 'MaxPool' && node.output[1]) return undefined
  return MOVING.has(node.opType) ? 'moving' : undefined
}

/** Which inputs of a node are activations to quantise; shapes, scales, limits and weights are not. */
export function activationsOf(node: NodeProto): string[] {
  if (['Add', 'Sub', 'Mul', 'Concat'].includes(node.opType)) return node.input.filter(Boolean)
  return node.input.slice(0, 1)
}

/** The limits that a Relu or Clip clamps to; undefined for other nodes and for limits only known when run. */
export function clampOf(graph: Graph, node: NodeProto | undefined): { low: number; high: number } | undefined {
  if (node?.opType === 'Relu') return { low: 0, high: Number.POSITIVE_INFINITY }
  if (node?.opType !== 'Clip') return undefined
  const limit = (index: number, attribute: string, otherwise: number): number | undefined => {
    const name = node.input[index]
    if (!name) return floatAttribute(node, attribute, otherwise)
    const value = graph.constant(name)
    return value?.data.length === 1 ? Number(value.data[0]) : undefined
  }
  const low = limit(1, 'min', Number.NEGATIVE_INFINITY)
  const high = limit(2, 'max', Number.POSITIVE_INFINITY)
  return low === undefined || high === undefined ? undefined : { low, high }
}

/** A clamp that alone reads a weighted or mixing node: a candidate to vanish into the quantiser's saturation. */
export function clampAfter(graph: Graph, node: NodeProto): { node: NodeProto; low: number; high: number } | undefined {
  const reader = onlyReader(graph, node.output[0] ?? '')
  const clamp = clampOf(graph, reader)
  return reader && clamp && { node: reader, ...clamp }
}

/** The nodes to quantise, in order, with how; `keepFloat` names nodes (by first output) that stay as they are. */
export function chooseNodes(graph: Graph, keepFloat: ReadonlySet<string>): Map<NodeProto, Role> {
  const chosen = new Map<NodeProto, Role>()
  for (const node of graph.nodes) {
    const role = keepFloat.has(node.output[0] ?? '') ? undefined : roleOf(graph, node)
    if (role) chosen.set(node, role)
  }
  return worthwhile(graph, chosen)
}

/**
 * Quantising pays only around weights: mixing and moving nodes that no int8 value reaches or leaves are left float.
 * (A Softmax's Reshape after the last layer would only lose precision.)
 */
function worthwhile(graph: Graph, chosen: Map<NodeProto, Role>): Map<NodeProto, Role> {
  const kept = new Map(chosen)
  for (let changed = true; changed; ) {
    changed = false
    for (const [node, role] of kept) {
      if (role === 'weighted') continue
      const fed = activationsOf(node).some((name) => {
        const producer = graph.producer(name)
        return producer !== undefined && kept.has(producer)
      })
      const used = node.output.some((name) => graph.consumers(name).some((reader) => kept.has(reader)))
      if (fed || used) continue
      kept.delete(node)
      changed = true
    }
  }
  return kept
}
