import { elementCount } from '../../protocol/dims.ts'
import { intAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import { image, isRealValue } from './operand.ts'
import {
  type Quantisation,
  type QuantisedConstant,
  quantisationOf,
  quantisedConstant,
  quantiseReal,
  sameQuantisation,
  unsupported,
  wideRange,
} from './quantisation.ts'
import { createReals, fixed, realOperand } from './reals.ts'
import { applyTable } from './unary.ts'
import { imageOf, padded, type Quantised, type Real, type View } from './value.ts'
import { rasterStrides, toReal } from './view.ts'

export const lowerQuantize: Lowering = (context) => {
  const range = wideRange(context.constant(2))
  if (range) return context.set(quantiseWide(context, range))
  const value = context.value(0)
  const quantisation = quantisationOf(context.constant(1), context.constant(2))
  if (value?.kind === 'pending') {
    const low = quantiseReal(value.least, quantisation)
    const high = quantiseReal(value.most, quantisation)
    context.set(value.finish({ quantisation, low, high }))
  } else if (value?.kind === 'float32') context.set(quantiseReals(context, value, quantisation))
  else if (value?.kind === 'view' && value.element === 4)
    context.set(quantiseReals(context, toReal(context, value), quantisation))
  else if (value?.kind === 'int8' || value?.kind === 'view') context.set(requantise(context, value, quantisation))
  else throw unsupported('its input is a constant or is not supported')
}

/**
 * 16 bits are whole numbers among the reals, which hold them exactly: no kernel is faster with them, but a model that keeps
 * a few values so precisely runs.
 */
function quantiseWide(context: Context, [low, high]: readonly [number, number]): Real {
  if (context.constant(1)?.data.length !== 1) throw unsupported('its scale is not one constant')
  const r = createReals(context)
  const steps = r.map('Round', r.combine('Div', realOperand(context, 0), realOperand(context, 1)))
  return r.clamp(r.combine('Add', steps, realOperand(context, 2)), low, high)
}

/** From one scale to another; nothing to do where they are the same. */
function requantise(context: Context, value: Quantised | View, quantisation: Quantisation): Quantised | View {
  if (value.quantisation && sameQuantisation(value.quantisation, quantisation)) return { ...value, quantisation }
  return applyTable(context, image(context, 0), (x) => x, { quantisation, low: -128, high: 127 })
}

/** Convolutions read an image of few channels as it is; everything else wants pixels padded to 8. */
function readsTightly(context: Context): boolean {
  const { graph, node } = context
  return graph
    .consumers(node.output[0] ?? '')
    .flatMap((dequantise) => graph.consumers(dequantise.output[0] ?? ''))
    .every((reader) => reader.opType === 'Conv' && intAttribute(reader, 'group', 1) === 1)
}

function quantiseReals(context: Context, value: Real, quantisation: Quantisation): Quantised | View {
  const { dims } = value
  if (dims[0] !== 1 || dims.length < 2 || dims.length > 4) return quantiseRaster(context, value, quantisation)
  const { height, width, channels } = imageOf(dims)
  const pixelBytes = channels < 8 && dims.length > 2 && readsTightly(context) ? channels : padded(channels)
  const buffer = context.program.buffer(height * width * pixelBytes)
  context.program.emit('quantise', context.name, {
    src: value.buffer,
    dst: buffer,
    channels,
    pixels: height * width,
    pixelBytes,
    scale: quantisation.scale,
    zero: quantisation.zero,
  })
  return { kind: 'int8', buffer, dims, order: 'planes', height, width, channels, pixelBytes, quantisation }
}

/** What is no picture stays in the order of its dims. */
function quantiseRaster(context: Context, { buffer: src, dims }: Real, quantisation: Quantisation): View {
  const pixels = elementCount(dims)
  const buffer = context.program.buffer(pixels)
  const { scale, zero } = quantisation
  context.program.emit('quantise', context.name, { src, dst: buffer, channels: 1, pixels, pixelBytes: 1, scale, zero })
  return { kind: 'view', buffer, offset: 0, element: 1, dims, strides: rasterStrides(dims, 1), quantisation }
}

function dequantiseNumbers(context: Context): Real {
  const [scale, zero] = [realOperand(context, 1), context.constant(2) ? realOperand(context, 2) : fixed([0])]
  if (scale.kind !== 'fixed' || scale.data.length !== 1) throw unsupported('its scale is not one constant')
  const r = createReals(context)
  return r.mul(r.combine('Sub', realOperand(context, 0), zero), scale)
}

/** The integers stay as they are: whoever reads them knows their scale. */
export function lowerDequantize(context: Context, constants: Map<string, QuantisedConstant>): void {
  const { node } = context
  const data = context.constant(0)
  if (data) {
    const axis = intAttribute(node, 'axis', 1)
    constants.set(node.output[0] ?? '', quantisedConstant(data, context.constant(1), context.constant(2), axis))
    return
  }
  const value = context.value(0)
  // Whole numbers that the model is given, or that it made of reals.
  if (isRealValue(value)) {
    context.set(dequantiseNumbers(context))
    return
  }
  if ((value?.kind !== 'int8' && value?.kind !== 'view') || !value.quantisation)
    throw unsupported('its input is not quantised')
  const quantisation = quantisationOf(context.constant(1), context.constant(2))
  if (!sameQuantisation(value.quantisation, quantisation)) throw unsupported('its scale is not that of its input')
  context.set(value)
}
