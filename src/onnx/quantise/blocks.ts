import { create } from '@bufbuild/protobuf'
import { JikoError } from '../../protocol/error.ts'
import { makeNode } from '../attribute.ts'
import type { Constant } from '../constant.ts'
import { cloneGraph, type Graph } from '../graph.ts'
import { type NodeProto, OperatorSetIdProtoSchema } from '../onnx_pb.ts'
import { largestOf } from './apply.ts'
import { roundEven } from './parameters.ts'
import { weightsOf } from './plan.ts'
import { LEAST_WEIGHTS, storeRecurrent, storeTables } from './stored.ts'
import { asMatrix } from './weights.ts'

/** onnxruntime's own operators. */
const DOMAIN = 'com.microsoft'
/** Weights that share a scale. */
const BLOCK = 32
/** Nibbles are stored as value + 8. */
const ZERO = 8

/**
 * Weight-only 4 bits in blocks for the large products of language models: `MatMulNBits`, which onnxruntime computes
 * without ever widening all weights. In 3 bits the nibbles take 7 values only, and deflate smaller. Needs no calibration.
 * The given graph stays as it is.
 * @throws JikoError `model/nothing-to-quantise`
 */
export function quantiseBlocks(original: Graph, bits: number): Graph {
  const graph = cloneGraph(original)
  let changed = 0
  for (const node of graph.nodes) {
    if (!['MatMul', 'Gemm'].includes(node.opType)) continue
    const parts = weightsOf(graph, node)
    if (!parts || parts.weight.data.length < LEAST_WEIGHTS) continue
    replace(graph, node, asMatrix(parts.weight, parts.axis), bits)
    changed++
  }
  if (changed === 0)
    throw new JikoError(
      'model/nothing-to-quantise',
      'The model has no MatMul or Gemm with constant float weights worth storing in blocks.',
    )
  storeTables(graph)
  storeRecurrent(graph)
  const opsets = graph.model.opsetImport
  if (!opsets.some(({ domain }) => domain === DOMAIN))
    opsets.push(create(OperatorSetIdProtoSchema, { domain: DOMAIN, version: 1n }))
  graph.dropUnusedConstants()
  return graph
}

function replace(graph: Graph, node: NodeProto, matrix: Constant & { type: 'float32' }, bits: number): void {
  const [K = 0, N = 0] = matrix.dims
  const [output = ''] = node.output
  const bias = node.opType === 'Gemm' ? node.input[2] : undefined
  const [stored, scales, product] = ['blocks', 'scales', 'product'].map((part) =>
    graph.freshName(`${output}_${part}`),
  ) as [string, string, string]
  const packed = packBlocks(matrix, largestOf(bits))
  const made = makeNode('MatMulNBits', [node.input[0] ?? '', stored, scales], [bias ? product : output], {
    K,
    N,
    bits: 4,
    block_size: BLOCK,
  })
  made.domain = DOMAIN
  graph.update({
    remove: [node],
    constants: [
      [stored, packed.stored],
      [scales, packed.scales],
    ],
    add: [made, ...(bias ? [makeNode('Add', [product, bias], [output])] : [])],
  })
}

/** Columns of the matrix in blocks along its rows: [columns, blocks, bytes], the earlier value in the lower half of a byte. */
function packBlocks({ dims, data }: Constant & { type: 'float32' }, most: number) {
  const [K = 0, N = 0] = dims
  const blocks = Math.ceil(K / BLOCK)
  const stored = new Uint8Array((N * blocks * BLOCK) / 2).fill((ZERO << 4) | ZERO)
  const scales = new Float32Array(N * blocks)
  for (let column = 0; column < N; column++) {
    for (let block = 0; block < blocks; block++) {
      const [from, to] = [block * BLOCK, Math.min(K, (block + 1) * BLOCK)]
      const value = (k: number): number => data[k * N + column] ?? 0
      const scale = leastErrorScale(from, to, value, most)
      const at = column * blocks + block
      scales[at] = scale
      for (let k = from; k < to; k++) {
        const q = ZERO + step(value(k), scale, most)
        const byte = (at * BLOCK + (k - from)) >> 1
        const old = stored[byte] ?? 0
        stored[byte] = (k - from) % 2 === 0 ? (old & 0xf0) | q : (old & 0x0f) | (q << 4)
      }
    }
  }
  return {
    stored: { type: 'uint8', dims: [N, blocks, BLOCK / 2], data: stored },
    scales: { type: 'float32', dims: [N * blocks], data: scales },
  } as const
}

const step = (value: number, scale: number, most: number): number =>
  Math.max(-most, Math.min(most, roundEven(value / scale)))

/** Clipping the largest weight of a block a little makes the others' steps finer. */
function leastErrorScale(from: number, to: number, value: (k: number) => number, most: number): number {
  let peak = 0
  for (let k = from; k < to; k++) peak = Math.max(peak, Math.abs(value(k)))
  if (peak === 0) return 1
  let best = { scale: peak / most, error: Number.POSITIVE_INFINITY }
  for (let pull = 1; pull > 0.6; pull -= 0.05) {
    const scale = (pull * peak) / most
    let error = 0
    for (let k = from; k < to; k++) error += (step(value(k), scale, most) * scale - value(k)) ** 2
    if (error < best.error) best = { scale, error }
  }
  return best.scale
}
