import type { Context } from './context.ts'
import type { Argument, Buffer, Place } from './program.ts'
import { type Quantisation, unsupported } from './quantisation.ts'
import { imageOf, padded, type Quantised, type Real, type Value, type View } from './value.ts'

const product = (dims: readonly number[]): number => dims.reduce((all, dim) => all * dim, 1)

/** Strides of values that lie one after the other in the order of their dims. */
export function rasterStrides(dims: readonly number[], element: number): number[] {
  const strides = dims.map(() => element)
  for (let i = dims.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] ?? 1) * (dims[i + 1] ?? 1)
  return strides
}

/** Strides of an image whose pixels are `pixelBytes` apart and whose axis 1 are its channels. */
export function planeStrides(dims: readonly number[], pixelBytes: number): number[] {
  const spatial = rasterStrides(dims.slice(2), pixelBytes)
  return [0, 1, ...spatial].slice(0, dims.length)
}

/** Strides of rows or pixels whose last axis are their channels. */
export function pixelStrides(dims: readonly number[], pixelBytes: number): number[] {
  return [...rasterStrides(dims.slice(0, -1), pixelBytes), 1]
}

/** How a value lies in memory. */
export function toView(context: Context, value: Value | undefined): View {
  if (!value || value.kind === 'pending' || value.kind === 'deferred') throw unsupported('its input is not quantised')
  if (value.kind === 'view') return value
  const { buffer, dims } = value
  const base = { kind: 'view', buffer, offset: 0, dims } as const
  if (value.kind === 'float32') return { ...base, element: 4, strides: rasterStrides(dims, 4) }
  const { order, quantisation, pixelBytes } = value
  if (order === 'flat') {
    const image = [1, value.channels, value.height, value.width]
    const lying: View = { ...base, dims: image, element: 1, strides: planeStrides(image, pixelBytes), quantisation }
    return { ...base, buffer: toRaster(context, lying), element: 1, strides: rasterStrides(dims, 1), quantisation }
  }
  const strides = order === 'planes' ? planeStrides(dims, pixelBytes) : pixelStrides(dims, pixelBytes)
  return { ...base, element: 1, strides, quantisation }
}

/** A piece of an axis. */
export function cut(view: View, axis: number, start: number, length: number, step = 1): View {
  const stride = view.strides[axis] ?? 0
  return {
    ...view,
    offset: view.offset + start * stride,
    dims: view.dims.map((n, i) => (i === axis ? length : n)),
    strides: view.strides.map((s, i) => (i === axis ? s * step : s)),
  }
}

/** The view under other dims, if its memory allows that without moving anything. */
export function reshaped(view: View, dims: readonly number[]): View | undefined {
  const old = view.dims.map((n, i) => ({ n, stride: view.strides[i] ?? 0 })).filter(({ n }) => n !== 1)
  const strides: number[] = dims.map(() => 0)
  let at = 0
  for (let i = 0; i < dims.length; ) {
    if (dims[i] === 1) {
      i++
      continue
    }
    let [from, to] = [old[at]?.n ?? 0, dims[i] ?? 0]
    const [firstOld, firstNew] = [at, i]
    while (from !== to) {
      if (from < to) from *= old[++at]?.n ?? Number.NaN
      else to *= dims[++i] ?? Number.NaN
      if (Number.isNaN(from + to)) return undefined
    }
    for (let k = firstOld; k < at; k++) {
      const next = old[k + 1]
      if (!next || old[k]?.stride !== next.stride * next.n) return undefined
    }
    let stride = old[at]?.stride ?? 0
    for (let k = i; k >= firstNew; k--) {
      strides[k] = stride
      stride *= dims[k] ?? 1
    }
    at++
    i++
  }
  return { ...view, dims, strides }
}

interface Lying {
  buffer: Place
  offset: number
  strides: readonly number[]
}

/** An argument for what lies some bytes further. */
export const placeAt = ({ buffer, offset }: Omit<Lying, 'strides'>, further: number): Argument =>
  typeof buffer === 'number' ? buffer + offset + further : { buffer, offset: offset + further }

/** More copies than this for one move are a sign that something better is needed. */
const MAX_COPIES = 512

