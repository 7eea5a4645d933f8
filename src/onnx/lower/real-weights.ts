import { elementCount } from '../../protocol/dims.ts'
import type { Context } from './context.ts'
import { type QuantisedConstant, unsupported } from './quantisation.ts'
import { createReals, fixed, type Operand, realOperand } from './reals.ts'

/** Constant weights as reals. Integers stay integers in the plan, and become reals when a session begins. */
export function realWeights(context: Context, index: number): Operand {
  const quantised = context.quantisedConstant(index)
  return quantised ? expandOnce(context, quantised) : realOperand(context, index)
}

/**
 * A constant matrix, one of several `height` rows high where `part` is given, turned to [inputs, outputs] if it is stored
 * the other way.
 */
export function realMatrix(context: Context, index: number, transposed: boolean, part = 0, height?: number): Operand {
  const constant = context.constant(index) ?? context.quantisedConstant(index)
  if (!constant) {
    const value = realOperand(context, index)
    const rank = value.dims.length
    const perm = value.dims.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i))
    return transposed ? createReals(context).transpose(value, perm) : value
  }
  const [all = 1, columns = 1] = constant.dims.slice(-2)
  const rows = height ?? all
  const size = rows * columns
  const dims = transposed ? [columns, rows] : [rows, columns]
  const at = (i: number): number => part * size + (transposed ? (i % rows) * columns + Math.floor(i / rows) : i)
  const turn = <T>(list: ArrayLike<T>): T[] => Array.from({ length: size }, (_, i) => list[at(i)] as T)
  if (!('scales' in constant)) {
    if (constant.type !== 'float32') throw unsupported(`its weights are ${constant.type}`)
    return fixed(turn(constant.data), dims)
  }
  const { data, scales, zeros, axis } = constant
  if (scales.length > 1 && (axis < constant.dims.length - 2 || rows < all))
    throw unsupported('its weights have a scale for each direction')
  const moved = Int32Array.from(turn(data))
  return expandOnce(context, {
    dims,
    data: moved,
    scales,
    zeros,
    axis: transposed ? constant.dims.length - 1 - axis : axis - constant.dims.length + 2,
  })
}

/** @see realWeights */
function expandOnce(context: Context, { dims, data, scales, zeros, axis }: QuantisedConstant): Operand {
  const { program, name } = context
  const inner = elementCount(dims.slice(axis + 1))
  const scaleOf = (i: number): number => (scales.length === 1 ? 0 : Math.floor(i / inner) % scales.length)
  const integers = Array.from(data, (value, i) => value - (zeros[scaleOf(i)] ?? 0))
  const first = axis === 0 || scales.length === 1
  if (integers.some((value) => value < -128 || value > 127) || !(first || inner === 1))
    return fixed(
      integers.map((value, i) => value * (scales[scaleOf(i)] ?? 1)),
      dims,
    )
  const bytes = Uint8Array.from(integers, (value) => value & 255)
  const at = program.weights(bytes)
  const buffer = program.lasting(4 * bytes.length)
  const parts = first ? scales : [1]
  const pixels = bytes.length / parts.length
  parts.forEach((scale, i) => {
    const dst = { buffer, offset: 4 * i * pixels }
    program.emitOnce('dequantise', name, {
      src: at + i * pixels,
      dst,
      channels: 1,
      pixels,
      pixelBytes: 1,
      zero: 0,
      scale,
    })
  })
  if (!first) {
    const length = scales.length * ([1, 4, 2, 4][scales.length % 4] ?? 1)
    const repeated = Float32Array.from({ length }, (_, i) => scales[i % scales.length] ?? 1)
    const b = program.weights(new Uint8Array(repeated.buffer))
    const count = bytes.length
    program.emitOnce('combineReal', name, { a: buffer, b, dst: buffer, count, period: length, function: 2 })
  }
  return { kind: 'float32', buffer, dims }
}
