import { intAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import { image } from './operand.ts'
import {
  type Quantisation,
  type QuantisedConstant,
  quantisationOf,
  quantisedConstant,
  quantiseReal,
  sameQuantisation,
  unsupported,
} from './quantisation.ts'
import { applyTable } from './unary.ts'
import { imageOf, padded, type Quantised, type Real, type View } from './value.ts'
import { toReal } from './view.ts'

export const lowerQuantize: Lowering = (context) => {
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

function quantiseReals(context: Context, value: Real, quantisation: Quantisation): Quantised {
  const { dims } = value
  if (dims[0] !== 1 || dims.length < 2 || dims.length > 4) throw unsupported(`quantises the shape [${dims.join(', ')}]`)
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
  if ((value?.kind !== 'int8' && value?.kind !== 'view') || !value.quantisation)
    throw unsupported('its input is not quantised')
  const quantisation = quantisationOf(context.constant(1), context.constant(2))
  if (!sameQuantisation(value.quantisation, quantisation)) throw unsupported('its scale is not that of its input')
  context.set(value)
}
