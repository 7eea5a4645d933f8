import { floatAttribute, intAttribute, makeNode } from '../attribute.ts'
import type { Constant } from '../constant.ts'
import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import type { Pass } from './pass.ts'

const asFloats = (constant: Constant | undefined): Float32Array | undefined =>
  constant?.type === 'float32' ? constant.data : undefined

/** What a normalisation does to each channel once it no longer learns: `x * scale + shift`. */
export function affineOf(graph: Graph, node: NodeProto): { scale: Float64Array; shift: Float64Array } | undefined {
  const [gamma, beta, mean, variance] = node.input.slice(1, 5).map((name) => asFloats(graph.constant(name)))
  if (!gamma || !beta || !mean || !variance) return undefined
  const epsilon = floatAttribute(node, 'epsilon', 1e-5)
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt((variance[c] ?? 0) + epsilon))
  return { scale, shift: Float64Array.from(beta, (b, c) => b - (mean[c] ?? 0) * (scale[c] ?? 0)) }
}

/** The only reader of the only output; undefined when there are more, or the value leaves the graph. */
export function onlyReader(graph: Graph, name: string): NodeProto | undefined {
  const [reader, ...others] = graph.consumers(name)
  return others.length > 0 || graph.isOutput(name) ? undefined : reader
}

const isTraining = (node: NodeProto): boolean =>
  intAttribute(node, 'training_mode', 0) !== 0 || node.output.filter(Boolean).length > 1

/** Convolution then BatchNormalization becomes one convolution. */
export const foldBatchNorm: Pass = {
  name: 'batch normalisation into convolution',
  run(graph) {
    let count = 0
    for (const norm of graph.nodes.filter(({ opType }) => opType === 'BatchNormalization')) {
      const conv = graph.producer(norm.input[0] ?? '')
      if (!conv || !['Conv', 'ConvTranspose'].includes(conv.opType) || isTraining(norm)) continue
      const [x = '', weightName = '', biasName = ''] = conv.input
      const [convOutput = ''] = conv.output
      if (onlyReader(graph, convOutput) !== norm) continue
      const affine = affineOf(graph, norm)
      const weight = graph.constant(weightName)
      const bias = biasName === '' ? undefined : asFloats(graph.constant(biasName))
      if (!affine || weight?.type !== 'float32' || (biasName !== '' && !bias)) continue
      const group = intAttribute(conv, 'group', 1)
      const folded = scaleChannels(weight, affine.scale, conv.opType === 'ConvTranspose' ? group : undefined)
      if (!folded) continue
      const { scale, shift } = affine
      const newBias = Float32Array.from(shift, (s, c) => s + (bias?.[c] ?? 0) * (scale[c] ?? 0))
      const [output = ''] = norm.output
      const newWeightName = graph.freshName(`${output}_weight`)
      const newBiasName = graph.freshName(`${output}_bias`)
      graph.setConstant(newWeightName, folded)
      graph.setConstant(newBiasName, { type: 'float32', dims: [newBias.length], data: newBias })
      const merged = makeNode(conv.opType, [x, newWeightName, newBiasName], [output])
      merged.name = conv.name
      merged.attribute = conv.attribute
      graph.update({ remove: [conv, norm], add: [merged] })
      count++
    }
    graph.dropUnusedConstants()
    return count
  },
}

/** Weights times one factor an output channel: the first axis, or for a transposed convolution the second, group by group. */
function scaleChannels(
  weight: Constant & { type: 'float32' },
  scale: Float64Array,
  transposedGroups?: number,
): Constant | undefined {
  const { dims, data } = weight
  const outputs = transposedGroups === undefined ? (dims[0] ?? 0) : (dims[1] ?? 0) * transposedGroups
  if (outputs !== scale.length) return undefined
  const inner = dims.slice(2).reduce((product, n) => product * n, 1)
  const perGroup = dims[1] ?? 1
  const rowsPerGroup = (dims[0] ?? 1) / (transposedGroups ?? 1)
  const channelOf = (index: number): number => {
    const row = Math.floor(index / (inner * perGroup))
    if (transposedGroups === undefined) return row
    return Math.floor(row / rowsPerGroup) * perGroup + (Math.floor(index / inner) % perGroup)
  }
  return { type: 'float32', dims, data: data.map((w, i) => w * (scale[channelOf(i)] ?? 0)) }
}
