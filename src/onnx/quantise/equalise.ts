import { intAttribute } from '../attribute.ts'
import { cloneGraph, type Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { onlyReader } from '../passes/batch-norm.ts'

/** What a positive factor passes through unchanged. */
const HOMOGENEOUS = new Set(['Relu', 'LeakyRelu', 'MaxPool', 'AveragePool', 'GlobalAveragePool'])
/** Each pair shifts what its neighbours see; so many rounds settle real nets. */
const ROUNDS = 4
/** Dead or wild channels are not blown up. */
const MOST = 64

interface Pair {
  readonly first: NodeProto
  readonly second: NodeProto
}

/**
 * Cross-layer equalisation (Nagel et al., 2019, section 4.1): where only a convolution reads another one, through nothing
 * but what a positive factor passes through, each channel's weights in both get the same span. The graph computes what it
 * did; its activations fill an int8 better. Undefined when there is no such pair. The given graph stays as it is.
 */
export function equalise(original: Graph): Graph | undefined {
  const graph = cloneGraph(original)
  const pairs = pairsOf(graph)
  if (pairs.length === 0) return undefined
  for (let round = 0; round < ROUNDS; round++) for (const pair of pairs) equalisePair(graph, pair)
  return graph
}

function pairsOf(graph: Graph): Pair[] {
  return graph.nodes.flatMap((first) => {
    if (!isConvolution(graph, first)) return []
    let second = onlyReader(graph, first.output[0] ?? '')
    while (second && HOMOGENEOUS.has(second.opType)) second = onlyReader(graph, second.output[0] ?? '')
    if (!second || !isConvolution(graph, second)) return []
    const channels = graph.constant(first.input[1] ?? '')?.dims[0] ?? 0
    const [outputs = 0, perGroup = 0] = graph.constant(second.input[1] ?? '')?.dims ?? []
    const group = intAttribute(second, 'group', 1)
    const fits = (group === 1 && perGroup === channels) || (group === channels && outputs === channels)
    return fits ? [{ first, second }] : []
  })
}

/** With weights of its own: shared ones would be scaled for another node too. */
function isConvolution(graph: Graph, node: NodeProto): boolean {
  const [, weight = '', bias = ''] = node.input
  return (
    node.opType === 'Conv' &&
    graph.constant(weight)?.type === 'float32' &&
    graph.consumers(weight).length === 1 &&
    (bias === '' || (graph.constant(bias)?.type === 'float32' && graph.consumers(bias).length === 1))
  )
}

function equalisePair(graph: Graph, { first, second }: Pair): void {
  const [, weightName = '', biasName = ''] = first.input
  const nextName = second.input[1] ?? ''
  const [weight, bias, next] = [weightName, biasName, nextName].map((name) => graph.constant(name))
  if (weight?.type !== 'float32' || next?.type !== 'float32') return
  const channels = weight.dims[0] ?? 0
  const size = weight.data.length / channels
  const rowOf = (i: number): number => Math.floor(i / size)
  // Which input channel a weight of the second works on: its column, or for a depthwise one its row.
  const inner = next.dims.slice(2).reduce((product, n) => product * n, 1)
  const perGroup = next.dims[1] ?? 1
  const isDepthwise = intAttribute(second, 'group', 1) !== 1
  const columnOf = (i: number): number => (isDepthwise ? Math.floor(i / inner) : Math.floor(i / inner) % perGroup)
  const [before, after] = [peaks(weight.data, channels, rowOf), peaks(next.data, channels, columnOf)]
  const factors = before.map((peak, c) => {
    const other = after[c] ?? 0
    if (peak === 0 || other === 0) return 1
    return Math.min(MOST, Math.max(1 / MOST, Math.sqrt(other / peak)))
  })
  const scaled = (data: Float32Array, factor: (i: number) => number) => data.map((value, i) => value * factor(i))
  graph.setConstant(weightName, { ...weight, data: scaled(weight.data, (i) => factors[rowOf(i)] ?? 1) })
  if (bias?.type === 'float32')
    graph.setConstant(biasName, { ...bias, data: scaled(bias.data, (i) => factors[i] ?? 1) })
  graph.setConstant(nextName, { ...next, data: scaled(next.data, (i) => 1 / (factors[columnOf(i)] ?? 1)) })
}

function peaks(data: Float32Array, channels: number, channelOf: (i: number) => number): Float64Array {
  const most = new Float64Array(channels)
  data.forEach((value, i) => {
    const channel = channelOf(i)
    most[channel] = Math.max(most[channel] ?? 0, Math.abs(value))
  })
  return most
}
