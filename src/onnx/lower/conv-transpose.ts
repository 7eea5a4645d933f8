import { intAttribute, intsAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import { convolve } from './convolution.ts'
import { image, isReal, pending } from './operand.ts'
import { type QuantisedConstant, unsupported } from './quantisation.ts'
import { convolveImage, imageOf } from './real-convolution.ts'
import { createReals, type Dims, fixed, realOperand } from './reals.ts'
import type { Quantised, Real } from './value.ts'
import { emitCopies, newQuantised, planeStrides, rasterStrides, settle, stridesOf } from './view.ts'
import type { Window } from './window.ts'

/** From [inputs, outputs of a group, ...] to [outputs, inputs of a group, ...], the taps in reverse. */
function turned<T extends QuantisedConstant['data'] | Float32Array>(
  dims: Dims,
  data: T,
  group: number,
): { dims: Dims; data: T } {
  const [inputs = 1, perGroup = 1, ...kernel] = dims
  const taps = kernel.reduce((all, n) => all * n, 1)
  const inside = inputs / group
  const moved = data.slice() as T
  for (let out = 0; out < perGroup * group; out++) {
    const part = Math.floor(out / perGroup)
    for (let i = 0; i < inside; i++) {
      const from = ((part * inside + i) * perGroup + (out % perGroup)) * taps
      for (let tap = 0; tap < taps; tap++) moved[(out * inside + i) * taps + tap] = data[from + taps - 1 - tap] ?? 0
    }
  }
  return { dims: [perGroup * group, inside, ...kernel], data: moved }
}

/** The image with `strideY - 1` rows and `strideX - 1` columns of zero points after each of its own but the last. */
function spread(context: Context, x: Quantised, strideY: number, strideX: number): Quantised {
  if (strideY === 1 && strideX === 1) return x
  const dims = [1, x.channels, (x.height - 1) * strideY + 1, (x.width - 1) * strideX + 1]
  const wide = newQuantised(context, dims, 'planes', x.quantisation)
  const rowBytes = wide.width * wide.pixelBytes
  // Fills everything but its first byte, which is copied over next.
  context.program.emit('pad', context.name, {
    src: x.buffer,
    dst: wide.buffer,
    height: 1,
    rowBytes: 1,
    left: 0,
    right: rowBytes - 1,
    top: 0,
    bottom: wide.height - 1,
    value: x.quantisation.zero,
  })
  const image = [1, x.channels, x.height, x.width]
  const [, , down = 0, across = 0] = stridesOf(wide)
  emitCopies(
    context,
    image,
    1,
    { buffer: x.buffer, offset: 0, strides: planeStrides(image, x.pixelBytes) },
    { buffer: wide.buffer, offset: 0, strides: [0, 1, down * strideY, across * strideX] },
  )
  return wide
}

/** The same of reals, with zeros between. */
function spreadReal(context: Context, x: Real, strideY: number, strideX: number): Real {
  if (strideY === 1 && strideX === 1) return x
  const [, channels = 1, height = 1, width = 1] = x.dims
  const dims = [1, channels, (height - 1) * strideY + 1, (width - 1) * strideX + 1]
  const r = createReals(context)
  const wide = r.expand(fixed([0]), dims)
  const [, plane = 0, down = 0, across = 0] = rasterStrides(dims, 4)
  emitCopies(
    context,
    x.dims,
    4,
    { buffer: x.buffer, offset: 0, strides: rasterStrides(x.dims, 4) },
    { buffer: wide.buffer, offset: 0, strides: [0, plane, down * strideY, across * strideX] },
  )
  return wide
}

/** The window of a convolution with stride one over the image spread out. */
function windowOver(context: Context, weights: Dims, size: Dims, strideY: number, strideX: number): Window {
  const { node } = context
  if (intsAttribute(node, 'output_shape')) throw unsupported('its output_shape is not supported')
  const dims = context.dims(node.output[0] ?? '')
  const [, , rows = 1, columns = 1] = weights
  const [dilationY = 1, dilationX = 1] = intsAttribute(node, 'dilations') ?? []
  const [top = 0, left = 0] = intsAttribute(node, 'pads') ?? []
  const [height, width] = [((size[2] ?? 1) - 1) * strideY + 1, ((size[3] ?? 1) - 1) * strideX + 1]
  const [spanY, spanX] = [(rows - 1) * dilationY + 1, (columns - 1) * dilationX + 1]
  const before = [spanY - 1 - top, spanX - 1 - left] as const
  const after = [
    (dims[2] ?? 0) + spanY - 1 - height - before[0],
    (dims[3] ?? 0) + spanX - 1 - width - before[1],
  ] as const
  if (Math.min(...before, ...after) < 0) throw unsupported('its padding is larger than its window')
  return { rows, columns, strideY: 1, strideX: 1, dilationY, dilationX, pads: [...before, ...after] }
}

/** A convolution with stride one over an image that is spread out first: right for every case, if not the fastest. */
export const lowerConvTranspose: Lowering = (context) => {
  const { node } = context
  const w = context.quantisedConstant(1)
  const [strideY = 1, strideX = 1] = intsAttribute(node, 'strides') ?? []
  const group = intAttribute(node, 'group', 1)
  const dims = context.dims(node.output[0] ?? '')
  if (dims.length !== 4) throw unsupported('its input is not an image')
  if (!w || isReal(context)) {
    const r = createReals(context)
    const [x, weights] = [realOperand(context, 0), realOperand(context, 1)]
    if (weights.kind !== 'fixed') throw unsupported('its weights are not constant')
    const window = windowOver(context, weights.dims, x.dims, strideY, strideX)
    const image = imageOf(r, spreadReal(context, r.expand(x, x.dims), strideY, strideX))
    const back = turned(weights.dims, weights.data, group)
    return context.set(convolveImage(context, image, fixed(back.data, back.dims), window, group))
  }
  const x = settle(context, image(context, 0), 'planes')
  if (w.scales.length > 1 && w.axis !== 1) throw unsupported('its weights are not quantised by output channel')
  const window = windowOver(context, w.dims, x.dims, strideY, strideX)
  const weights = { ...w, ...turned(w.dims, w.data, group), axis: 0 }
  context.set(
    pending(context, dims, (target) =>
      convolve(context, spread(context, x, strideY, strideX), weights, window, target),
    ),
  )
}
