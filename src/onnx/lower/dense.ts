import { multiplyScratchBytes } from '../../protocol/plan-operations.ts'
import { floatAttribute, intAttribute } from '../attribute.ts'
import { biasOf } from './bias.ts'
import type { Context, Lowering } from './context.ts'
import { isReal, pending, quantised } from './operand.ts'
import { unsupported } from './quantisation.ts'
import { multiplyReals } from './real-nodes.ts'
import { realMatrix, realWeights } from './real-weights.ts'
import { padded, type Quantised } from './value.ts'
import { settle } from './view.ts'
import { foldChannels, packProducts, toInt8, weightZero } from './weights.ts'

/** How many rows a matrix input has and, for a flattened image, which graph index each of its bytes has. */
function rowsOf(x: Quantised): { rows: number; depth: number; indexAt: (k: number) => number | undefined } {
  const pixels = x.height * x.width
  if (x.order !== 'flat') {
    return { rows: pixels, depth: x.pixelBytes, indexAt: (k) => (k < x.channels ? k : undefined) }
  }
  // The graph flattens planes, memory holds pixels: the weights' rows change places instead.
  return {
    rows: 1,
    depth: pixels * x.pixelBytes,
    indexAt(k) {
      const channel = k % x.pixelBytes
      return channel < x.channels ? channel * pixels + Math.floor(k / x.pixelBytes) : undefined
    },
  }
}

function lowerDense(context: Context, transposed: boolean, biasIndex: number): void {
  const w = context.quantisedConstant(1)
  if (w?.dims.length !== 2 || isReal(context)) {
    const flat = transposed || (context.constant(1) ?? w)?.dims.length === 2
    const b = flat ? realMatrix(context, 1, transposed) : realWeights(context, 1)
    context.set(multiplyReals(context, b, biasIndex))
    return
  }
  const { node, program, name } = context
  const given = quantised(context, 0)
  const x = given.order === 'flat' ? given : settle(context, given, 'pixels')
  const [columns = 0, inner = 0] = transposed ? w.dims : [w.dims[1], w.dims[0]]
  if (w.scales.length > 1 && w.axis !== (transposed ? 0 : 1))
    throw unsupported('its weights are not quantised by output')
  const { rows, depth, indexAt } = rowsOf(x)
  const bias = biasIndex < 0 ? undefined : biasOf(context, biasIndex)
  const index = (column: number, k: number): number => (transposed ? column * inner + k : k * columns + column)
  const dims = context.dims(node.output[0] ?? '')
  context.set(
    pending(context, dims, ({ quantisation, low, high }) => {
      const channels = foldChannels(columns, w, bias, x.quantisation, quantisation, (column) =>
        Array.from({ length: inner }, (_, k) => (w.data[index(column, k)] ?? 0) - weightZero(w, column)),
      )
      const { data, zero, limit } = toInt8(w)
      program.weightLimit(limit)
      program.scratch(multiplyScratchBytes(depth))
      const packed = packProducts(columns, depth, channels, zero, (column, k) => {
        const from = indexAt(k)
        return from === undefined ? undefined : data[index(column, from)]
      })
      const pixelBytes = padded(columns)
      const buffer = program.buffer(rows * pixelBytes)
      program.emit('multiply', name, {
        src: x.buffer,
        dst: buffer,
        rows,
        depth,
        columns: pixelBytes,
        weights: program.weights(packed),
        scratch: 'scratch',
        weightZero: zero,
        zero: quantisation.zero,
        low,
        high,
      })
      return {
        kind: 'int8',
        buffer,
        dims,
        order: 'pixels',
        height: 1,
        width: rows,
        channels: columns,
        pixelBytes,
        quantisation,
      }
    }),
  )
}

export const lowerGemm: Lowering = (context) => {
  const { node } = context
  const plain = floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1
  if (!plain || intAttribute(node, 'transA', 0) !== 0) throw unsupported('alpha, beta and transA are not supported')
  lowerDense(context, intAttribute(node, 'transB', 0) !== 0, 2)
}

export const lowerMatMul: Lowering = (context) => lowerDense(context, false, -1)
