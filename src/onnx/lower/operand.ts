import type { Graph } from '../graph.ts'
import type { NodeProto } from '../onnx_pb.ts'
import type { Context } from './context.ts'
import type { Buffer } from './program.ts'
import { blame, unsupported, wideRange } from './quantisation.ts'
import type { Pending, Quantised, Target, Value } from './value.ts'
import { newQuantised, settle } from './view.ts'

/** An int8 input, however it lies. @throws JikoError when it is something else. */
export function quantised(context: Context, index: number): Quantised {
  const value = context.value(index)
  if (value?.kind === 'view' && value.quantisation) return settle(context, value, usualOrder(value.dims))
  if (value?.kind !== 'int8') throw unsupported(`its input ${index} is not quantised`)
  return value
}

const usualOrder = (dims: readonly number[]): 'planes' | 'pixels' =>
  dims.length > 2 && dims.length < 5 && dims[0] === 1 ? 'planes' : 'pixels'

/** An int8 input as an image with channels second, or as rows where it has but two axes. */
export function image(context: Context, index: number): Quantised {
  const value = quantised(context, index)
  return value.order === 'flat' ? settle(context, value, usualOrder(value.dims)) : value
}

/** Whether everything that reads the result quantises it first, maybe after setting bounds to it. */
export const isQuantisedNext = ({ graph, node }: Context): boolean => isQuantised(graph, node.output[0] ?? '')

function isQuantised(graph: Graph, name: string): boolean {
  const readers = graph.consumers(name)
  const isWide = ({ input }: NodeProto): boolean => wideRange(graph.constant(input[2] ?? '')) !== undefined
  const bounded = ({ opType, output }: NodeProto): boolean =>
    (opType === 'Relu' || opType === 'Clip') && isQuantised(graph, output[0] ?? '')
  return (
    !graph.isOutput(name) &&
    readers.length > 0 &&
    readers.every((reader) => (reader.opType === 'QuantizeLinear' ? !isWide(reader) : bounded(reader)))
  )
}

/** Whether a node works on reals: one of its inputs is one, or its result is not quantised again. */
export function isReal(context: Context): boolean {
  const values = context.node.input.map((_, i) => context.value(i))
  if (values.some((value) => value?.kind === 'pending')) return false
  return values.some(isRealValue) || !isQuantisedNext(context)
}

export const isRealValue = (value: Value | undefined): boolean =>
  value?.kind === 'float32' || (value?.kind === 'view' && value.element === 4)

/** Room for an int8 result of the given dims, channels second. */
export const newImage = (context: Context, dims: readonly number[], { quantisation }: Target): Quantised =>
  newQuantised(context, dims, 'planes', quantisation)

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
