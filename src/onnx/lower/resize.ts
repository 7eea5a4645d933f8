import { stringAttribute } from '../attribute.ts'
import type { Context } from './context.ts'
import { unsupported } from './quantisation.ts'
import { createReals, fixed, realOperand } from './reals.ts'
import type { Real } from './value.ts'

/** Which places of an axis of some size go into one of the result, and how much of each. */
type Weights = (at: number, size: number) => [place: number, share: number][]

const ROUNDINGS: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
}

/** Where a place of the result lies in what it is made from. */
function placeOf(mode: string, i: number, from: number, to: number, scale: number): number {
  if (mode === 'asymmetric') return i / scale
  if (mode === 'align_corners') return to > 1 ? (i * (from - 1)) / (to - 1) : 0
  if (mode === 'pytorch_half_pixel' && to === 1) return 0
  if (mode === 'half_pixel' || mode === 'pytorch_half_pixel') return (i + 0.5) / scale - 0.5
  throw unsupported(`resizes by ${mode}`)
}

function weightsOf({ node }: Context): Weights {
  const mode = stringAttribute(node, 'mode', 'nearest')
  const rounding = ROUNDINGS[stringAttribute(node, 'nearest_mode', 'round_prefer_floor')]
  const within = (at: number, size: number): number => Math.min(size - 1, Math.max(0, at))
  if (mode === 'nearest' && rounding) return (at, size) => [[within(rounding(at), size), 1]]
  if (mode !== 'linear') throw unsupported(`resizes by ${mode}`)
  return (at, size) => {
    const low = Math.floor(within(at, size))
    const part = within(at, size) - low
    return [
      [low, 1 - part],
      [within(low + 1, size), part],
    ]
  }
}

/** Each axis that changes is a product with a constant matrix: as exact as any, and no kernel of its own. */
export function resizeReal(context: Context): Real {
  const { node } = context
  const r = createReals(context)
  const x = realOperand(context, 0)
  const dims = context.dims(node.output[0] ?? '')
  const scales = context.graph.opset() < 11 ? 1 : 2
  if (node.input[scales] && !context.constant(scales)) throw unsupported('its scales are not constant')
  const given = Array.from(context.constant(scales)?.data ?? [], Number)
  const mode = stringAttribute(node, 'coordinate_transformation_mode', 'half_pixel')
  const weights = weightsOf(context)
  const rank = dims.length
  if (dims.slice(0, -2).join() !== x.dims.slice(0, -2).join()) throw unsupported('resizes other axes than the last two')
  const matrix = (axis: number): number[][] => {
    const [from, to] = [x.dims[axis] ?? 1, dims[axis] ?? 1]
    const scale = given.length === rank ? (given[axis] ?? 1) : to / from
    return Array.from({ length: to }, (_, i) => {
      const row = Array.from({ length: from }, () => 0)
      for (const [k, share] of weights(placeOf(mode, i, from, to, scale), from)) row[k] = (row[k] ?? 0) + share
      return row
    })
  }
  const across = matrix(rank - 1)
  const columns = fixed(
    Array.from({ length: x.dims[rank - 1] ?? 1 }, (_, k) => across.map((row) => row[k] ?? 0)).flat(),
    [x.dims[rank - 1] ?? 1, across.length],
  )
  const wide = x.dims[rank - 1] === dims[rank - 1] ? r.expand(x, x.dims) : r.product(x, columns)
  if (x.dims[rank - 2] === dims[rank - 2]) return wide
  const down = matrix(rank - 2)
  return r.product(fixed(down.flat(), [down.length, x.dims[rank - 2] ?? 1]), wide)
}
