import { JikoError } from '../../protocol/error.ts'
import { makeNode } from '../attribute.ts'
import { cloneGraph, type Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { choosePeaks } from './peaks.ts'
import { weightsOf } from './plan.ts'
import { LEAST_WEIGHTS, storeRecurrent, storeTables } from './stored.ts'
import { asMatrix, quantiseWeights } from './weights.ts'

/** The version of `DynamicQuantizeLinear`. */
const LEAST_OPSET = 11

/**
 * Dynamic int8 for what has no fixed ranges (transformers, recurrent nets): weights of MatMul and Gemm become int8 per
 * column, the other side is quantised at each run by its own range. Embeddings and recurrent weights are stored as int8 and
 * widened where they are used. Needs no calibration. Written in standard operators,
 * which onnxruntime fuses into one kernel. The given graph stays as it is.
 * @throws JikoError `model/opset`, `model/nothing-to-quantise`
 */
export function quantiseDynamic(original: Graph, keepFloat: ReadonlySet<string> = new Set()): Graph {
  if (original.opset() < LEAST_OPSET) {
    throw new JikoError('model/opset', `The model uses opset ${original.opset()}; dynamic int8 needs ${LEAST_OPSET}.`)
  }
  const graph = cloneGraph(original)
  // One input can feed several products (query, key, value): it is quantised once.
  const inputs = new Map<string, QuantisedInput>()
  let changed = 0
  for (const node of graph.nodes) {
    if (keepFloat.has(node.output[0] ?? '') || !['MatMul', 'Gemm'].includes(node.opType)) continue
    const parts = weightsOf(graph, node)
    if (!parts || parts.weight.data.length < LEAST_WEIGHTS) continue
    const [name = ''] = node.input
    const input = inputs.get(name) ?? quantiseInput(graph, name)
    inputs.set(name, input)
    replace(graph, node, input, parts)
    changed++
  }
  changed += storeTables(graph) + storeRecurrent(graph)
  if (changed === 0) {
    throw new JikoError(
      'model/nothing-to-quantise',
      'The model has no MatMul, Gemm, Gather, LSTM or GRU with constant float weights worth quantising.',
    )
  }
  graph.dropUnusedConstants()
  return graph
}

interface QuantisedInput {
  readonly steps: string
  readonly scale: string
  readonly zero: string
}

function quantiseInput(graph: Graph, name: string): QuantisedInput {
  const [steps, scale, zero] = ['uint8', 'scale', 'zero'].map((part) => graph.freshName(`${name}_${part}`))
  const names = { steps: steps ?? '', scale: scale ?? '', zero: zero ?? '' }
  graph.update({ add: [makeNode('DynamicQuantizeLinear', [name], [names.steps, names.scale, names.zero])] })
  return names
}

function replace(
  graph: Graph,
  node: NodeProto,
  input: QuantisedInput,
  { weight, axis, bias }: NonNullable<ReturnType<typeof weightsOf>>,
): void {
  const matrix = asMatrix(weight, axis)
  const q = quantiseWeights(matrix, 1, 1, undefined, choosePeaks(matrix, 1))
  const [output = ''] = node.output
  const fresh = (part: string): string => graph.freshName(`${output}_${part}`)
  const names = {
    weight: fresh('int8'),
    scale: fresh('scale'),
    product: fresh('int32'),
    float: fresh('product'),
    both: fresh('scales'),
  }
  const scaled = bias ? fresh('scaled') : output
  graph.update({
    remove: [node],
    constants: [
      [names.weight, q.weight],
      [names.scale, q.scale],
    ],
    add: [
      makeNode('MatMulInteger', [input.steps, names.weight, input.zero], [names.product]),
      makeNode('Cast', [names.product], [names.float], { to: 1 }),
      makeNode('Mul', [input.scale, names.scale], [names.both]),
      makeNode('Mul', [names.float, names.both], [scaled]),
      ...(bias ? [makeNode('Add', [scaled, node.input[2] ?? ''], [output])] : []),
    ],
  })
}
