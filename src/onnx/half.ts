import { intAttribute, makeNode } from './attribute.ts'
import { floats } from './constant.ts'
import { cloneGraph, type Graph } from './graph.ts'
import { TensorProto_DataType as DataType } from './onnx_pb.ts'

const bits = new DataView(new ArrayBuffer(4))

/** The nearest float16, ties to even, as its bits. Too large becomes infinite, too small zero, as IEEE 754 has it. */
export function toHalf(value: number): number {
  bits.setFloat32(0, value)
  const word = bits.getUint32(0)
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  // Below 2^-14 the step is fixed: count steps of 2^-24.
  if (magnitude < 0x38800000) return sign | roundEven(Math.abs(value) * 2 ** 24)
  // Rebias the exponent, then round off 13 bits; a carry runs into the exponent, which is right.
  const rebiased = magnitude - 0x38000000
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13)
}

function roundEven(x: number): number {
  const floor = Math.floor(x)
  const rest = x - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}

/** The value of a float16, exactly. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1
  const exponent = (half >> 10) & 31
  const fraction = half & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25))
}

const LARGEST_HALF = 65504
/** Smaller constants stay as they are: the Cast would cost more than it saves. */
const LEAST_ELEMENTS = 64

/**
 * Weights stored as float16 and widened when the model is loaded: half the bytes, nearly the same answers, the speed of
 * float. Constants that float16 cannot hold stay float32. The given graph stays as it is.
 */
export function storeAsHalf(original: Graph): Graph {
  const graph = cloneGraph(original)
  for (const name of graph.constants) {
    const constant = graph.constant(name)
    if (constant?.type !== 'float32' || constant.data.length < LEAST_ELEMENTS) continue
    if (!constant.data.every((value) => Math.abs(value) <= LARGEST_HALF)) continue
    const stored = graph.freshName(`${name}_half`)
    const wide = graph.freshName(`${name}_wide`)
    // As one step: a name that is read must be made.
    graph.update({
      add: [makeNode('Cast', [stored], [wide], { to: 1 }, '')],
      constants: [[stored, { type: 'float16', dims: constant.dims, data: Uint16Array.from(constant.data, toHalf) }]],
    })
    graph.replaceUses(name, wide)
  }
  graph.dropUnusedConstants()
  return graph
}

/**
 * The other way: what is stored as float16 and widened by a Cast becomes the float32 that the Cast gives, exactly. For whoever
 * knows no float16; thirteen bits of each are zero, so that they deflate to little more. The given graph stays as it is.
 */
export function widenHalves(original: Graph): Graph {
  const widened = (graph: Graph) =>
    graph.nodes.flatMap((node) => {
      const [from = '', to = ''] = [node.input[0], node.output[0]]
      const constant = node.opType === 'Cast' ? graph.constant(from) : undefined
      if (constant?.type !== 'float16' || intAttribute(node, 'to', 0) !== DataType.FLOAT || graph.isOutput(to))
        return []
      return [{ node, to, constant }]
    })
  if (widened(original).length === 0) return original
  const graph = cloneGraph(original)
  const casts = widened(graph)
  graph.update({
    remove: casts.map(({ node }) => node),
    constants: casts.map(({ to, constant: { dims, data } }) => [to, floats(dims, Float32Array.from(data, fromHalf))]),
  })
  graph.dropUnusedConstants()
  return graph
}
