import { floatAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import { FORMULAS } from './formulas.ts'
import { image, isReal, pending } from './operand.ts'
import { type Quantisation, quantiseReal, unsupported } from './quantisation.ts'
import { createReals, realOperand } from './reals.ts'
import type { Quantised, Target } from './value.ts'

type Real = (x: number) => number
const f = Math.fround

/** The result for each of the 256 int8 values, that of -128 first. */
function makeTable(fn: Real, from: Quantisation, to: Quantisation, low: number, high: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 256 }, (_, i) => {
    const real = f(from.scale * (i - 128 - from.zero))
    return Math.max(low, Math.min(high, quantiseReal(f(fn(real)), to))) & 255
  })
}

/** A function of one int8 value is a table of 256, whatever the function. */
export function applyTable({ program, name }: Context, x: Quantised, fn: Real, target: Target): Quantised {
  const { quantisation, low, high } = target
  const count = x.height * x.width * x.pixelBytes
  if (count % 8 !== 0) throw unsupported('its pixels are not padded')
  const buffer = program.buffer(count)
  const table = program.weights(makeTable(fn, x.quantisation, quantisation, low, high))
  program.emit('lookup', name, { src: x.buffer, dst: buffer, count, table })
  return { ...x, buffer, quantisation }
}

const lowerFormula: Lowering = (context) => {
  const formula = FORMULAS[context.node.opType]
  if (!formula) throw unsupported('has no kernel for reals')
  context.set(formula(createReals(context), realOperand(context, 0), context.node))
}

function lowerTable(context: Context, fn: Real): void {
  if (isReal(context)) {
    lowerFormula(context)
    return
  }
  const x = image(context, 0)
  context.set(pending(context, x.dims, (target) => applyTable(context, x, fn, target)))
}

/** Bounds on a result still to be quantised become bounds on its integers; on int8 values, a table. */
function lowerBounds(context: Context, least: number, most: number): void {
  const value = context.value(0)
  if (value?.kind === 'pending')
    context.set({ ...value, least: Math.max(value.least, least), most: Math.min(value.most, most) })
  else if (isReal(context)) context.set(createReals(context).clamp(realOperand(context, 0), least, most))
  else lowerTable(context, (x) => Math.min(most, Math.max(least, x)))
}

const lowerRelu: Lowering = (context) => lowerBounds(context, 0, Number.POSITIVE_INFINITY)

const lowerClip: Lowering = (context) => {
  const { node } = context
  const bound = (index: number, attribute: string, otherwise: number): number => {
    if (!node.input[index]) return floatAttribute(node, attribute, otherwise)
    const constant = context.constant(index)
    if (constant?.type !== 'float32') throw unsupported('its bounds are not constant float32')
    return constant.data[0] ?? otherwise
  }
  lowerBounds(context, bound(1, 'min', Number.NEGATIVE_INFINITY), bound(2, 'max', Number.POSITIVE_INFINITY))
}

const sigmoid: Real = (x) => 1 / (1 + Math.exp(-x))
const hardSigmoid =
  (alpha: number, beta: number): Real =>
  (x) =>
    Math.max(0, Math.min(1, f(f(alpha * x) + beta)))

/** Abramowitz and Stegun 7.1.26 is too coarse for the last step; this series and fraction hold to double precision. */
function erf(x: number): number {
  const a = Math.abs(x)
  if (a > 6) return Math.sign(x)
  let term = a
  let sum = a
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum) && n < 200; n++) {
    term *= (-a * a) / n
    sum += term / (2 * n + 1)
  }
  return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI)
}

const table =
  (make: (context: Context) => Real): Lowering =>
  (context) =>
    lowerTable(context, make(context))

export const UNARY: Readonly<Record<string, Lowering>> = {
  ...Object.fromEntries(Object.keys(FORMULAS).map((opType) => [opType, lowerFormula])),
  Relu: lowerRelu,
  Clip: lowerClip,
  Sigmoid: table(() => sigmoid),
  Tanh: table(() => Math.tanh),
  HardSigmoid: table(({ node }) =>
    hardSigmoid(f(floatAttribute(node, 'alpha', 0.2)), f(floatAttribute(node, 'beta', 0.5))),
  ),
  HardSwish: table(() => (x) => x * hardSigmoid(f(1 / 6), 0.5)(x)),
  LeakyRelu: table(({ node }) => {
    const alpha = floatAttribute(node, 'alpha', f(0.01))
    return (x) => (x >= 0 ? x : alpha * x)
  }),
  Elu: table(({ node }) => {
    const alpha = floatAttribute(node, 'alpha', 1)
    return (x) => (x >= 0 ? x : alpha * Math.expm1(x))
  }),
  Softplus: table(() => (x) => Math.log1p(Math.exp(x))),
  Gelu: table(() => (x) => 0.5 * x * (1 + erf(x / Math.SQRT2))),
  Erf: table(() => erf),
  Exp: table(() => Math.exp),
  Sqrt: table(() => Math.sqrt),
  Abs: table(() => Math.abs),
  Neg: table(() => (x) => -x),
}
