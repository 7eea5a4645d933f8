import { elementCount } from './dims.ts'

/** Element types that cross the boundary between tasks and backends, with the array each is held in. */
export interface TensorData {
  float32: Float32Array<ArrayBuffer>
  int8: Int8Array<ArrayBuffer>
  uint8: Uint8Array<ArrayBuffer>
  int32: Int32Array<ArrayBuffer>
  int64: BigInt64Array<ArrayBuffer>
  bool: Uint8Array<ArrayBuffer>
}

export type TensorType = keyof TensorData

/** A dense tensor in row-major order: `data.length` is the product of `dims`. */
export type Tensor = {
  [T in TensorType]: { readonly type: T; readonly dims: readonly number[]; readonly data: TensorData[T] }
}[TensorType]

export type Tensors = Readonly<Record<string, Tensor>>

export const float32 = (dims: readonly number[], data: Float32Array<ArrayBuffer>): Tensor => ({
  type: 'float32',
  dims,
  data,
})

const ARRAYS = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const satisfies { [T in TensorType]: new (length: number) => TensorData[T] }

/** A tensor of any type from one number for each element. */
export function tensorOf(type: TensorType, dims: readonly number[], value: (index: number) => number): Tensor {
  const data = new ARRAYS[type](elementCount(dims))
  for (let i = 0; i < data.length; i++) data[i] = data instanceof BigInt64Array ? BigInt(value(i)) : value(i)
  return { type, dims, data } as Tensor
}
