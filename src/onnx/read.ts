import { fromBinary } from '@bufbuild/protobuf'
import { JikoError } from '../protocol/error.ts'
import { subgraphs } from './attribute.ts'
import { checkTensor } from './constant.ts'
import { copyMessage } from './copy.ts'
import {
  type GraphProto,
  TensorProto_DataLocation as Location,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
  TensorProtoSchema,
} from './onnx_pb.ts'

/** Gives the bytes of a file of external data beside the model; undefined when there is none of that name. */
export type ReadExternal = (path: string) => Uint8Array | undefined

/** Graphs inside graphs deeper than this are not a model but an attack. */
const MAX_DEPTH = 16

/** Node's Buffer is a Uint8Array whose `slice` does not copy. */
const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function entry(tensor: TensorProto, key: string): string | undefined {
  return tensor.externalData.find((pair) => pair.key === key)?.value
}

/** A path that stays in the model's folder. */
const isInner = (path: string): boolean => path !== '' && !/^[/\\]|^[A-Za-z]:|(^|[/\\])\.\.([/\\]|$)|\0/.test(path)

function embed(tensor: TensorProto, external: ReadExternal | undefined): TensorProto {
  if (tensor.dataLocation !== Location.EXTERNAL) return tensor
  const path = entry(tensor, 'location') ?? ''
  const where = `The weights of "${tensor.name.slice(0, 80)}" are in "${path.slice(0, 80)}"`
  if (!isInner(path)) throw new JikoError('model/bad-tensor', `${where}, which is outside the model's folder; refused.`)
  const file = external?.(path)
  if (!file) throw new JikoError('model/missing-weights', `${where}, which is not there; put it beside the model.`)
  const offset = Number(entry(tensor, 'offset') ?? 0)
  const length = Number(entry(tensor, 'length') ?? file.length - offset)
  if (![offset, length].every((n) => Number.isSafeInteger(n) && n >= 0) || offset + length > file.length)
    throw new JikoError(
      'model/bad-tensor',
      `${where} at ${offset} + ${length}, but that file has ${file.length} bytes.`,
    )
  return copyMessage(TensorProtoSchema, tensor, {
    rawData: plain(file).subarray(offset, offset + length),
    externalData: [],
    dataLocation: Location.DEFAULT,
  })
}

function checkNodes(nodes: readonly NodeProto[], external: ReadExternal | undefined, depth: number): void {
  for (const node of nodes) {
    for (const attribute of node.attribute) {
      if (attribute.t) attribute.t = embed(attribute.t, external)
      for (const tensor of attribute.t ? [attribute.t, ...attribute.tensors] : attribute.tensors) checkTensor(tensor)
    }
    for (const graph of subgraphs(node)) checkGraph(graph, external, depth + 1)
  }
}

function checkGraph(graph: GraphProto, external: ReadExternal | undefined, depth = 0): void {
  if (depth > MAX_DEPTH) throw new JikoError('model/bad-graph', `The model nests graphs more than ${MAX_DEPTH} deep.`)
  graph.initializer = graph.initializer.map((tensor) => embed(tensor, external))
  graph.initializer.forEach(checkTensor)
  checkNodes(graph.node, external, depth)
}

/**
 * Reads and checks an ONNX file: every tensor has the bytes its shape needs, external data is brought in.
 * The result shares memory with `bytes` and with the external files.
 * @throws JikoError `model/unreadable` (not ONNX, truncated), `model/bad-graph`, `model/bad-tensor`, `model/missing-weights`
 */
export function readModel(bytes: Uint8Array, external?: ReadExternal): ModelProto {
  let model: ModelProto
  try {
    model = fromBinary(ModelProtoSchema, plain(bytes))
  } catch (cause) {
    throw new JikoError(
      'model/unreadable',
      `The file (${bytes.length} bytes) is not ONNX, or it is cut short or damaged: ${cause instanceof Error ? cause.message : cause}.`,
      { cause },
    )
  }
  if (!model.graph || model.graph.node.length === 0 || model.opsetImport.length === 0)
    throw new JikoError('model/unreadable', `The file (${bytes.length} bytes) holds no ONNX graph; give an .onnx file.`)
  checkGraph(model.graph, external)
  for (const fn of model.functions) checkNodes(fn.node, external, 1)
  return model
}
