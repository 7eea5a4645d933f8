import { intAttribute, makeNode } from '../attribute.ts'
import type { Constant } from '../constant.ts'
import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { choosePeaks } from './peaks.ts'
import { quantiseWeights } from './weights.ts'

type Floats = Constant & { type: 'float32' }

/** Smaller weights gain nothing. */
export const LEAST_WEIGHTS = 1024

const floatsOf = (graph: Graph, name: string | undefined): Floats | undefined => {
  const constant = graph.constant(name ?? '')
  return constant?.type === 'float32' && constant.data.length >= LEAST_WEIGHTS ? constant : undefined
}

/** Tables that rows are taken from (embeddings) become int8 with a scale a row: only the rows taken become float. */
export function storeTables(graph: Graph): number {
  let changed = 0
  for (const node of graph.nodes.filter(({ opType }) => opType === 'Gather')) {
    const [name = '', indices = ''] = node.input
    const table = floatsOf(graph, name)
    // A table that also multiplies (tied to the output layer) is that one's to store.
    if (table?.dims.length !== 2 || intAttribute(node, 'axis', 0) !== 0) continue
    if (graph.consumers(name).some(({ opType }) => opType !== 'Gather')) continue
    const q = quantiseWeights(table, 0, 1, undefined, choosePeaks(table, 0))
    const [output = ''] = node.output
    const [stored, scales, rows, steps, wide] = ['int8', 'scale', 'rows', 'steps', 'wide'].map((part) =>
      graph.freshName(`${output}_${part}`),
    ) as [string, string, string, string, string]
    graph.update({
      remove: [node],
      constants: [
        [stored, q.weight],
        [scales, { type: 'float32', dims: [table.dims[0] ?? 0, 1], data: q.scale.data }],
      ],
      add: [
        makeNode('Gather', [stored, indices], [rows], { axis: 0 }),
        makeNode('Gather', [scales, indices], [steps], { axis: 0 }),
        makeNode('Cast', [rows], [wide], { to: 1 }),
        makeNode('Mul', [wide, steps], [output]),
      ],
    })
    changed++
  }
  return changed
}

const RECURRENT = new Set(['LSTM', 'GRU', 'RNN'])

/** Weights of recurrent nets are stored as int8 and widened when they are used: a quarter of the bytes, computed in float. */
export function storeRecurrent(graph: Graph): number {
  let changed = 0
  for (const node of graph.nodes.filter(({ opType }) => RECURRENT.has(opType))) {
    for (const index of [1, 2]) changed += storeInput(graph, node, index) ? 1 : 0
  }
  return changed
}

function storeInput(graph: Graph, node: NodeProto, index: number): boolean {
  const name = node.input[index] ?? ''
  const weight = floatsOf(graph, name)
  if (!weight) return false
  // [directions, gates, inputs]: a scale for each gate's row.
  const q = quantiseWeights(weight, 1, 1, undefined, choosePeaks(weight, 1))
  const [stored, scale, wide] = ['int8', 'scale', 'wide'].map((part) => graph.freshName(`${name}_${part}`)) as [
    string,
    string,
    string,
  ]
  graph.update({
    constants: [
      [stored, q.weight],
      [scale, q.scale],
    ],
    add: [makeNode('DequantizeLinear', [stored, scale], [wide], { axis: 1 })],
  })
  graph.replaceUses(name, wide)
  return true
}
