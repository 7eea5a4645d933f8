import { floatAttribute, stringAttribute } from '../attribute.ts'
import type { NodeProto } from '../onnx_pb.ts'
import { unsupported } from './quantisation.ts'
import { fixed, type Operand, type Reals } from './reals.ts'
import type { Real } from './value.ts'

/** Operators of one real by what the kernels have: seldom used, so none has a kernel of its own. */
type Formula = (r: Reals, x: Operand, node: NodeProto) => Real

const positivePart = (r: Reals, x: Operand): Real => r.clamp(x, 0, Number.POSITIVE_INFINITY)
const negativePart = (r: Reals, x: Operand): Real => r.clamp(x, Number.NEGATIVE_INFINITY, 0)
const sigmoid = (r: Reals, x: Operand): Real => r.map('Sigmoid', x)
const hardSigmoid = (r: Reals, x: Operand, alpha: number, beta: number): Real =>
  r.clamp(r.plus(r.times(x, alpha), beta), 0, 1)
/** log(1 + e^x) without overflow. */
const softplus = (r: Reals, x: Operand): Real =>
  r.add(positivePart(r, x), r.map('Log', r.plus(r.map('Exp', r.map('Neg', r.map('Abs', x))), 1)))
/** alpha (e^x - 1) below zero. */
const bent = (r: Reals, x: Operand, alpha: number): Real => r.times(r.plus(r.map('Exp', negativePart(r, x)), -1), alpha)
const less = (r: Reals, a: Operand, b: Operand): Real => r.combine('Less', a, b)

const gelu: Formula = (r, x, node) => {
  if (stringAttribute(node, 'approximate', 'none') === 'tanh') {
    const cube = r.mul(r.mul(x, x), x)
    const inside = r.times(r.add(x, r.times(cube, 0.044715)), Math.sqrt(2 / Math.PI))
    return r.times(r.mul(x, r.plus(r.map('Tanh', inside), 1)), 0.5)
  }
  return r.times(r.mul(x, r.plus(r.map('Erf', r.times(x, Math.SQRT1_2)), 1)), 0.5)
}

export const FORMULAS: Readonly<Record<string, Formula>> = {
  ...Object.fromEntries(
    (['Sigmoid', 'Tanh', 'Exp', 'Sqrt', 'Abs', 'Neg', 'Erf', 'Log', 'Floor', 'Round'] as const).map((name) => [
      name,
      (r: Reals, x: Operand) => r.map(name, x),
    ]),
  ),
  Relu: positivePart,
  LeakyRelu: (r, x, node) =>
    r.add(positivePart(r, x), r.times(negativePart(r, x), floatAttribute(node, 'alpha', 0.01))),
  HardSigmoid: (r, x, node) => hardSigmoid(r, x, floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
  HardSwish: (r, x) => r.mul(x, hardSigmoid(r, x, 1 / 6, 0.5)),
  Elu: (r, x, node) => r.add(positivePart(r, x), bent(r, x, floatAttribute(node, 'alpha', 1))),
  Selu: (r, x, node) => {
    const [alpha, gamma] = [floatAttribute(node, 'alpha', 1.6732632), floatAttribute(node, 'gamma', 1.050701)]
    return r.times(r.add(positivePart(r, x), bent(r, x, alpha)), gamma)
  },
  Celu: (r, x, node) => {
    const alpha = floatAttribute(node, 'alpha', 1)
    return r.add(positivePart(r, x), bent(r, r.times(x, 1 / alpha), alpha))
  },
  ThresholdedRelu: (r, x, node) => r.combine('Keep', x, less(r, fixed([floatAttribute(node, 'alpha', 1)]), x)),
  Softplus: softplus,
  Softsign: (r, x) => r.combine('Div', x, r.plus(r.map('Abs', x), 1)),
  Mish: (r, x) => r.mul(x, r.map('Tanh', softplus(r, x))),
  Swish: (r, x, node) => r.mul(x, sigmoid(r, r.times(x, floatAttribute(node, 'alpha', 1)))),
  Gelu: gelu,
  Reciprocal: (r, x) => r.combine('Div', fixed([1]), x),
  Ceil: (r, x) => r.map('Neg', r.map('Floor', r.map('Neg', x))),
  Sign: (r, x) => r.combine('Sub', less(r, fixed([0]), x), less(r, x, fixed([0]))),
  Not: (r, x) => r.combine('Equal', x, fixed([0])),
}

/** 0 or 1 for what is false or true. */
const truth = (r: Reals, x: Operand): Real => r.combine('Equal', r.combine('Equal', x, fixed([0])), fixed([0]))
const not = (r: Reals, x: Operand): Real => r.combine('Equal', x, fixed([0]))

function power(r: Reals, a: Operand, b: Operand): Real {
  const exponent = b.kind === 'fixed' && b.data.every((value) => value === b.data[0]) ? b.data[0] : undefined
  if (exponent === 2) return r.mul(a, a)
  if (exponent === 3) return r.mul(r.mul(a, a), a)
  if (exponent === 1) return r.clamp(a, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
  if (exponent === 0.5) return r.map('Sqrt', a)
  if (exponent === -1) return r.combine('Div', fixed([1]), a)
  if (exponent === -0.5) return r.combine('Div', fixed([1]), r.map('Sqrt', a))
  if (b.kind === 'fixed' && b.data.some((value) => Number.isInteger(value)))
    throw unsupported(`raises to the power of ${exponent ?? 'several numbers'}`)
  return r.map('Exp', r.mul(r.map('Log', a), b))
}

/** Operators of two reals or more. */
export const JOINS: Readonly<Record<string, (r: Reals, ...x: Operand[]) => Real>> = {
  Pow: (r, a = ONE, b = ONE) => power(r, a, b),
  Less: (r, a = ONE, b = ONE) => less(r, a, b),
  Greater: (r, a = ONE, b = ONE) => less(r, b, a),
  LessOrEqual: (r, a = ONE, b = ONE) => not(r, less(r, b, a)),
  GreaterOrEqual: (r, a = ONE, b = ONE) => not(r, less(r, a, b)),
  Equal: (r, a = ONE, b = ONE) => r.combine('Equal', a, b),
  And: (r, a = ONE, b = ONE) => r.mul(truth(r, a), truth(r, b)),
  Or: (r, a = ONE, b = ONE) => truth(r, r.combine('Max', truth(r, a), truth(r, b))),
  Xor: (r, a = ONE, b = ONE) => not(r, r.combine('Equal', truth(r, a), truth(r, b))),
  // What is left out is 0, whatever stood there: also where it is infinite.
  Where: (r, c = ONE, a = ONE, b = ONE) => r.add(r.combine('Keep', a, c), r.combine('Drop', b, c)),
  PRelu: (r, x = ONE, slope = ONE) => r.add(positivePart(r, x), r.mul(negativePart(r, x), slope)),
  Max: (r, first = ONE, ...rest) => rest.reduce<Operand>((a, b) => r.combine('Max', a, b), first) as Real,
  Min: (r, first = ONE, ...rest) => rest.reduce<Operand>((a, b) => r.combine('Min', a, b), first) as Real,
  Sum: (r, first = ONE, ...rest) => rest.reduce<Operand>((a, b) => r.add(a, b), first) as Real,
  Mean: (r, first = ONE, ...rest) =>
    r.times(
      rest.reduce<Operand>((a, b) => r.add(a, b), first),
      1 / (rest.length + 1),
    ),
}
const ONE = fixed([1])
