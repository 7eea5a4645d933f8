import { elementCount } from '../../protocol/dims.ts'
import { intAttribute, intsAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import { image, isReal, isRealValue, newImage, pending } from './operand.ts'
import { type Quantisation, unsupported } from './quantisation.ts'
import { poolReal } from './real-convolution.ts'
import { REAL_NODES } from './real-nodes.ts'
import { createReals, realOperand } from './reals.ts'
import type { Quantised, Real, Target } from './value.ts'
import { newQuantised, settle } from './view.ts'
import { requireExact } from './weights.ts'
import { windowOf } from './window.ts'

/**
 * Where kernels that work in reals put their zero point: onnxruntime turns every int8 activation into uint8 first, and
 * adds the zero point before it rounds.
 */
export const realZero = ({ zero }: Quantisation): { zero: number; offset: number } => ({
  zero: zero + 128,
  offset: 128,
})

function planes(context: Context): Quantised {
  const x = settle(context, image(context, 0), 'planes')
  if (x.dims.length < 3) throw unsupported('its input is not an image')
  return x
}

/** No int8 is further than 256 steps from its zero point, and no mean of them. */
const requireExactMean = (x: Quantised, target: Target): void =>
  requireExact((256 * x.quantisation.scale) / target.quantisation.scale + 256)

function poolArgs(context: Context, x: Quantised) {
  const { node } = context
  const kernel = intsAttribute(node, 'kernel_shape') ?? []
  const window = windowOf(context, x.dims, kernel)
  if (window.dilationX !== 1 || window.dilationY !== 1) throw unsupported('pools with dilation are not supported')
  const [top = 0, left = 0] = window.pads
  const args = {
    height: x.height,
    width: x.width,
    channels: x.pixelBytes,
    windowRows: window.rows,
    windowColumns: window.columns,
    strideY: window.strideY,
    strideX: window.strideX,
    top,
    left,
  }
  return { args, pads: window.pads, dims: context.dims(node.output[0] ?? '') }
}

export const lowerAveragePool: Lowering = (context) => {
  if (isReal(context)) return context.set(poolReal(context, 'Sum'))
  const x = planes(context)
  const { args, pads, dims } = poolArgs(context, x)
  const { windowRows, windowColumns } = args
  const whole = windowRows === x.height && windowColumns === x.width && pads.every((pad) => pad === 0)
  if (whole) return wholeAverage(context, x, dims)
  const divisor = intAttribute(context.node, 'count_include_pad', 0) ? windowRows * windowColumns : 0
  context.set(
    pending(context, dims, (target) => {
      const y = newImage(context, dims, target)
      requireExactMean(x, target)
      context.program.emit('averagePool', context.name, {
        src: x.buffer,
        dst: y.buffer,
        ...args,
        outHeight: y.height,
        outWidth: y.width,
        divisor,
        scaleIn: x.quantisation.scale,
        zeroIn: x.quantisation.zero,
        scaleOut: target.quantisation.scale,
        ...realZero(target.quantisation),
        low: target.low,
        high: target.high,
      })
      return y
    }),
  )
}

export const lowerMaxPool: Lowering = (context) => {
  if (context.node.output[1]) throw unsupported('indices of a MaxPool are not supported')
  if (isRealValue(context.value(0))) return context.set(poolReal(context, 'Max'))
  const x = planes(context)
  const { args, dims } = poolArgs(context, x)
  const y = newImage(context, dims, { quantisation: x.quantisation, low: -128, high: 127 })
  context.program.emit('maxPool', context.name, {
    src: x.buffer,
    dst: y.buffer,
    ...args,
    outHeight: y.height,
    outWidth: y.width,
  })
  context.set(y)
}

/** The mean of the whole image, by integers: onnxruntime takes this way also for a pool whose window is the image. */
function wholeAverage(
  context: Context,
  x: Quantised,
  dims: readonly number[],
  order: 'planes' | 'pixels' = 'planes',
): void {
  context.set(
    pending(context, dims, (target) => {
      const y = newQuantised(context, dims, order, target.quantisation)
      requireExactMean(x, target)
      const pixels = x.height * x.width
      context.program.emit('globalAverage', context.name, {
        src: x.buffer,
        dst: y.buffer,
        pixels,
        channels: x.pixelBytes,
        zeroIn: x.quantisation.zero,
        scale: Math.fround(x.quantisation.scale / Math.fround(target.quantisation.scale * pixels)),
        zero: target.quantisation.zero,
        low: target.low,
        high: target.high,
      })
      return y
    }),
  )
}

export const lowerGlobalAveragePool: Lowering = (context) => {
  if (isReal(context)) return context.set(averageReals(context))
  wholeAverage(context, planes(context), context.dims(context.node.output[0] ?? ''))
}

function averageReals(context: Context): Real {
  const r = createReals(context)
  const x = realOperand(context, 0)
  const axes = x.dims.map((_, i) => i).slice(2)
  return r.times(r.reduce('Sum', x, axes), 1 / elementCount(x.dims.slice(2)))
}

/** Over the whole image, or over all rows: what is left of the operator once a net is quantised. */
export const lowerReduceMean: Lowering = (context) => {
  const { node } = context
  if (isReal(context)) return REAL_NODES.ReduceMean?.(context)
  const x = image(context, 0)
  const given = intsAttribute(node, 'axes') ?? Array.from(context.constant(1)?.data ?? [], Number)
  const axes = given.map((axis) => (axis < 0 ? axis + x.dims.length : axis)).sort((a, b) => a - b)
  const channelAxis = x.order === 'planes' ? 1 : x.dims.length - 1
  const spatial = x.dims.map((_, i) => i).filter((i) => i !== channelAxis && i !== 0)
  if (axes.join() !== spatial.join() || x.dims[0] !== 1) return REAL_NODES.ReduceMean?.(context)
  const dims = context.dims(node.output[0] ?? '')
  wholeAverage(context, x, dims, x.order === 'planes' && dims.length > 2 ? 'planes' : 'pixels')
}
