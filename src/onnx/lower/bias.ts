import type { Context } from './context.ts'
import { type QuantisedConstant, unsupported } from './quantisation.ts'

/** A bias as int32 with scales, or as plain reals; undefined where there is none. */
export function biasOf(context: Context, index: number): QuantisedConstant | Float32Array | undefined {
  const name = context.node.input[index]
  if (!name) return undefined
  const quantised = context.quantisedConstant(index)
  if (quantised) return quantised
  const constant = context.constant(index)
  if (constant?.type === 'float32') return constant.data
  throw unsupported('its bias is not a constant')
}
