import { elementCount } from '../../protocol/dims.ts'
import { MAPS, PAIRS, REDUCTIONS } from '../../protocol/plan-arguments.ts'
import { broadcast } from '../shape.ts'
import type { Context } from './context.ts'
import type { Place } from './program.ts'
import { type QuantisedConstant, unsupported } from './quantisation.ts'
import type { Real } from './value.ts'
import { emitCopies, rasterStrides, toReal } from './view.ts'

export type Dims = readonly number[]
/** Reals that are known when the plan is made. */
export interface Fixed {
  readonly kind: 'fixed'
  readonly dims: Dims
  readonly data: Float32Array
}
export type Operand = Real | Fixed
export type MapName = (typeof MAPS)[number]
export type PairName = (typeof PAIRS)[number]

export const fixed = (data: Iterable<number>, dims: Dims = []): Fixed => ({
  kind: 'fixed',
  dims,
  data: Float32Array.from(data),
})

const bytesOf = (values: Float32Array): Uint8Array<ArrayBuffer> => new Uint8Array(Float32Array.from(values).buffer)

/** An axis as it is counted from the front. */
export const axisOf = (axis: number, { length }: Dims): number => (axis < 0 ? axis + length : axis)

/** Arithmetic on f32 values, a step or a few for each function: what operators of reals are made from. */
export function createReals(context: Context) {
  const { program, name } = context

  const make = (dims: Dims): Real => ({ kind: 'float32', buffer: program.buffer(4 * elementCount(dims)), dims })

  /** Where an operand lies. Constants have room behind them, since kernels read four at a time. */
  function place(x: Operand): Place {
    if (x.kind === 'float32') return x.buffer
    const padded = new Float32Array(x.data.length + 3)
    padded.set(x.data)
    return program.weights(bytesOf(padded))
  }

  /** The operand repeated along axes that it lacks or has but one of. */
  function expand(x: Operand, dims: Dims): Real {
    if (x.kind === 'float32' && x.dims.join() === dims.join()) return x
    const own = [...dims.slice(x.dims.length).map(() => 1), ...x.dims]
    if (own.length !== dims.length || own.some((n, i) => n !== 1 && n !== dims[i]))
      throw unsupported(`spreads [${x.dims.join(', ')}] over [${dims.join(', ')}]`)
    const strides = rasterStrides(own, 4).map((stride, i) => (own[i] === 1 ? 0 : stride))
    const y = make(dims)
    emitCopies(
      context,
      dims,
      4,
      { buffer: place(x), offset: 0, strides },
      { buffer: y.buffer, offset: 0, strides: rasterStrides(dims, 4) },
    )
    return y
  }

  /** What `combineReal` reads again and again: the operand as it lies where that repeats along the last axes. */
  function repeated(x: Operand, dims: Dims): { at: Place; period: number } {
    const first = x.dims.findIndex((n) => n !== 1)
    const tail = first < 0 ? [] : x.dims.slice(first)
    const length = elementCount(tail)
    const repeats = tail.every((n, i) => n === dims[dims.length - tail.length + i])
    if (x.kind === 'fixed' && repeats) {
      // As often as it takes for a multiple of four.
      const period = length * ([1, 4, 2, 4][length % 4] ?? 1)
      const data = Float32Array.from({ length: period }, (_, i) => x.data[i % length] ?? 0)
      return { at: place(fixed(data)), period }
    }
    if (repeats && (length % 4 === 0 || length === elementCount(dims))) return { at: place(x), period: length }
    return { at: expand(x, dims).buffer, period: elementCount(dims) }
  }

  function combine(pair: PairName, a: Operand, b: Operand): Real {
    const dims = broadcast(a.dims, b.dims)
    if (!dims) throw unsupported(`joins [${a.dims.join(', ')}] and [${b.dims.join(', ')}]`)
    const commutes = ['Add', 'Mul', 'Max', 'Min', 'Equal'].includes(pair)
    const [first, second] =
      commutes && (a.kind === 'fixed' || elementCount(a.dims) < elementCount(b.dims)) ? [b, a] : [a, b]
    const y = make(dims)
    const { at, period } = repeated(second, dims)
    program.emit('combineReal', name, {
      a: expand(first, dims).buffer,
      b: at,
      dst: y.buffer,
      count: elementCount(dims),
      period,
      function: PAIRS.indexOf(pair),
    })
    return y
  }

  function map(fn: MapName, x: Operand): Real {
    const src = expand(x, x.dims)
    const y = make(x.dims)
    const count = elementCount(x.dims)
    program.emit('mapReal', name, { src: src.buffer, dst: y.buffer, count, function: MAPS.indexOf(fn) })
    return y
  }

  function clamp(x: Operand, low: number, high: number): Real {
    const src = expand(x, x.dims)
    const y = make(x.dims)
    program.emit('clampReal', name, { src: src.buffer, dst: y.buffer, count: elementCount(x.dims), low, high })
    return y
  }

  const reshape = (x: Operand, dims: Dims): Real => ({ ...expand(x, x.dims), dims })

  function transpose(x: Operand, perm: Dims): Real {
    const dims = perm.map((axis) => x.dims[axis] ?? 1)
    const strides = rasterStrides(x.dims, 4)
    const from = { buffer: place(x), offset: 0, strides: perm.map((axis) => strides[axis] ?? 0) }
    const y = make(dims)
    emitCopies(context, dims, 4, from, { buffer: y.buffer, offset: 0, strides: rasterStrides(dims, 4) })
    return y
  }

  /** Does `work` with the axes moved to the end, and moves what has the same rank back. */
  function alongLast(x: Operand, axes: Dims, work: (x: Real) => Real): Real {
    const rest = x.dims.map((_, i) => i).filter((i) => !axes.includes(i))
    const perm = [...rest, ...axes]
    if (perm.every((axis, i) => axis === i)) return work(expand(x, x.dims))
    const y = work(transpose(x, perm))
    return transpose(
      y,
      perm.map((_, i) => perm.indexOf(i)),
    )
  }

  /** A kernel for rows along the axes, which must be the last ones. */
  function rows(x: Operand, axes: Dims, emit: (args: { src: Place; dst: Place; rows: number; count: number }) => void) {
    return alongLast(x, axes, (src) => {
      const y = make(src.dims)
      const count = elementCount(src.dims.slice(src.dims.length - axes.length))
      emit({ src: src.buffer, dst: y.buffer, rows: elementCount(src.dims) / count, count })
      return y
    })
  }

  const softmax = (x: Operand, axes: Dims): Real => rows(x, axes, (args) => program.emit('softmax', name, args))

  const normalise = (x: Operand, axes: Dims, epsilon: number): Real =>
    rows(x, axes, (args) => program.emit('normalise', name, { ...args, epsilon }))

  /** Over all axes at once; they stay, with length 1. */
  function reduce(reduction: (typeof REDUCTIONS)[number], x: Operand, axes: Dims): Real {
    const sorted = [...axes].sort((a, b) => a - b)
    const [first = 0] = sorted
    const last = first + sorted.length
    if (sorted.at(-1) !== last - 1) {
      const rest = x.dims.map((_, i) => i).filter((i) => !sorted.includes(i))
      const moved = transpose(x, [...rest, ...sorted])
      const reduced = reduce(
        reduction,
        moved,
        sorted.map((_, i) => rest.length + i),
      )
      return reshape(
        reduced,
        x.dims.map((n, i) => (sorted.includes(i) ? 1 : n)),
      )
    }
    const y = make(x.dims.map((n, i) => (sorted.includes(i) ? 1 : n)))
    program.emit('reduceReal', name, {
      src: expand(x, x.dims).buffer,
      dst: y.buffer,
      outer: elementCount(x.dims.slice(0, first)),
      count: elementCount(x.dims.slice(first, last)),
      inner: elementCount(x.dims.slice(last)),
      function: REDUCTIONS.indexOf(reduction),
    })
    return y
  }

  /** Matrices by matrices, all of a batch; one of them may be the same for all. */
  function product(
    a: Operand,
    b: Operand,
    bias: Operand = fixed([0]),
    biasBy: 'row' | 'column' | 'none' = 'none',
  ): Real {
    const [rows = 1, depth = 1] = a.dims.slice(-2)
    const columns = b.dims.at(-1) ?? 1
    const batch = broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2))
    if (!batch || b.dims.at(-2) !== depth)
      throw unsupported(`multiplies [${a.dims.join(', ')}] by [${b.dims.join(', ')}]`)
    const count = elementCount(batch)
    const one = (x: Operand): boolean => elementCount(x.dims.slice(0, -2)) === 1
    // Rows of a whole batch by one matrix are more rows.
    const joined = one(b) && !one(a)
    const full = (x: Operand): Operand => (one(x) ? x : expand(x, [...batch, ...x.dims.slice(-2)]))
    const [left, right] = [full(a), full(b)]
    const y = make([...batch, rows, columns])
    program.emit('product', name, {
      src: place(left),
      weights: place(right),
      bias: place(bias),
      dst: y.buffer,
      batch: joined ? 1 : count,
      rows: joined ? count * rows : rows,
      depth,
      columns,
      srcBatch: one(a) ? 0 : 4 * rows * depth,
      weightsBatch: one(b) ? 0 : 4 * depth * columns,
      biasRow: biasBy === 'row' ? 4 : 0,
      biasColumn: biasBy === 'column' ? 1 : 0,
    })
    return y
  }

  return {
    make,
    place,
    expand,
    combine,
    map,
    clamp,
    reshape,
    transpose,
    alongLast,
    softmax,
    normalise,
    reduce,
    product,
    add: (a: Operand, b: Operand) => combine('Add', a, b),
    mul: (a: Operand, b: Operand) => combine('Mul', a, b),
    times: (a: Operand, factor: number) => combine('Mul', a, fixed([factor])),
    plus: (a: Operand, term: number) => combine('Add', a, fixed([term])),
    min: (x: Operand, axes: Dims) => map('Neg', reduce('Max', map('Neg', x), axes)),
  }
}
export type Reals = ReturnType<typeof createReals>

/** An input as reals, whatever it is: a value, a constant, or quantised weights. */
export function realOperand(context: Context, index: number): Operand {
  const value = context.value(index)
  if (value) return toReal(context, value)
  const constant = context.constant(index)
  if (constant) {
    if (constant.type === 'float16' || constant.type === 'bfloat16') throw unsupported(`has ${constant.type} constants`)
    return fixed(Array.from(constant.data as ArrayLike<number | bigint>, Number), constant.dims)
  }
  const quantised = context.quantisedConstant(index)
  if (!quantised) throw unsupported(`its input ${index} is not known`)
  return dequantised(quantised)
}

function dequantised({ dims, data, scales, zeros, axis }: QuantisedConstant): Fixed {
  const inner = elementCount(dims.slice(axis + 1))
  const at = (i: number): number => (scales.length === 1 ? 0 : Math.floor(i / inner) % scales.length)
  return fixed(
    Array.from(data, (value, i) => (value - (zeros[at(i)] ?? 0)) * (scales[at(i)] ?? 1)),
    dims,
  )
}
