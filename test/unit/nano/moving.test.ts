import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/lib/bytes.ts'
import { compare } from '../../helpers/compare-engines.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

const x = { type: 'uint8', scale: 0.02, zero: 100 } as const

type Graph = ReturnType<typeof createQdqGraph>

const shape = (graph: Graph, values: number[]): string =>
  graph.constant('shape', { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) })

async function expectExact(model: Bytes, seed = 5): Promise<void> {
  const { steps, outputs } = await compare(model, seed)
  expect(steps.filter(({ differ }) => differ > 0)).toEqual([])
  for (const difference of outputs) expect(difference).toBeLessThan(1e-5)
}

/** Between two convolutions, so that what moves comes from the kernels' own layout and goes back to it. */
function between(dims: number[], move: (graph: Graph, name: string) => string, moved: number[], seed = 1): Bytes {
  const graph = createQdqGraph(seed)
  const [, channels = 1] = dims
  const first = graph.weights({ dims: [channels, channels, 1, 1], scale: 0.002 })
  const a = graph.quantised(graph.input(dims), x)
  const b = graph.quantised(graph.node('Conv', [a, first.name], { kernel_shape: [1, 1] }), x)
  const c = graph.quantised(move(graph, b), x)
  const [, after = 1, ...size] = moved
  const last = graph.weights({ dims: [5, after, 1, 1], scale: 0.002 })
  const d = graph.node('Conv', [c, last.name], { kernel_shape: [1, 1] })
  graph.output(graph.quantised(d, x), [1, 5, ...size])
  return graph.build()
}

describe('values that move, against onnxruntime', () => {
  const moves: Record<string, [number[], (graph: Graph, name: string) => string, number[]]> = {
    'a transposition of the image': [
      [1, 11, 4, 6],
      (graph, name) => graph.node('Transpose', [name], { perm: [0, 1, 3, 2] }),
      [1, 11, 6, 4],
    ],
    'channels changing places with rows': [
      [1, 11, 4, 6],
      (graph, name) => graph.node('Transpose', [name], { perm: [0, 2, 1, 3] }),
      [1, 4, 11, 6],
    ],
    'a reshape that mixes channels and pixels': [
      [1, 12, 4, 6],
      (graph, name) => graph.node('Reshape', [name, shape(graph, [1, 6, 8, 6])]),
      [1, 6, 8, 6],
    ],
    'a shuffle of channels': [
      [1, 12, 4, 4],
      (graph, name) => {
        const split = graph.node('Reshape', [name, shape(graph, [1, 3, 4, 4, 4])])
        const turned = graph.node('Transpose', [split], { perm: [0, 2, 1, 3, 4] })
        return graph.node('Reshape', [turned, shape(graph, [1, 12, 4, 4])])
      },
      [1, 12, 4, 4],
    ],
    'a slice of channels': [
      [1, 20, 3, 3],
      (graph, name) => graph.node('Slice', [name, shape(graph, [3]), shape(graph, [-4]), shape(graph, [1])]),
      [1, 13, 3, 3],
    ],
    'a slice of rows and columns with steps': [
      [1, 9, 8, 7],
      (graph, name) =>
        graph.node('Slice', [
          name,
          shape(graph, [1, 0]),
          shape(graph, [8, 1000]),
          shape(graph, [2, 3]),
          shape(graph, [3, 2]),
        ]),
      [1, 9, 3, 4],
    ],
    'depth to space': [
      [1, 20, 3, 5],
      (graph, name) => graph.node('DepthToSpace', [name], { blocksize: 2 }),
      [1, 5, 6, 10],
    ],
    'depth to space, columns first': [
      [1, 20, 3, 5],
      (graph, name) => graph.node('DepthToSpace', [name], { blocksize: 2, mode: 'CRD' }),
      [1, 5, 6, 10],
    ],
    'space to depth': [
      [1, 5, 6, 4],
      (graph, name) => graph.node('SpaceToDepth', [name], { blocksize: 2 }),
      [1, 20, 3, 2],
    ],
    'nearest neighbours twice as large': [
      [1, 9, 3, 4],
      (graph, name) =>
        graph.node('Resize', [name, '', graph.constant('scales', graph.floats([1, 1, 2, 3], [4]))], {
          mode: 'nearest',
          coordinate_transformation_mode: 'asymmetric',
          nearest_mode: 'floor',
        }),
      [1, 9, 6, 12],
    ],
    'padding by a value': [
      [1, 9, 3, 4],
      (graph, name) =>
        graph.node('Pad', [name, shape(graph, [0, 0, 1, 2, 0, 0, 3, 0]), graph.constant('value', graph.floats([0.5]))]),
      [1, 9, 7, 6],
    ],
  }
  for (const [name, [dims, move, moved]] of Object.entries(moves)) {
    test(name, () => expectExact(between(dims, move, moved)))
  }

  test('concatenation of channels, with scales of their own', async () => {
    for (const channels of [
      [8, 16],
      [3, 5, 9],
    ]) {
      const graph = createQdqGraph(3)
      const parts = channels.map((n, i) =>
        graph.quantised(graph.input([1, n, 4, 3]), { ...x, scale: i === 0 ? x.scale : 0.013 * (i + 1), zero: 90 + i }),
      )
      const joined = graph.quantised(graph.node('Concat', parts, { axis: 1 }), x)
      const count = channels.reduce((sum, n) => sum + n, 0)
      const w = graph.weights({ dims: [4, count, 3, 3], scale: 0.001 })
      const y = graph.node('Conv', [joined, w.name], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })
      graph.output(graph.quantised(y, x), [1, 4, 4, 3])
      await expectExact(graph.build())
    }
  })

  test('heads of a detector: pixels of several sizes, one after the other, as reals', async () => {
    const graph = createQdqGraph(4)
    const w = graph.weights({ dims: [6, 3, 1, 1], scale: 0.003 })
    const heads = [4, 2].map((size) => {
      const a = graph.quantised(graph.input([1, 3, size, size]), x)
      const y = graph.quantised(graph.node('Conv', [a, w.name], { kernel_shape: [1, 1] }), x)
      const last = graph.node('Transpose', [y], { perm: [0, 2, 3, 1] })
      return graph.node('Reshape', [last, shape(graph, [1, -1, 2])])
    })
    graph.output(graph.node('Softmax', [graph.node('Concat', heads, { axis: 1 })], { axis: -1 }), [1, 60, 2])
    await expectExact(graph.build())
  })

  test('halves of a split, one multiplied by the other', async () => {
    const graph = createQdqGraph(5)
    const w = graph.weights({ dims: [20, 3, 1, 1], scale: 0.003 })
    const a = graph.quantised(graph.input([1, 3, 4, 4]), x)
    const y = graph.quantised(graph.node('Conv', [a, w.name], { kernel_shape: [1, 1] }), x)
    const halves = graph.split(y, 2, 1).map((half) => graph.quantised(half, x))
    const gate = graph.quantised(graph.node('Sigmoid', [halves[1] ?? '']), { type: 'uint8', scale: 1 / 256, zero: 0 })
    graph.output(graph.quantised(graph.node('Mul', [halves[0] ?? '', gate]), x), [1, 10, 4, 4])
    await expectExact(graph.build())
  })
})
