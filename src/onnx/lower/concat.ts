import { intAttribute } from '../attribute.ts'
import type { Context, Lowering } from './context.ts'
import { isQuantisedNext, isRealValue, pending } from './operand.ts'
import { type Quantisation, sameQuantisation } from './quantisation.ts'
import { createReals, realOperand } from './reals.ts'
import { applyTable } from './unary.ts'
import type { Value, View } from './value.ts'
import { emitCopies, newQuantised, rasterStrides, settle, stridesOf, toView } from './view.ts'

function requantised(context: Context, value: Value, quantisation: Quantisation): View {
  const view = toView(context, value)
  if (view.quantisation && sameQuantisation(view.quantisation, quantisation)) return view
  const order = value.kind === 'int8' && value.order === 'pixels' ? 'pixels' : 'planes'
  const settled = settle(context, value.kind === 'int8' ? value : view, view.dims.length > 2 ? order : 'pixels')
  return toView(
    context,
    applyTable(context, settled, (x) => x, { quantisation, low: -128, high: 127 }),
  )
}

/** Values one after the other along an axis; each is requantised to the scale of the result. */
export const lowerConcat: Lowering = (context) => {
  const { node } = context
  const dims = context.dims(node.output[0] ?? '')
  const given = intAttribute(node, 'axis', 0)
  const axis = given < 0 ? given + dims.length : given
  const known = node.input.map((_, i) => context.value(i))
  const parts = known.filter((part) => part !== undefined)
  const join = (views: readonly View[], element: number, to: Pick<View, 'buffer' | 'strides'>): void => {
    let start = 0
    for (const view of views) {
      const offset = start * (to.strides[axis] ?? 0)
      emitCopies(context, view.dims, element, view, { buffer: to.buffer, offset, strides: to.strides })
      start += view.dims[axis] ?? 0
    }
  }
  if (!isQuantisedNext(context) || parts.length < known.length || parts.some(isRealValue)) {
    const r = createReals(context)
    const reals = known.map((_, i) => {
      const part = realOperand(context, i)
      return toView(context, r.expand(part, part.dims))
    })
    const bytes = dims.reduce((all, dim) => all * dim, 4)
    const buffer = context.program.buffer(bytes)
    join(reals, 4, { buffer, strides: rasterStrides(dims, 4) })
    return context.set({ kind: 'float32', buffer, dims })
  }
  const pixels =
    dims.length < 3 || dims.length > 4 || parts.every((part) => part.kind === 'int8' && part.order === 'pixels')
  context.set(
    pending(context, dims, ({ quantisation, low, high }) => {
      const views = parts.map((part) => requantised(context, part, quantisation))
      const y = newQuantised(context, dims, pixels ? 'pixels' : 'planes', quantisation)
      join(views, 1, { buffer: y.buffer, strides: stridesOf(y) })
      const bounded = low > -128 || high < 127
      return bounded ? applyTable(context, y, (x) => x, { quantisation, low, high }) : y
    }),
  )
}
