import { elementCount } from '../../protocol/dims.ts'
import { intAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import { isQuantisedNext } from './operand.ts'
import type { Place } from './program.ts'
import { type QuantisedConstant, unsupported } from './quantisation.ts'
import { axisOf, createReals, type Dims, fixed, type Operand, realOperand } from './reals.ts'
import type { Real } from './value.ts'
import { cut, rasterStrides, toView } from './view.ts'

/** Pieces of a value or of a constant table by their places along an axis. */
export const lowerGather: Lowering = (context) => {
  const places = realOperand(context, 1)
  const table = context.quantisedConstant(0)
  const dims = context.value(0)?.dims ?? table?.dims ?? realOperand(context, 0).dims
  const axis = axisOf(intAttribute(context.node, 'axis', 0), dims)
  if (places.kind === 'fixed' && places.data.length === 1 && context.value(0))
    return cutOne(context, axis, places.data[0] ?? 0, places.dims.length === 0)
  if (table) return gatherIntegers(context, table, axis, places)
  const reals = createReals(context)
  const x = realOperand(context, 0)
  context.set(emitGather(context, reals.place(x), x.dims, axis, places, 4))
}

/** One place that is known: no step, only a view. */
function cutOne(context: Context, axis: number, place: number, drop: boolean): void {
  const view = toView(context, context.value(0))
  const at = place < 0 ? place + (view.dims[axis] ?? 0) : place
  const one = cut(view, axis, at, 1)
  const keep = <T>(list: readonly T[]): T[] => list.filter((_, i) => !drop || i !== axis)
  context.set({ ...one, dims: keep(one.dims), strides: keep(one.strides) })
}

function emitGather(context: Context, src: Place, dims: Dims, axis: number, places: Operand, element: 1 | 4): Real {
  const pieces = elementCount(places.dims)
  const outer = elementCount(dims.slice(0, axis))
  const inner = elementCount(dims.slice(axis + 1))
  const out = [...dims.slice(0, axis), ...places.dims, ...dims.slice(axis + 1)]
  const buffer = context.program.buffer(outer * pieces * inner * element)
  context.program.emit('gather', context.name, {
    src,
    indices: createReals(context).expand(places, places.dims).buffer,
    dst: buffer,
    outer,
    pieces,
    bytes: inner * element,
    count: dims[axis] ?? 1,
  })
  return { kind: 'float32', buffer, dims: out }
}

/** From a table of int8: what is looked up becomes real afterwards, with the scale of its row where each has its own. */
function gatherIntegers(context: Context, table: QuantisedConstant, axis: number, places: Operand): void {
  const { program, name } = context
  const reals = createReals(context)
  const [zero = 0] = table.zeros
  const integers = Array.from(table.data, (value) => value - zero)
  const rows = table.scales.length > 1 && table.axis === axis
  if (
    table.zeros.some((other) => other !== zero) ||
    integers.some((value) => value < -128 || value > 127) ||
    (table.scales.length > 1 && !rows)
  )
    throw unsupported('its table has zero points or scales that are not by row')
  const at = program.weights(Uint8Array.from(integers, (value) => value & 255))
  const { buffer, dims } = emitGather(context, at, table.dims, axis, places, 1)
  const scale = rows ? 1 : (table.scales[0] ?? 1)
  const quantisation = { scale, zero: 0 }
  if (!rows && isQuantisedNext(context)) {
    const strides = rasterStrides(dims, 1)
    context.set({ kind: 'view', buffer, offset: 0, element: 1, dims, strides, quantisation })
    return
  }
  const y = reals.make(dims)
  program.emit('dequantise', name, {
    src: buffer,
    dst: y.buffer,
    channels: 1,
    pixels: elementCount(dims),
    pixelBytes: 1,
    zero: 0,
    scale,
  })
  context.set(rows ? reals.mul(y, scalesOf(context, table, places)) : y)
}

/** The scale of each row that is looked up, to be spread over it. */
function scalesOf(context: Context, { scales, dims, axis }: QuantisedConstant, places: Operand): Operand {
  const reals = createReals(context)
  const found = emitGather(context, reals.place(fixed(scales)), [scales.length], 0, places, 4)
  return reals.reshape(found, [...found.dims, ...dims.slice(axis + 1).map(() => 1)])
}
