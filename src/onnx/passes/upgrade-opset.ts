import { floatAttribute, hasAttribute, intAttribute, intsAttribute, makeNode, subgraphs } from '../attribute.ts'
import { integers, scalar } from '../constant.ts'
import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { inferShapes, type Shapes } from '../shape.ts'
import type { Pass } from './pass.ts'

/** Per-channel scales need this version; what engines lower from is written in it. */
export const TARGET_OPSET = 13

/**
 * Operators that mean the same in every version from 7 to 13, or whose newer form only allows more. Others are handled
 * one by one below, or keep the model at its version.
 */
const UNCHANGED = new Set(
  'Abs Acos Add And ArgMax ArgMin Asin Atan AveragePool Cast Ceil Concat ConstantOfShape Conv ConvTranspose Cos DepthToSpace Div Elu Equal Erf Exp Expand Flatten Floor Gather Gemm GlobalAveragePool GlobalMaxPool Greater GRU HardSigmoid Identity LSTM RNN InstanceNormalization LRN LeakyRelu Less Log MatMul Max MaxPool Mean Min Mul Neg Not Or PRelu Pow ReduceL2 ReduceMax ReduceMean ReduceMin Relu Reshape Selu Shape Sigmoid Sign Sin Size Softplus Softsign SpaceToDepth Sqrt Sub Sum Tan Tanh Tile Transpose Where Xor'.split(
    ' ',
  ),
)

/** Rewrites one node; false when it does not mean the same in the target version. */
type Upgrade = (graph: Graph, node: NodeProto, from: number, shapes: Shapes) => boolean

const drop = (node: NodeProto, ...names: string[]): void => {
  node.attribute = node.attribute.filter(({ name }) => !names.includes(name))
}

/** An attribute of old becomes an input of new. */
function intsToInput(graph: Graph, node: NodeProto, attribute: string, index: number): void {
  const values = intsAttribute(node, attribute)
  if (!values) return
  const name = graph.freshName(`${node.output[0]}_${attribute}`)
  graph.setConstant(name, integers(values))
  while (node.input.length < index) node.input.push('')
  node.input[index] = name
  drop(node, attribute)
}

function floatToInput(graph: Graph, node: NodeProto, attribute: string, index: number): void {
  const value = floatAttribute(node, attribute, undefined)
  if (value === undefined) return
  const name = graph.freshName(`${node.output[0]}_${attribute}`)
  graph.setConstant(name, scalar(value))
  while (node.input.length < index) node.input.push('')
  node.input[index] = name
  drop(node, attribute)
}

/** Before 13 a Softmax worked on everything from its axis on, flattened: the same only on the last axis. */
const softmax: Upgrade = (_, node, from, shapes) => {
  if (from >= 13) return true
  const axis = intAttribute(node, 'axis', 1)
  const rank = shapes.get(node.input[0] ?? '')?.length
  if (rank === undefined || (axis !== -1 && axis !== rank - 1)) return false
  drop(node, 'axis')
  node.attribute.push(...makeNode('', [], [], { axis: -1 }).attribute)
  return true
}

const axesInput: Upgrade = (graph, node, from) => {
  if (from < 13) intsToInput(graph, node, 'axes', 1)
  return true
}

const UPGRADES: Readonly<Record<string, Upgrade>> = {
  Squeeze: axesInput,
  Unsqueeze: axesInput,
  ReduceSum: axesInput,
  Softmax: softmax,
  LogSoftmax: softmax,
  Split(graph, node, from) {
    if (from < 13) intsToInput(graph, node, 'split', 1)
    return true
  },
  Clip(graph, node, from) {
    if (from >= 11) return true
    floatToInput(graph, node, 'min', 1)
    floatToInput(graph, node, 'max', 2)
    return true
  },
  Pad(graph, node, from) {
    if (from >= 11) return true
    intsToInput(graph, node, 'pads', 1)
    floatToInput(graph, node, 'value', 2)
    return true
  },
  Slice(graph, node, from) {
    if (from >= 10) return true
    for (const [i, name] of ['starts', 'ends', 'axes'].entries()) intsToInput(graph, node, name, i + 1)
    return true
  },
  Dropout(_, node, from) {
    if (from < 12) drop(node, 'ratio')
    return true
  },
  // Training left the operator in 14; before 9 there was `spatial`, which only ever was 1.
  BatchNormalization: (_, node) => !hasAttribute(node, 'spatial') || intAttribute(node, 'spatial', 1) === 1,
  // From 11 on its grid is chosen by attributes; those of 10 have another default.
  Resize: (_graph, _node, from) => from >= 11,
}

const isForeign = ({ domain }: NodeProto): boolean => domain !== '' && domain !== 'ai.onnx'

/** Whether a node can be said in the target version, without changing it. */
const canUpgrade = (node: NodeProto): boolean =>
  subgraphs(node).length === 0 &&
  (isForeign(node) || UNCHANGED.has(node.opType) || node.opType in UPGRADES || node.opType === 'Constant')

/** Brings a model of opset 7-12 to 13. When one operator cannot be, nothing is changed. */
export const upgradeOpset: Pass = {
  name: 'upgrade opset',
  run(graph, { dims }) {
    const from = graph.opset()
    if (from >= TARGET_OPSET || from < 7) return 0
    const stuck = graph.nodes.find((node) => !canUpgrade(node))
    if (stuck) throw new Error(`${stuck.opType} of opset ${from} has no known form in ${TARGET_OPSET}`)
    const shapes = inferShapes(graph, dims)
    for (const node of graph.nodes) {
      const upgrade = UPGRADES[node.opType]
      if (!isForeign(node) && upgrade && !upgrade(graph, node, from, shapes))
        throw new Error(`${node.opType} "${node.name}" of opset ${from} does not mean the same in ${TARGET_OPSET}`)
    }
    graph.setOpset(TARGET_OPSET)
    return 1
  },
}
