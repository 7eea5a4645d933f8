import { create, toBinary } from '@bufbuild/protobuf'
import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import { copyMessage } from './copy.ts'
import {
  TensorProto_DataType as DataType,
  GraphProtoSchema,
  TensorProto_DataLocation as Location,
  type ModelProto,
  ModelProtoSchema,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from './onnx_pb.ts'

/** Tensors begin at multiples of this, so that an engine may read them in place. */
const ALIGNMENT = 16
/** Smaller tensors stay in the graph: they cost more as an entry than as bytes. */
const MIN_EXTERNAL_BYTES = 256

/** One file. @throws JikoError `model/too-large` at 2 GB, where protobuf ends; use `writeExternal` then. */
export function writeModel(model: ModelProto): Bytes {
  try {
    return toBinary(ModelProtoSchema, model) as Bytes
  } catch (cause) {
    throw new JikoError('model/too-large', 'The model does not fit one ONNX file; write it with external data.', {
      cause,
    })
  }
}

/**
 * A small graph and one file of weights beside it: an engine then holds the weights once.
 * Shapes and indices (int64) stay in the graph, since engines read them before they load any weight.
 * @param path the name of the weights file, as the engine will be told.
 */
export function writeExternal(model: ModelProto, path: string): { model: Bytes; weights: Bytes } {
  const parts: { at: number; bytes: Uint8Array }[] = []
  let end = 0
  const move = (tensor: TensorProto): TensorProto => {
    if (tensor.rawData.length < MIN_EXTERNAL_BYTES || tensor.dataType === DataType.INT64) return tensor
    const at = Math.ceil(end / ALIGNMENT) * ALIGNMENT
    parts.push({ at, bytes: tensor.rawData })
    end = at + tensor.rawData.length
    const pairs = { location: path, offset: String(at), length: String(tensor.rawData.length) }
    return copyMessage(TensorProtoSchema, tensor, {
      rawData: new Uint8Array(),
      dataLocation: Location.EXTERNAL,
      externalData: Object.entries(pairs).map(([key, value]) => create(StringStringEntryProtoSchema, { key, value })),
    })
  }
  const graph = model.graph ?? create(GraphProtoSchema)
  const small = writeModel(
    copyMessage(ModelProtoSchema, model, {
      graph: copyMessage(GraphProtoSchema, graph, { initializer: graph.initializer.map(move) }),
    }),
  )
  const weights = new Uint8Array(end)
  for (const { at, bytes } of parts) weights.set(bytes, at)
  return { model: small, weights }
}
