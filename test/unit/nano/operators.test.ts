import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/lib/bytes.ts'
import { compare } from '../../helpers/compare-engines.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

const x = { type: 'uint8', scale: 0.03, zero: 120 } as const

/**
 * onnxruntime has no int8 kernel for these: it dequantises, works in floats and quantises, whose order of sums and
 * roundings is its own. One step off, seldom, is as near as there is.
 */
async function expectWithinOneStep(model: Bytes, share = 0.002): Promise<void> {
  const { steps } = await compare(model, 9)
  for (const { worstSteps, differ, count, name } of steps) {
    expect(worstSteps, name).toBeLessThanOrEqual(1)
    expect(differ, name).toBeLessThanOrEqual(Math.ceil(count * share))
  }
}

async function expectExact(model: Bytes): Promise<void> {
  const { steps } = await compare(model, 9)
  expect(steps.filter(({ differ }) => differ > 0)).toEqual([])
}

describe('functions of one value, by table', () => {
  const functions: Record<string, { scale: number; zero: number; attributes?: Record<string, { float: number }> }> = {
    Sigmoid: { scale: 1 / 256, zero: 0 },
    Tanh: { scale: 1 / 128, zero: 128 },
    HardSigmoid: { scale: 1 / 256, zero: 0, attributes: { alpha: { float: 0.17 }, beta: { float: 0.5 } } },
    HardSwish: { scale: 0.02, zero: 20 },
    LeakyRelu: { scale: 0.02, zero: 30, attributes: { alpha: { float: 0.1 } } },
    Elu: { scale: 0.02, zero: 50 },
    Softplus: { scale: 0.02, zero: 0 },
    Erf: { scale: 1 / 128, zero: 128 },
    Exp: { scale: 0.3, zero: 0 },
    Abs: { scale: 0.02, zero: 0 },
    Neg: { scale: 0.03, zero: 130 },
    Relu: { scale: 0.02, zero: 0 },
  }
  for (const [opType, { scale, zero, attributes = {} }] of Object.entries(functions)) {
    test(opType, async () => {
      const graph = createQdqGraph(1, 14)
      const a = graph.quantised(graph.input([1, 11, 9, 7]), x)
      graph.output(graph.quantised(graph.node(opType, [a], attributes), { type: 'uint8', scale, zero }), [1, 11, 9, 7])
      await expectWithinOneStep(graph.build())
    })
  }

  test('a Clip that is tighter than the quantisation behind it', async () => {
    const graph = createQdqGraph(1)
    const w = graph.weights({ dims: [8, 8, 1, 1], scale: 0.002 })
    const a = graph.quantised(graph.input([1, 8, 6, 6]), x)
    const y = graph.node('Conv', [a, w.name], { kernel_shape: [1, 1] })
    const bounds = [-1, 1.5].map((value) => graph.constant('bound', graph.floats([value])))
    graph.output(graph.quantised(graph.node('Clip', [y, ...bounds]), x), [1, 8, 6, 6])
    // Not fused there: the convolution runs in floats.
    await expectWithinOneStep(graph.build())
  })
})

describe('other operators', () => {
  test('constants added and multiplied, of one value, by channel, and whole', async () => {
    for (const dims of [[1], [11, 1, 1], [1, 11, 5, 4], [5, 4]]) {
      for (const opType of ['Add', 'Mul', 'Sub']) {
        const graph = createQdqGraph(dims.length)
        const a = graph.quantised(graph.input([1, 11, 5, 4]), x)
        const b = graph.weights({ dims, type: 'uint8', zero: 128, scale: 0.02 })
        const operands = opType === 'Sub' ? [b.name, a] : [a, b.name]
        graph.output(graph.quantised(graph.node(opType, operands), { ...x, scale: 0.06 }), [1, 11, 5, 4])
        await expectExact(graph.build())
      }
    }
  })

  test('a mean over the image', async () => {
    for (const keepdims of [0, 1]) {
      const graph = createQdqGraph(2)
      const a = graph.quantised(graph.input([1, 13, 5, 7]), x)
      const y = graph.node('ReduceMean', [a], { axes: [2, 3], keepdims })
      graph.output(graph.quantised(y, { ...x, scale: 0.011 }), keepdims ? [1, 13, 1, 1] : [1, 13])
      await expectWithinOneStep(graph.build())
    }
  })

  test('transposed convolutions', async () => {
    const cases = [
      { inside: 5, outside: 7, kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0] },
      { inside: 8, outside: 3, kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] },
      { inside: 3, outside: 8, kernel: [4, 3], strides: [2, 1], pads: [1, 0, 1, 2] },
    ]
    for (const { inside, outside, ...attributes } of cases) {
      const graph = createQdqGraph(inside)
      const a = graph.quantised(graph.input([1, inside, 4, 5]), x)
      const w = graph.weights({
        dims: [inside, outside, ...attributes.kernel],
        perChannel: true,
        axis: 1,
        scale: 0.002,
      })
      const { kernel, ...rest } = attributes
      const y = graph.node('ConvTranspose', [a, w.name, graph.bias(outside, x.scale, w.scales)], {
        kernel_shape: kernel,
        ...rest,
      })
      const extra = attributes.output_padding ?? [0, 0]
      const size = [4, 5].map(
        (n, i) =>
          (n - 1) * (attributes.strides[i] ?? 1) +
          (kernel[i] ?? 1) +
          (extra[i] ?? 0) -
          (attributes.pads[i] ?? 0) -
          (attributes.pads[i + 2] ?? 0),
      )
      graph.output(graph.quantised(y, x), [1, outside, ...size])
      await expectWithinOneStep(graph.build(), 0.01)
    }
  })

  test('a product of rows: tokens by a matrix', async () => {
    const graph = createQdqGraph(6)
    const a = graph.quantised(graph.input([1, 9, 20]), x)
    const w = graph.weights({ dims: [20, 11], perChannel: true, axis: 1, scale: 0.003 })
    graph.output(graph.quantised(graph.node('MatMul', [a, w.name]), x), [1, 9, 11])
    await expectExact(graph.build())
  })

  test('a convolution over time', async () => {
    const graph = createQdqGraph(7)
    const a = graph.quantised(graph.input([1, 10, 31]), x)
    const w = graph.weights({ dims: [12, 10, 5], perChannel: true, scale: 0.002 })
    const attributes = { kernel_shape: [5], strides: [2], pads: [2, 2], dilations: [1] }
    graph.output(graph.quantised(graph.node('Conv', [a, w.name], attributes), x), [1, 12, 16])
    await expectExact(graph.build())
  })
})