/** Copies an array from one way of lying to another, in as few steps as its strides allow. */
export function emitCopies(context: Context, dims: readonly number[], element: number, from: Lying, to: Lying): void {
  const axes: { n: number; s: number; d: number }[] = []
  for (const [i, n] of dims.entries()) {
    if (n === 1) continue
    const axis = { n, s: from.strides[i] ?? 0, d: to.strides[i] ?? 0 }
    const outer = axes.at(-1)
    if (outer && outer.s === axis.s * n && outer.d === axis.d * n) axes[axes.length - 1] = { ...axis, n: n * outer.n }
    else axes.push(axis)
  }
  // Elements that follow each other on both sides move together.
  const together = axes.findIndex(({ s, d }) => s === element && d === element)
  const bytes = together >= 0 ? (axes.splice(together, 1)[0]?.n ?? 1) * element : element
  axes.sort((a, b) => a.n - b.n)
  const [inner = { n: 1, s: 0, d: 0 }, outer = { n: 1, s: 0, d: 0 }] = [axes.pop(), axes.pop()]
  if (product(axes.map(({ n }) => n)) > MAX_COPIES) throw unsupported(`moves [${dims.join(', ')}] in too many pieces`)
  const starts = axes.reduce(
    (list, { n, s, d }) =>
      list.flatMap((start) => Array.from({ length: n }, (_, i) => ({ s: start.s + i * s, d: start.d + i * d }))),
    [{ s: 0, d: 0 }],
  )
  for (const start of starts) {
    context.program.emit('copy', context.name, {
      src: placeAt(from, start.s),
      dst: placeAt(to, start.d),
      outer: outer.n,
      inner: inner.n,
      bytes,
      srcOuter: outer.s,
      srcInner: inner.s,
      dstOuter: outer.d,
      dstInner: inner.d,
    })
  }
}

/** A buffer that holds the view's elements in the order of its dims. */
export function toRaster(context: Context, view: View): Buffer {
  const strides = rasterStrides(view.dims, view.element)
  const dense = view.dims.every((n, i) => n === 1 || view.strides[i] === strides[i])
  if (dense && view.offset === 0) return view.buffer
  const buffer = context.program.buffer(product(view.dims) * view.element)
  emitCopies(context, view.dims, view.element, view, { buffer, offset: 0, strides })
  return buffer
}

/** A new int8 image or rows for dims; kernels take them from here. */
export function newQuantised(
  context: Context,
  dims: readonly number[],
  order: 'planes' | 'pixels',
  quantisation: Quantisation,
): Quantised {
  const rows = { height: 1, width: product(dims.slice(0, -1)), channels: dims.at(-1) ?? 1 }
  if (order === 'planes' && (dims[0] !== 1 || dims.length > 4)) throw unsupported(`an image of [${dims.join(', ')}]`)
  const { height, width, channels } = order === 'planes' ? imageOf(dims) : rows
  const pixelBytes = padded(channels)
  const buffer = context.program.buffer(height * width * pixelBytes)
  return { kind: 'int8', buffer, dims, order, height, width, channels, pixelBytes, quantisation }
}

export const stridesOf = ({ order, dims, pixelBytes }: Quantised): number[] =>
  order === 'planes' ? planeStrides(dims, pixelBytes) : pixelStrides(dims, pixelBytes)

/** Int8 as kernels take it, moved there if it lies otherwise. */
export function settle(context: Context, value: Quantised | View, order: 'planes' | 'pixels'): Quantised {
  if (value.kind === 'int8' && value.order === order) return value
  const single = value.kind === 'int8' && value.height * value.width === 1 && value.order !== 'flat'
  const channels = order === 'planes' ? value.dims[1] : value.dims.at(-1)
  if (single && channels === value.channels) return { ...value, order }
  const view = toView(context, value)
  if (!view.quantisation) throw unsupported('its input is not quantised')
  const settled = newQuantised(context, view.dims, order, view.quantisation)
  const strides = stridesOf(settled)
  const lies =
    view.offset === 0 &&
    view.dims.every((n, i) => n === 1 || view.strides[i] === strides[i]) &&
    settled.buffer.bytes <= view.buffer.bytes
  if (lies) return { ...settled, buffer: view.buffer }
  emitCopies(context, view.dims, 1, view, { buffer: settled.buffer, offset: 0, strides })
  return settled
}

/** int8 or reals brought to f32 in the graph's order, as DequantizeLinear does it. */
export function toReal(context: Context, value: Value): Real {
  if (value.kind === 'float32') return value
  if (value.kind === 'pending' || value.kind === 'deferred') throw unsupported('its input is not quantised')
  const { dims } = value
  if (value.kind === 'int8' && value.order !== 'pixels') {
    return dequantise(context, value.buffer, dims, value.quantisation, value)
  }
  const view = toView(context, value)
  const raster = toRaster(context, view)
  if (view.element === 4) return { kind: 'float32', buffer: raster, dims }
  if (!view.quantisation) throw unsupported('its input is not quantised')
  const plane = { channels: 1, height: 1, width: product(dims), pixelBytes: 1 }
  return dequantise(context, raster, dims, view.quantisation, plane)
}

function dequantise(
  context: Context,
  src: Buffer,
  dims: readonly number[],
  { scale, zero }: Quantisation,
  { channels, height, width, pixelBytes }: Pick<Quantised, 'channels' | 'height' | 'width' | 'pixelBytes'>,
): Real {
  const pixels = height * width
  const dst = context.program.buffer(4 * channels * pixels)
  context.program.emit('dequantise', context.name, { src, dst, channels, pixels, pixelBytes, scale, zero })
  return { kind: 'float32', buffer: dst, dims }
}
