import type { Context, Lowering } from './context.ts'
import { multiplyDeferred } from './dynamic.ts'
import { JOINS } from './formulas.ts'
import { image, isReal, pending } from './operand.ts'
import { realZero } from './pool.ts'
import type { Buffer } from './program.ts'
import { type Quantisation, type QuantisedConstant, unsupported } from './quantisation.ts'
import { createReals, type PairName, realOperand } from './reals.ts'
import type { Quantised } from './value.ts'
import { settle } from './view.ts'
import { requireExact } from './weights.ts'

/** What the kernel reads again and again along the first operand: a value, or a constant among the weights. */
interface Repeated {
  readonly at: Buffer | number
  /** Bytes until it repeats. */
  readonly period: number
  readonly quantisation: Quantisation
}

interface Operands {
  a: Quantised
  b: Repeated
  swapped: boolean
}

const repeated = ({ buffer, height, width, pixelBytes, quantisation }: Quantised): Repeated => ({
  at: buffer,
  period: height * width * pixelBytes,
  quantisation,
})

/** A constant laid out like the value it is combined with, broadcast by NumPy's rule: one pixel if it is the same for all. */
function constantLike(context: Context, constant: QuantisedConstant, a: Quantised): Repeated {
  const { dims, data, scales, zeros } = constant
  if (scales.length !== 1 || data instanceof Int32Array) throw unsupported('its constant is not int8 with one scale')
  const shift = data instanceof Uint8Array ? 128 : 0
  const full = [...Array.from({ length: Math.max(0, a.dims.length - dims.length) }, () => 1), ...dims]
  if (full.length !== a.dims.length || full.some((n, i) => n !== 1 && n !== a.dims[i]))
    throw unsupported(`its constant of [${dims.join(', ')}] does not fit [${a.dims.join(', ')}]`)
  const channelAxis = a.order === 'planes' ? 1 : full.length - 1
  const same = full.every((n, i) => n === 1 || i === channelAxis)
  const pixels = same ? 1 : a.height * a.width
  const spatial = a.dims.map((n, i) => (i === channelAxis ? 1 : n))
  const bytes = new Uint8Array(pixels * a.pixelBytes)
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < a.channels; channel++) {
      let rest = pixel
      let index = 0
      let step = 1
      for (let axis = full.length - 1; axis >= 0; axis--) {
        const n = spatial[axis] ?? 1
        const at = axis === channelAxis ? channel : rest % n
        if (axis !== channelAxis) rest = Math.floor(rest / n)
        if (full[axis] !== 1) index += at * step
        step *= full[axis] ?? 1
      }
      bytes[pixel * a.pixelBytes + channel] = (data[index] ?? 0) - shift
    }
  }
  const quantisation = { scale: scales[0] ?? 1, zero: (zeros[0] ?? 0) - shift }
  return { at: context.program.weights(bytes), period: bytes.length, quantisation }
}

/** Operands in the order in which the kernel takes them: the second one may be a single pixel for all. */
function operands(context: Context): Operands {
  const [first, second] = [context.quantisedConstant(0), context.quantisedConstant(1)]
  if (first && second) throw unsupported('both its inputs are constant')
  if (second) {
    const a = image(context, 0)
    return { a, b: constantLike(context, second, a), swapped: false }
  }
  if (first) {
    const a = image(context, 1)
    return { a, b: constantLike(context, first, a), swapped: true }
  }
  const a = image(context, 0)
  const b = settle(context, image(context, 1), a.order === 'pixels' ? 'pixels' : 'planes')
  if (a.channels !== b.channels) throw unsupported('its inputs have different channels')
  const single = (value: Quantised): boolean => value.height * value.width === 1
  if ((a.height === b.height && a.width === b.width) || single(b)) return { a, b: repeated(b), swapped: false }
  if (single(a)) return { a: b, b: repeated(a), swapped: true }
  throw unsupported('its inputs have different sizes')
}

/** No int8 is further than this from its zero point. */
const STEPS = 256

const lowerPair =
  (pair: PairName, kind: 'add' | 'scale', sign: 1 | -1): Lowering =>
  (context) => {
    if (isReal(context)) return lowerReals(pair)(context)
    const { a, b, swapped } = operands(context)
    const dims = context.dims(context.node.output[0] ?? '')
    if (dims.join() !== a.dims.join()) throw unsupported(`spreads [${a.dims.join(', ')}] to [${dims.join(', ')}]`)
    const signOf = (first: boolean): number => (sign === -1 && first === swapped ? -1 : 1)
    context.set(
      pending(context, dims, ({ quantisation, low, high }) => {
        const count = a.height * a.width * a.pixelBytes
        const [most, mostB] = [STEPS * a.quantisation.scale, STEPS * b.quantisation.scale]
        requireExact((kind === 'add' ? most + mostB : most * mostB) / quantisation.scale + STEPS)
        const buffer = context.program.buffer(count)
        // There is no quantised subtraction to agree with: that one rounds first and adds the zero point then.
        const place = sign === 1 ? realZero(quantisation) : { zero: 0, offset: -quantisation.zero }
        context.program.emit(kind, context.name, {
          a: a.buffer,
          b: b.at,
          dst: buffer,
          count,
          period: b.period,
          scaleA: signOf(true) * a.quantisation.scale,
          zeroA: a.quantisation.zero,
          scaleB: signOf(false) * b.quantisation.scale,
          zeroB: b.quantisation.zero,
          scale: quantisation.scale,
          ...place,
          low,
          high,
        })
        return { ...a, buffer, quantisation }
      }),
    )
  }

const lowerReals =
  (pair: PairName): Lowering =>
  (context) =>
    context.set(createReals(context).combine(pair, realOperand(context, 0), realOperand(context, 1)))

const lowerMul = lowerPair('Mul', 'scale', 1)

export const ELEMENTWISE: Readonly<Record<string, Lowering>> = {
  ...Object.fromEntries(
    Object.entries(JOINS).map(([opType, join]): [string, Lowering] => [
      opType,
      (context) =>
        context.set(join(createReals(context), ...context.node.input.map((_, i) => realOperand(context, i)))),
    ]),
  ),
  Add: lowerPair('Add', 'add', 1),
  Sub: lowerPair('Sub', 'add', -1),
  Mul: (context) => multiplyDeferred(context) || lowerMul(context),
  Div: lowerReals('Div'),
}
