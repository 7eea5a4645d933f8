import { JikoError } from '../../protocol/error.ts'
import type { Constant } from '../constant.ts'

/** How int8 stands for reals: scale * (value - zero), with uint8 shifted by -128 so that every activation is int8. */
export interface Quantisation {
  /** f32. */
  readonly scale: number
  /** -128..127. */
  readonly zero: number
}

/** Integers of a constant with their scales and zero points, one for all or one for each index of `axis`. */
export interface QuantisedConstant {
  readonly dims: readonly number[]
  readonly data: Int8Array | Uint8Array | Int32Array
  readonly scales: readonly number[]
  readonly zeros: readonly number[]
  readonly axis: number
}

/** Why a node cannot be lowered; `blame` adds which node. */
export const unsupported = (why: string): JikoError => new JikoError('model/unsupported-by-nano', why)

/** The same error with the node in it; others, and those that have one already, stay as they are. */
export function blame(error: unknown, opType: string, name: string): unknown {
  if (!isUnsupported(error) || error.detail.node) return error
  return new JikoError(error.code, `${opType} "${name}" ${error.message}`, { detail: { node: name } })
}

export const isUnsupported = (error: unknown): error is JikoError =>
  error instanceof JikoError && error.code === 'model/unsupported-by-nano'

/** What a zero point of 16 bits lies in; undefined for every other. */
export function wideRange(zero: Constant | undefined): readonly [number, number] | undefined {
  if (zero?.type === 'int16') return [-32_768, 32_767]
  return zero?.type === 'uint16' ? [0, 65_535] : undefined
}

export function quantisationOf(scale: Constant | undefined, zero: Constant | undefined): Quantisation {
  if (scale?.type !== 'float32' || scale.data.length !== 1)
    throw unsupported('activations need one constant float32 scale')
  if (zero && zero.type !== 'int8' && zero.type !== 'uint8')
    throw unsupported(`quantises to ${zero.type}, only int8 and uint8 are supported`)
  const [value = 0] = scale.data
  if (!(value > 0 && value < 1e30)) throw unsupported(`has scale ${value}`)
  return { scale: value, zero: Number(zero?.data[0] ?? 0) - (zero?.type === 'int8' ? 0 : 128) }
}

export function quantisedConstant(
  data: Constant,
  scale: Constant | undefined,
  zero: Constant | undefined,
  axis: number,
): QuantisedConstant {
  if (data.type !== 'int8' && data.type !== 'uint8' && data.type !== 'int32')
    throw unsupported(`weights of type ${data.type} are not supported`)
  if (scale?.type !== 'float32') throw unsupported('needs constant float32 scales')
  const at = axis < 0 ? axis + data.dims.length : axis
  const scales = [...scale.data]
  if (scale.dims.length > 1) throw unsupported('its weights are quantised in blocks')
  if (scales.length !== 1 && scales.length !== data.dims[at])
    throw unsupported(`has ${scales.length} scales for [${data.dims.join(', ')}]`)
  const zeros = zero ? Array.from(zero.data, Number) : scales.map(() => 0)
  if (zeros.length !== scales.length) throw unsupported('has not as many zero points as scales')
  return { dims: data.dims, data: data.data, scales, zeros, axis: at }
}

/** round-half-to-even(value / scale) + zero, within int8; how a bound of a clamp looks in integers. */
export function quantiseReal(value: number, { scale, zero }: Quantisation): number {
  const x = Math.fround(Math.fround(value) / scale)
  return Math.max(-128, Math.min(127, roundHalfEven(x) + zero))
}

export function roundHalfEven(x: number): number {
  const low = Math.floor(x)
  const rest = x - low
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low
}

export const sameQuantisation = (a: Quantisation, b: Quantisation): boolean => a.scale === b.scale && a.zero === b.zero
