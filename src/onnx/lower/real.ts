import { REAL_FUNCTIONS, REAL_PAIRS, roundUp } from '../../protocol/plan-operations.ts'
import { elementCount } from '../../protocol/tensor.ts'
import type { Context } from './context.ts'
import { isQuantisedNext } from './operand.ts'
import type { Buffer } from './program.ts'
import { unsupported } from './quantisation.ts'
import type { Real } from './value.ts'
import { toReal } from './view.ts'

const bytesOf = (values: Float32Array): Uint8Array<ArrayBuffer> => new Uint8Array(values.buffer as ArrayBuffer)

/** Whether a node works on reals: one of its inputs is one, or its result is not quantised again. */
export function isReal(context: Context): boolean {
  const values = context.node.input.map((_, i) => context.value(i))
  if (values.some((value) => value?.kind === 'pending')) return false
  const real = values.some((value) => value?.kind === 'float32' || (value?.kind === 'view' && value.element === 4))
  return real || !isQuantisedNext(context)
}

function realInput(context: Context, index: number): Real {
  const value = context.value(index)
  if (!value) throw unsupported(`its input ${index} is not known`)
  return toReal(context, value)
}

function emitMap(
  context: Context,
  kind: 'mapReal' | 'clampReal',
  args: { function: number } | { low: number; high: number },
): void {
  const { buffer: src, dims } = realInput(context, 0)
  const count = elementCount(dims)
  const dst = context.program.buffer(4 * count)
  context.program.emit(kind, context.name, { src, dst, count, ...args })
  context.set({ kind: 'float32', buffer: dst, dims })
}

export function mapReal(context: Context): void {
  const index = REAL_FUNCTIONS.indexOf(context.node.opType)
  if (index < 0) throw unsupported('has no kernel for reals')
  emitMap(context, 'mapReal', { function: index })
}

export const clampReal = (context: Context, low: number, high: number): void =>
  emitMap(context, 'clampReal', { low, high })

/** Constant reals laid out for dims: as few as repeat all along them. */
function constantReals(context: Context, index: number, dims: readonly number[]): { at: number; period: number } {
  const constant = context.constant(index)
  if (constant?.type !== 'float32') throw unsupported(`its input ${index} is not known`)
  const own = constant.dims.slice(constant.dims.findIndex((n) => n !== 1))
  const tail = constant.data.length === 1 ? [] : own
  if (tail.some((n, i) => n !== dims[dims.length - tail.length + i]))
    throw unsupported(`spreads a constant of [${constant.dims.join(', ')}] over [${dims.join(', ')}]`)
  return { at: context.program.weights(bytesOf(Float32Array.from(constant.data))), period: constant.data.length }
}

/** Two reals of the same shape, or one and constants that repeat along its last axes. */
export function combineReals(context: Context): void {
  const { node, program } = context
  const dims = context.dims(node.output[0] ?? '')
  const kind = REAL_PAIRS.indexOf(node.opType)
  const commutes = node.opType === 'Add' || node.opType === 'Mul'
  const [first, second] = context.value(0) || !commutes ? [0, 1] : [1, 0]
  const a = realInput(context, first)
  let b: { at: number | Buffer; period: number }
  if (context.value(second)) {
    const real = realInput(context, second)
    b = { at: real.buffer, period: elementCount(real.dims) }
    const tail = real.dims.slice(real.dims.findIndex((n) => n !== 1))
    if (b.period !== 1 && tail.some((n, i) => n !== dims[dims.length - tail.length + i]))
      throw unsupported(`spreads [${real.dims.join(', ')}] over [${dims.join(', ')}]`)
  } else b = constantReals(context, second, dims)
  const count = elementCount(dims)
  if (elementCount(a.dims) !== count) throw unsupported(`spreads [${a.dims.join(', ')}] over [${dims.join(', ')}]`)
  const dst = program.buffer(4 * count)
  program.emit('combineReal', context.name, { a: a.buffer, b: b.at, dst, count, period: b.period, function: kind })
  context.set({ kind: 'float32', buffer: dst, dims })
}

/** Rows of reals by a constant matrix. */
export function linearReal(context: Context, transposed: boolean, biasIndex: number): void {
  const { program, node } = context
  const w = context.constant(1)
  if (w?.type !== 'float32' || w.dims.length !== 2) throw unsupported('its second input is not a constant matrix')
  const [outColumns = 0, depth = 0] = transposed ? w.dims : [w.dims[1], w.dims[0]]
  const bias = node.input[biasIndex] ? context.constant(biasIndex) : undefined
  if (node.input[biasIndex] && bias?.type !== 'float32') throw unsupported('its bias is not a constant')
  const x = realInput(context, 0)
  const dims = context.dims(node.output[0] ?? '')
  const rows = elementCount(x.dims) / depth
  const columns = roundUp(outColumns, 4)
  const packed = new Float32Array((depth + 1) * columns)
  for (let n = 0; n < outColumns; n++) {
    packed[n] = Number(bias?.data[bias.data.length === 1 ? 0 : n] ?? 0)
    for (let k = 0; k < depth; k++)
      packed[(k + 1) * columns + n] = w.data[transposed ? n * depth + k : k * outColumns + n] ?? 0
  }
  const dst = program.buffer(4 * rows * outColumns)
  const weights = program.weights(bytesOf(packed))
  program.emit('linear', context.name, { src: x.buffer, dst, rows, depth, columns, outColumns, weights })
  context.set({ kind: 'float32', buffer: dst, dims })
}
