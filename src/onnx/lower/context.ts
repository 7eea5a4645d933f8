import type { Constant } from '../constant.ts'
import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import type { Buffer, Program } from './program.ts'
import { blame, type QuantisedConstant, unsupported } from './quantisation.ts'
import { imageOf, type Pending, padded, type Quantised, type Real, type Target, type Value } from './value.ts'

/** What the lowering of one node sees. */
export interface Context {
  readonly graph: Graph
  readonly program: Program
  readonly node: NodeProto
  readonly name: string
  /** Dims of a value by inference. */
  dims(name: string): readonly number[]
  /** The value of an input; undefined where it is left out. */
  value(index: number): Value | undefined
  constant(index: number): Constant | undefined
  /** Weights that reach the node through DequantizeLinear. */
  quantisedConstant(index: number): QuantisedConstant | undefined
  set(value: Value): void
}

export type Lowering = (context: Context) => void

/** An int8 input. @throws JikoError when it is something else. */
export function quantised(context: Context, index: number): Quantised {
  const value = context.value(index)
  if (value?.kind !== 'int8') throw unsupported(`its input ${index} is not quantised`)
  return value
}

/** An int8 input as an image or as rows, not flattened. */
export function image(context: Context, index: number): Quantised {
  const value = quantised(context, index)
  if (value.order === 'flat') throw unsupported(`its input ${index} is a flattened image`)
  return value
}

/** Room for an int8 result of the given dims, channels second. */
export function newImage(context: Context, dims: readonly number[], { quantisation }: Target): Quantised {
  const { height, width, channels } = imageOf(dims)
  const pixelBytes = padded(channels)
  const buffer = context.program.buffer(height * width * pixelBytes)
  return { kind: 'int8', buffer, dims, order: 'planes', height, width, channels, pixelBytes, quantisation }
}

/** A result that waits for its QuantizeLinear; what is wrong with it then is still this node's fault. */
export function pending({ name, node }: Context, dims: readonly number[], finish: Pending['finish']): Pending {
  return {
    kind: 'pending',
    dims,
    least: Number.NEGATIVE_INFINITY,
    most: Number.POSITIVE_INFINITY,
    finish(target) {
      try {
        return finish(target)
      } catch (error) {
        throw blame(error, node.opType, name)
      }
    },
  }
}

/** int8 brought to f32 in the graph's order, as DequantizeLinear does it. */
export function toReal(context: Context, value: Value): Real {
  if (value.kind === 'float32') return value
  if (value.kind === 'pending') throw unsupported('its input is not quantised')
  const { quantisation, channels, height, width, dims } = value
  const count = height * width * channels
  const buffer = context.program.buffer(4 * count)
  // With channels last, pixels that hold no padding are in the graph's order already: one plane of single values.
  const whole = value.order === 'pixels' && value.pixelBytes === channels
  if (value.order === 'pixels' && !whole && height * width > 1) throw unsupported('padded pixels as reals')
  context.program.emit('dequantise', context.name, {
    src: value.buffer,
    dst: buffer,
    channels: whole ? 1 : channels,
    pixels: whole ? count : height * width,
    pixelBytes: whole ? 1 : value.pixelBytes,
    scale: quantisation.scale,
    zero: quantisation.zero,
  })
  return { kind: 'float32', buffer, dims }
}

/** Puts a border of zero points around an image; the kernels for windows expect it there. */
export function padImage(
  context: Context,
  value: Quantised,
  [top = 0, left = 0, bottom = 0, right = 0]: readonly number[],
): { buffer: Buffer; width: number; height: number } {
  const { height, width, pixelBytes } = value
  if (top + left + bottom + right === 0) return { buffer: value.buffer, width, height }
  const size = { height: height + top + bottom, width: width + left + right }
  const buffer = context.program.buffer(size.height * size.width * pixelBytes)
  context.program.emit('pad', context.name, {
    src: value.buffer,
    dst: buffer,
    height,
    rowBytes: width * pixelBytes,
    left: left * pixelBytes,
    right: right * pixelBytes,
    top,
    bottom,
    value: value.quantisation.zero,
  })
  return { buffer, ...size }
}
