import { intAttribute } from '../attribute.ts'
import type { Lowering } from './context.ts'
import { unsupported } from './quantisation.ts'
import { toReal } from './view.ts'

export const softmax: Lowering = (context) => {
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
