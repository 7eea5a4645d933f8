import { create } from '@bufbuild/protobuf'
import { elementCount } from '../protocol/dims.ts'
import { JikoError } from '../protocol/error.ts'
import { TensorProto_DataType as DataType, type TensorProto, TensorProtoSchema } from './onnx_pb.ts'

/** The array that holds each element type; float16 and bfloat16 as their bits. Names agree with `protocol/tensor.ts`. */
export interface ConstantData {
  float32: Float32Array
  float64: Float64Array
  float16: Uint16Array
  bfloat16: Uint16Array
  int8: Int8Array
  uint8: Uint8Array
  int16: Int16Array
  uint16: Uint16Array
  int32: Int32Array
  uint32: Uint32Array
  int64: BigInt64Array
  uint64: BigUint64Array
  bool: Uint8Array
}

export type ElementType = keyof ConstantData

/** A weight or any other constant: row-major, `data.length` is the product of `dims`. Treat as read-only: it may be a view of the file. */
export type Constant = {
  [T in ElementType]: { readonly type: T; readonly dims: readonly number[]; readonly data: ConstantData[T] }
}[ElementType]

const TYPES = {
  float32: { code: DataType.FLOAT, array: Float32Array },
  float64: { code: DataType.DOUBLE, array: Float64Array },
  float16: { code: DataType.FLOAT16, array: Uint16Array },
  bfloat16: { code: DataType.BFLOAT16, array: Uint16Array },
  int8: { code: DataType.INT8, array: Int8Array },
  uint8: { code: DataType.UINT8, array: Uint8Array },
  int16: { code: DataType.INT16, array: Int16Array },
  uint16: { code: DataType.UINT16, array: Uint16Array },
  int32: { code: DataType.INT32, array: Int32Array },
  uint32: { code: DataType.UINT32, array: Uint32Array },
  int64: { code: DataType.INT64, array: BigInt64Array },
  uint64: { code: DataType.UINT64, array: BigUint64Array },
  bool: { code: DataType.BOOL, array: Uint8Array },
} as const satisfies Record<ElementType, unknown>

const BY_CODE = new Map<number, ElementType>(
  (Object.keys(TYPES) as ElementType[]).map((type) => [TYPES[type].code, type]),
)

export const elementTypeOf = (code: number): ElementType | undefined => BY_CODE.get(code)
export const elementCode = (type: ElementType): number => TYPES[type].code

/** Most elements that a tensor may have: beyond it no phone could hold it, and lengths stop being exact. */
const MAX_ELEMENTS = 2 ** 31

const bad = (proto: TensorProto, why: string): JikoError =>
  new JikoError('model/bad-tensor', `The model's tensor "${proto.name.slice(0, 80)}" ${why}; the file is damaged.`)

function dimsOf(proto: TensorProto): number[] {
  const dims = proto.dims.map(Number)
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0) || elementCount(dims) > MAX_ELEMENTS)
    throw bad(proto, `has the impossible shape [${dims.slice(0, 8).join(', ')}]`)
  return dims
}

/** The typed fields that an element type may be stored in when it is not in `raw_data`. */
function typedField(proto: TensorProto, type: ElementType): readonly (number | bigint)[] {
  if (type === 'float32') return proto.floatData
  if (type === 'float64') return proto.doubleData
  if (type === 'int64') return proto.int64Data
  return type === 'uint64' || type === 'uint32' ? proto.uint64Data : proto.int32Data
}

/**
 * Says what is wrong with a tensor's lengths before anything is allocated for it.
 * @throws JikoError `model/bad-tensor`
 */
export function checkTensor(proto: TensorProto): void {
  const count = elementCount(dimsOf(proto))
  const type = elementTypeOf(proto.dataType)
  if (type === undefined) {
    if (proto.dataType === DataType.STRING && proto.stringData.length !== count)
      throw bad(proto, `holds ${proto.stringData.length} strings where its shape needs ${count}`)
    return
  }
  const width = TYPES[type].array.BYTES_PER_ELEMENT
  const held = proto.rawData.length > 0 ? proto.rawData.length / width : typedField(proto, type).length
  if (held !== count) throw bad(proto, `holds ${held} elements where its shape needs ${count}`)
}

/**
 * The typed array of a tensor; undefined for types without one (strings, complex, 4-bit).
 * @throws JikoError `model/bad-tensor` when lengths disagree.
 */
export function toConstant(proto: TensorProto): Constant | undefined {
  const type = elementTypeOf(proto.dataType)
  if (type === undefined) return undefined
  checkTensor(proto)
  const dims = dimsOf(proto)
  const { array } = TYPES[type]
  const { rawData } = proto
  if (rawData.length === 0) {
    const data =
      array === BigInt64Array || array === BigUint64Array
        ? array.from(typedField(proto, type) as readonly bigint[])
        : (array as Float32ArrayConstructor).from(typedField(proto, type), Number)
    return { type, dims, data } as Constant
  }
  // A view needs an aligned start; the format promises none. (Little-endian, as every machine this runs on is.)
  const aligned = rawData.byteOffset % array.BYTES_PER_ELEMENT === 0 ? rawData : rawData.slice()
  const data = new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, rawData.length / array.BYTES_PER_ELEMENT)
  return { type, dims, data } as Constant
}

/** The message of a constant, its bytes in `raw_data`. The array is not copied. */
export function fromConstant(name: string, { type, dims, data }: Constant): TensorProto {
  return create(TensorProtoSchema, {
    name,
    dataType: TYPES[type].code,
    dims: dims.map(BigInt),
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  })
}

export const floats = (dims: readonly number[], values: Iterable<number>): Constant => ({
  type: 'float32',
  dims,
  data: Float32Array.from(values),
})

/** "To the end" is the largest int64, which a number can only round up to. */
const toInt64 = (value: number): bigint => (value >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(value))

export const integers = (values: Iterable<number>): Constant => {
  const data = BigInt64Array.from(values, toInt64)
  return { type: 'int64', dims: [data.length], data }
}

export const scalar = (value: number): Constant => floats([], [value])
