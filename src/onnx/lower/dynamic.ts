import { elementCount } from '../../protocol/dims.ts'
import { denseScratchBytes, productWeightBytes, roundUp } from '../../protocol/plan-operations.ts'
import type { Context, Lowering } from './context.ts'
import { unsupported } from './quantisation.ts'
import { createReals, realOperand } from './reals.ts'
import type { Deferred, View } from './value.ts'
import { toRaster } from './view.ts'

/**
 * DynamicQuantizeLinear, MatMulInteger, Cast and two Muls are one step of the plan: what comes between is kept as what it
 * stands for until the last Mul says it all.
 */
export const lowerDynamicQuantize: Lowering = (context) => {
  const x = createReals(context).expand(realOperand(context, 0), context.value(0)?.dims ?? [])
  for (const [output, part] of (['steps', 'scale', 'zero'] as const).entries())
    context.set({ kind: 'deferred', part, x, dims: part === 'steps' ? x.dims : [] }, output)
}

const deferred = (context: Context, index: number): Deferred | undefined => {
  const value = context.value(index)
  return value?.kind === 'deferred' ? value : undefined
}

export const lowerMatMulInteger: Lowering = (context) => {
  const { node } = context
  const [steps, zero] = [deferred(context, 0), deferred(context, 2)]
  const weights = context.constant(1)
  const zeros = context.constant(3)
  if (steps?.part !== 'steps' || zero?.part !== 'zero' || zero.x !== steps.x)
    throw unsupported('its first input does not come from DynamicQuantizeLinear')
  if ((weights?.type !== 'int8' && weights?.type !== 'uint8') || weights.dims.length !== 2)
    throw unsupported('its second input is not a constant matrix of 8 bits')
  const shift = zeros ? Number(zeros.data[0]) : 0
  const integers = Int32Array.from(weights.data, (value) => value - shift)
  if (zeros && zeros.data.length > 1 && Array.from(zeros.data, Number).some((other) => other !== shift))
    throw unsupported('its weights have a zero point for each column')
  if (integers.some((value) => value < -128 || value > 127)) throw unsupported('its weights do not fit 8 bits')
  const dims = context.dims(node.output[0] ?? '')
  context.set({ kind: 'deferred', part: 'product', x: steps.x, dims, weights: integers, columns: weights.dims[1] ?? 1 })
}

/** A Mul of what is deferred; undefined when it is another kind of Mul. */
export function multiplyDeferred(context: Context): boolean {
  const pair = [deferred(context, 0), deferred(context, 1)]
  const one = pair.find((value) => value !== undefined)
  if (!one) return false
  const product = pair.find((value) => value?.part === 'product')
  const scale = pair.find((value) => value?.part === 'scale')
  const constant = context.constant(0) ?? context.constant(1)
  if (scale && !product && constant?.type === 'float32') {
    context.set({ ...scale, scales: constant.data, dims: constant.dims })
    return true
  }
  if (!product || !scale || scale.x !== product.x) throw unsupported('multiplies integers by what is not their scale')
  emitDense(context, product, scale.scales ?? Float32Array.of(1))
  return true
}

function emitDense(
  context: Context,
  { x, dims, weights = new Int32Array(), columns = 1 }: Deferred,
  scales: Float32Array,
): void {
  const { program, name } = context
  const inner = x.dims.at(-1) ?? 1
  const rows = elementCount(x.dims) / inner
  const [depth, wide] = [roundUp(inner, 8), roundUp(columns, 8)]
  const bytes = new Uint8Array(productWeightBytes(depth, wide))
  const view = new DataView(bytes.buffer)
  for (let n = 0; n < columns; n++) {
    const block = (n >> 3) * (64 + 8 * depth)
    let sum = 0
    for (let k = 0; k < inner; k++) {
      const value = weights[k * columns + n] ?? 0
      sum += value
      view.setInt8(block + 64 + 16 * (k >> 1) + 2 * (n & 7) + (k & 1), value)
    }
    view.setInt32(block + 4 * (n & 7), sum, true)
    view.setFloat32(block + 32 + 4 * (n & 7), scales[scales.length === 1 ? 0 : n] ?? 0, true)
  }
  let src = x.buffer
  if (depth > inner) {
    // Zeros in what pads the rows leave their range as it is.
    src = program.buffer(4 * rows * depth)
    const border = { left: 0, right: 4 * (depth - inner), top: 0, bottom: 0, value: 0 }
    program.emit('pad', name, { src: x.buffer, dst: src, height: rows, rowBytes: 4 * inner, ...border })
  }
  program.scratch(denseScratchBytes(rows, depth))
  const dst = program.buffer(4 * rows * wide)
  program.emit('dense', name, {
    weights: program.weights(bytes),
    depth,
    columns: wide,
    src,
    dst,
    rows,
    scratch: 'scratch',
  })
  const wanted: View = {
    kind: 'view',
    buffer: dst,
    offset: 0,
    element: 4,
    dims: [rows, columns],
    strides: [4 * wide, 4],
  }
  context.set({ kind: 'float32', buffer: toRaster(context, wanted), dims })
}
