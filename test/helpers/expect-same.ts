import { expect } from 'vitest'
import type { ElementType } from '../../src/onnx/constant.ts'
import { createGraph } from '../../src/onnx/graph.ts'
import { lower } from '../../src/onnx/lower/lower.ts'
import { readModel } from '../../src/onnx/read.ts'
import type { Tensor, Tensors } from '../../src/protocol/tensor.ts'
import { runNano, runOrt } from './compare-engines.ts'
import { type createQdqGraph, createRandom } from './qdq-graph.ts'

/** Values between -2 and 2, or whole numbers below `most`. */
function randomTensor(dims: number[], type: ElementType, seed: number, most: number): Tensor {
  const random = createRandom(seed)
  const count = dims.reduce((product, dim) => product * dim, 1)
  const whole = Array.from({ length: count }, () => random(most))
  if (type === 'int64') return { type, dims, data: BigInt64Array.from(whole, BigInt) }
  if (type === 'int32') return { type, dims, data: Int32Array.from(whole) }
  if (type === 'bool') return { type, dims, data: Uint8Array.from(whole, (value) => value % 2) }
  return { type: 'float32', dims, data: Float32Array.from({ length: count }, () => (random(4001) - 2000) / 1000) }
}

/** Both engines on the same inputs: floats within 1e-5 of the largest value, integers the same. */
export async function expectSame(graph: ReturnType<typeof createQdqGraph>, most = 5): Promise<void> {
  const model = graph.build()
  const { inputs, outputs } = createGraph(readModel(model))
  const feeds: Tensors = Object.fromEntries(
    inputs.map(({ name, type, dims }, i) => [
      name,
      randomTensor((dims ?? []) as number[], type ?? 'float32', 17 + i, most),
    ]),
  )
  const wanted = await runOrt(model, feeds)
  const got = await runNano(lower(model).plan, feeds)
  for (const { name, type } of outputs) {
    const [expected, actual] = [wanted[name], got[name]]
    expect(actual?.dims, name).toEqual(expected?.dims)
    expect(actual?.type, name).toBe(expected?.type)
    const values = Array.from(expected?.data as ArrayLike<number>, Number)
    const mine = Array.from(actual?.data as ArrayLike<number>, Number)
    const largest = values.reduce((top, value) => Math.max(top, Number.isFinite(value) ? Math.abs(value) : 0), 1e-3)
    const worst = values.reduce((top, value, i) => {
      const off = value === mine[i] ? 0 : Math.abs(value - (mine[i] ?? Number.NaN)) / largest
      return off <= top ? top : off
    }, 0)
    expect(worst, `${name}: ${mine.slice(0, 6)} for ${values.slice(0, 6)}`).toBeLessThan(
      type === 'float32' ? 1e-5 : 1e-9,
    )
  }
}
