import { intAttribute, intsAttribute } from '../attribute.ts'
import { type Lowering, toReal } from './context.ts'
import { unsupported } from './quantisation.ts'
import type { Quantised } from './value.ts'

const same: Lowering = (context) => {
  const value = context.value(0)
  if (value) context.set(value)
}

/** The same values in the same order under another shape: no step, as far as memory's order allows it. */
const reshape: Lowering = (context) => {
  const value = context.value(0)
  const dims = context.dims(context.node.output[0] ?? '')
  if (value?.kind === 'float32') return context.set({ ...value, dims })
  if (value?.kind !== 'int8') throw unsupported('its input is not quantised')
  context.set({ ...value, dims, order: reshapedOrder(value, dims) })
}

function reshapedOrder(value: Quantised, dims: readonly number[]): Quantised['order'] {
  const { channels, order } = value
  const pixels = value.height * value.width
  // One pixel is the same bytes in every order, wherever its channels stand in the shape.
  if (pixels === 1 && Math.max(...dims) === channels) return dims.at(-1) === channels ? 'pixels' : 'planes'
  if (order === 'pixels' && dims.at(-1) === channels) return 'pixels'
  if (order === 'planes' && dims[1] === channels && dims.length > 2) return 'planes'
  if (order === 'planes' && dims.at(-1) === channels * pixels) return 'flat'
  throw unsupported(`reshapes [${value.dims.join(', ')}] to [${dims.join(', ')}]`)
}

const transpose: Lowering = (context) => {
  const value = context.value(0)
  const dims = context.dims(context.node.output[0] ?? '')
  const rank = dims.length
  const perm = intsAttribute(context.node, 'perm') ?? dims.map((_, i) => rank - 1 - i)
  if (value?.kind !== 'int8') throw unsupported('its input is not quantised')
  const { order, height, width } = value
  if (height * width === 1) return context.set({ ...value, dims, order: reshapedOrder(value, dims) })
  const toLast = [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]
  const toSecond = [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)]
  // Memory has channels last whatever the graph says: moving them there or back moves nothing.
  if (order === 'planes' && perm.join() === toLast.join()) return context.set({ ...value, dims, order: 'pixels' })
  if (order === 'pixels' && perm.join() === toSecond.join()) return context.set({ ...value, dims, order: 'planes' })
  throw unsupported(`transposes [${value.dims.join(', ')}] by [${perm.join(', ')}]`)
}

const softmax: Lowering = (context) => {
  const value = context.value(0)
  if (!value) throw unsupported('it has no input')
  const x = toReal(context, value)
  const old = context.graph.opset() < 13
  const given = intAttribute(context.node, 'axis', old ? 1 : -1)
  const axis = given < 0 ? given + x.dims.length : given
  if (!old && axis !== x.dims.length - 1) throw unsupported('softmax over an axis that is not the last')
  const count = x.dims.slice(axis).reduce((product, dim) => product * dim, 1)
  const rows = x.dims.slice(0, axis).reduce((product, dim) => product * dim, 1)
  const buffer = context.program.buffer(4 * rows * count)
  context.program.emit('softmax', context.name, { src: x.buffer, dst: buffer, rows, count })
  context.set({ kind: 'float32', buffer, dims: x.dims })
}

export const SHAPE_ONLY: Readonly<Record<string, Lowering>> = {
  Identity: same,
  Dropout: same,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Transpose: transpose,
  Softmax: softmax,
}
