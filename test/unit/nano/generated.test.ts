import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bytes } from '../../../src/lib/bytes.ts'
import { compare } from '../../helpers/compare-engines.ts'
import { type Activation, createQdqGraph } from '../../helpers/qdq-graph.ts'

const activation = (scale = 0.02): fc.Arbitrary<Activation> =>
  fc.oneof(
    fc.record({
      type: fc.constant('uint8' as const),
      scale: fc.constant(scale),
      zero: fc.integer({ min: 0, max: 255 }),
    }),
    fc.record({
      type: fc.constant('int8' as const),
      scale: fc.constant(scale),
      zero: fc.integer({ min: -128, max: 127 }),
    }),
  )

async function expectExact(model: Bytes, seed: number): Promise<void> {
  const { steps, outputs } = await compare(model, seed)
  expect(steps.filter(({ differ }) => differ > 0)).toEqual([])
  for (const difference of outputs) expect(difference).toBeLessThan(1e-5)
}

const options = { numRuns: 60, seed: 20261123, endOnFailure: true }

describe('generated graphs, against onnxruntime', () => {
  test('convolutions of any kernel, stride, padding, dilation, group and channel count', async () => {
    const shapes = fc.record({
      seed: fc.nat(1_000_000),
      // The input and what the convolution makes share a type: onnxruntime has no kernels for mixed ones.
      x: activation(),
      zero: fc.nat(255),
      inside: fc.integer({ min: 1, max: 20 }),
      outside: fc.integer({ min: 1, max: 20 }),
      group: fc.integer({ min: 1, max: 4 }),
      depthwise: fc.boolean(),
      height: fc.integer({ min: 1, max: 12 }),
      width: fc.integer({ min: 1, max: 12 }),
      kernel: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
      square: fc.boolean(),
      strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      dilations: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
      pads: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
      weights: fc.constantFrom('int8', 'per-channel', 'uint8' as const),
      weightZero: fc.nat(255),
      bias: fc.boolean(),
      relu: fc.boolean(),
    })
    const property = fc.asyncProperty(shapes, async (s) => {
      const kernel = s.square ? [3, 3] : s.kernel
      const strides = s.square ? [s.strides[0], s.strides[0]] : s.strides
      const dilations = s.square ? [1, 1] : s.dilations
      const size = [s.height, s.width].map((n, i) => {
        const span = ((kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1
        return Math.floor((n + (s.pads[i] ?? 0) + (s.pads[i + 2] ?? 0) - span) / (strides[i] ?? 1)) + 1
      })
      fc.pre(size.every((n) => n >= 1))
      const group = s.depthwise ? s.inside : s.group
      const channels = s.depthwise ? s.inside : s.inside * s.group
      const count = s.depthwise ? s.inside : s.outside * s.group
      const graph = createQdqGraph(s.seed)
      const x = graph.quantised(graph.input([1, channels, s.height, s.width]), s.x)
      const dims = [count, channels / group, ...kernel]
      // onnxruntime's kernels take uint8 weights with uint8 activations, int8 weights with both.
      const unsigned = s.weights === 'uint8' && s.x.type === 'uint8'
      const w = graph.weights({
        dims,
        type: unsigned ? 'uint8' : 'int8',
        zero: unsigned ? s.weightZero : 0,
        perChannel: s.weights === 'per-channel',
      })
      const inputs = s.bias ? [x, w.name, graph.bias(count, s.x.scale, w.scales)] : [x, w.name]
      const taps = (channels / group) * (kernel[0] ?? 1) * (kernel[1] ?? 1)
      const y = graph.node('Conv', inputs, { kernel_shape: kernel, strides, dilations, pads: s.pads, group })
      const scale = s.x.scale * (w.scales[0] ?? 1) * Math.sqrt(taps) * 60
      const low = s.x.type === 'int8' ? -128 : 0
      // With its zero point at the bottom the quantisation is the Relu, and onnxruntime leaves it out.
      const zero = s.relu ? low : s.zero + low
      const bounded = s.relu ? graph.node('Relu', [y]) : y
      graph.output(graph.quantised(bounded, { type: s.x.type, scale, zero }), [1, count, ...size])
      await expectExact(graph.build(), s.seed)
    })
    await fc.assert(property, { ...options, numRuns: 150 })
  })

  test('matrix products, also behind a flattened image', async () => {
    const shapes = fc.record({
      seed: fc.nat(1_000_000),
      x: activation(),
      zero: fc.nat(255),
      channels: fc.integer({ min: 1, max: 40 }),
      height: fc.integer({ min: 1, max: 3 }),
      width: fc.integer({ min: 1, max: 3 }),
      columns: fc.integer({ min: 1, max: 40 }),
      transB: fc.boolean(),
      perChannel: fc.boolean(),
    })
    const property = fc.asyncProperty(shapes, async (s) => {
      const graph = createQdqGraph(s.seed)
      const inner = s.channels * s.height * s.width
      const x = graph.quantised(graph.input([1, s.channels, s.height, s.width]), s.x)
      const flat = graph.node('Flatten', [x], { axis: 1 })
      const again = graph.quantised(flat, s.x)
      const dims = s.transB ? [s.columns, inner] : [inner, s.columns]
      const w = graph.weights({ dims, perChannel: s.perChannel, axis: s.transB ? 0 : 1 })
      const bias = graph.bias(s.columns, s.x.scale, w.scales)
      const y = graph.node('Gemm', [again, w.name, bias], { transB: s.transB ? 1 : 0 })
      const scale = s.x.scale * (w.scales[0] ?? 1) * Math.sqrt(inner) * 60
      const zero = s.zero - (s.x.type === 'int8' ? 128 : 0)
      graph.output(graph.quantised(y, { type: s.x.type, scale, zero }), [1, s.columns])
      await expectExact(graph.build(), s.seed)
    })
    await fc.assert(property, options)
  })

  test('sums and products of two values', async () => {
    const shapes = fc.record({
      seed: fc.nat(1_000_000),
      opType: fc.constantFrom('Add', 'Mul', 'Sub'),
      type: fc.constantFrom('int8' as const, 'uint8' as const),
      zeros: fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)),
      scales: fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
      channels: fc.integer({ min: 1, max: 20 }),
      height: fc.integer({ min: 1, max: 5 }),
      width: fc.integer({ min: 1, max: 5 }),
      single: fc.constantFrom('', 'first', 'second'),
    })
    const property = fc.asyncProperty(shapes, async (s) => {
      const graph = createQdqGraph(s.seed)
      const low = s.type === 'int8' ? -128 : 0
      const full = [1, s.channels, s.height, s.width]
      const one = [1, s.channels, 1, 1]
      const [za, zb, zc] = s.zeros.map((zero) => zero + low) as [number, number, number]
      const a = graph.quantised(graph.input(s.single === 'first' ? one : full), {
        type: s.type,
        scale: 0.013 * s.scales[0],
        zero: za,
      })
      const b = graph.quantised(graph.input(s.single === 'second' ? one : full), {
        type: s.type,
        scale: 0.017 * s.scales[1],
        zero: zb,
      })
      const scale = s.opType === 'Mul' ? 0.05 * s.scales[0] * s.scales[1] : 0.01 * (s.scales[0] + s.scales[1])
      const y = graph.quantised(graph.node(s.opType, [a, b]), { type: s.type, scale, zero: zc })
      graph.output(y, full)
      await expectExact(graph.build(), s.seed)
    })
    await fc.assert(property, options)
  })

  test('pools', async () => {
    const shapes = fc.record({
      seed: fc.nat(1_000_000),
      opType: fc.constantFrom('AveragePool', 'MaxPool', 'GlobalAveragePool'),
      x: activation(),
      same: fc.boolean(),
      zero: fc.nat(255),
      channels: fc.integer({ min: 1, max: 20 }),
      height: fc.integer({ min: 3, max: 9 }),
      width: fc.integer({ min: 3, max: 9 }),
      kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
      padded: fc.boolean(),
      includePad: fc.nat(1),
    })
    const property = fc.asyncProperty(shapes, async (s) => {
      const graph = createQdqGraph(s.seed)
      const x = graph.quantised(graph.input([1, s.channels, s.height, s.width]), s.x)
      const pad = s.padded ? Math.min(...s.kernel) - 1 : 0
      const whole = s.opType === 'GlobalAveragePool'
      const attributes = {
        kernel_shape: s.kernel,
        strides: s.strides,
        pads: [pad, pad, pad, pad],
        ...(s.opType === 'AveragePool' && { count_include_pad: s.includePad }),
      }
      const pooled = graph.node(s.opType, [x], whole ? {} : attributes)
      const low = s.x.type === 'int8' ? -128 : 0
      const to = s.same || s.opType === 'MaxPool' ? s.x : { ...s.x, scale: 0.0157, zero: s.zero + low }
      const size = whole
        ? [1, 1]
        : [s.height, s.width].map((n, i) => Math.floor((n + 2 * pad - (s.kernel[i] ?? 1)) / (s.strides[i] ?? 1)) + 1)
      graph.output(graph.quantised(pooled, to), [1, s.channels, ...size])
      await expectExact(graph.build(), s.seed)
    })
    await fc.assert(property, options)
  })
})
