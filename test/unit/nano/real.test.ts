import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/lib/bytes.ts'
import { compare } from '../../helpers/compare-engines.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

const x = { type: 'int8', scale: 0.03, zero: -10 } as const

async function expectNear(model: Bytes): Promise<void> {
  const { steps, outputs } = await compare(model, 9)
  expect(steps.filter(({ differ }) => differ > 0)).toEqual([])
  for (const difference of outputs) expect(difference).toBeLessThan(1e-5)
}

/** A net whose last layers were left in floats. */
function head(finish: (graph: ReturnType<typeof createQdqGraph>, name: string) => string, dims: number[]): Bytes {
  const graph = createQdqGraph(3)
  const w = graph.weights({ dims: [9, 4, 3, 3], perChannel: true, scale: 0.003 })
  const a = graph.quantised(graph.input([1, 4, 6, 5]), x)
  const y = graph.quantised(graph.node('Conv', [a, w.name], { kernel_shape: [3, 3] }), x)
  graph.output(finish(graph, y), dims)
  return graph.build()
}

describe('what quantising left alone, against onnxruntime', () => {
  for (const opType of ['Sigmoid', 'Tanh', 'Exp', 'Abs', 'Neg', 'Relu']) {
    test(opType, () => expectNear(head((graph, name) => graph.node(opType, [name]), [1, 9, 4, 3])))
  }

  test('a square root of what is not negative', () =>
    expectNear(head((graph, name) => graph.node('Sqrt', [graph.node('Abs', [name])]), [1, 9, 4, 3])))

  test('a dense layer with its bias and its bounds', () =>
    expectNear(
      head(
        (graph, name) => {
          const floats = (dims: number[]): string => {
            const count = dims.reduce((all, n) => all * n, 1)
            const values = Array.from({ length: count }, () => graph.random(200) / 100 - 1)
            return graph.constant('weights', graph.floats(values, dims))
          }
          const flat = graph.node('Flatten', [name])
          const dense = graph.node('Gemm', [flat, floats([7, 108]), floats([7])], { transB: 1 })
          const bounds = [-3, 3].map((value) => graph.constant('bound', graph.floats([value])))
          return graph.node('MatMul', [graph.node('Clip', [dense, ...bounds]), floats([7, 3])])
        },
        [1, 3],
      ),
    ))

  for (const opType of ['Add', 'Sub', 'Mul', 'Div']) {
    test(`${opType} with constants and with another value`, () =>
      expectNear(
        head(
          (graph, name) => {
            const scalar = graph.constant('scalar', graph.floats([1.7]))
            const row = graph.constant('row', graph.floats([0.5, 1.5, -2], [3]))
            const first = graph.node(opType, [name, scalar])
            return graph.node('Add', [graph.node(opType, [first, row]), name])
          },
          [1, 9, 4, 3],
        ),
      ))
  }
})
