import * as fc from 'fast-check'
import { describe, test } from 'vitest'
import { expectSame } from '../../helpers/expect-same.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

const options = { numRuns: 40, seed: 20261127, endOnFailure: true }
const size = (max: number) => fc.integer({ min: 1, max })

describe('generated graphs of reals, against onnxruntime', () => {
  test('convolutions and pools of any window, stride, padding, dilation and group', async () => {
    const shapes = fc.record({
      seed: fc.nat(1_000_000),
      inside: size(5),
      outside: size(5),
      group: size(3),
      height: size(9),
      width: size(9),
      kernel: fc.tuple(size(4), size(4)),
      strides: fc.tuple(size(3), size(3)),
      dilations: fc.tuple(size(2), size(2)),
      pads: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
      opType: fc.constantFrom('Conv', 'MaxPool', 'AveragePool'),
      bias: fc.boolean(),
    })
    const property = fc.asyncProperty(shapes, async (s) => {
      const pool = s.opType !== 'Conv'
      const dilations = pool ? [1, 1] : s.dilations
      const pads = pool ? s.pads.map((pad, i) => Math.min(pad, (s.kernel[i % 2] ?? 1) - 1)) : s.pads
      const out = [s.height, s.width].map((n, i) => {
        const span = ((s.kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1
        return Math.floor((n + (pads[i] ?? 0) + (pads[i + 2] ?? 0) - span) / (s.strides[i] ?? 1)) + 1
      })
      fc.pre(out.every((n) => n >= 1))
      const graph = createQdqGraph(s.seed, 17)
      const channels = s.inside * s.group
      const x = graph.input([1, channels, s.height, s.width])
      const window = { kernel_shape: s.kernel, strides: s.strides, pads }
      if (pool) graph.output(graph.node(s.opType, [x], window), [1, channels, ...out])
      else {
        const count = s.outside * s.group
        const weights = graph.reals([count, s.inside, ...s.kernel])
        const inputs = s.bias ? [x, weights, graph.reals([count])] : [x, weights]
        graph.output(graph.node('Conv', inputs, { ...window, dilations, group: s.group }), [1, count, ...out])
      }
      await expectSame(graph)
    })
    await fc.assert(property, options)
  })

  test('products of matrices, spread over each other', async () => {
    const shapes = fc.record({
      seed: fc.nat(1_000_000),
      batch: fc.tuple(size(3), size(3)),
      spread: fc.constantFrom('none', 'left', 'right', 'both'),
      rows: size(7),
      depth: size(20),
      columns: size(40),
      constant: fc.boolean(),
    })
    const property = fc.asyncProperty(shapes, async (s) => {
      const graph = createQdqGraph(s.seed, 17)
      const [outer, inner] = s.batch
      const left = [s.spread === 'left' || s.spread === 'both' ? 1 : outer, inner, s.rows, s.depth]
      const right = [outer, s.spread === 'right' || s.spread === 'both' ? 1 : inner, s.depth, s.columns]
      const b = s.constant ? graph.reals(right) : graph.input(right)
      graph.output(graph.node('MatMul', [graph.input(left), b]), [outer, inner, s.rows, s.columns])
      await expectSame(graph)
    })
    await fc.assert(property, options)
  })

  test('joins, reductions and normalisations over any axes', async () => {
    const shapes = fc.record({
      seed: fc.nat(1_000_000),
      dims: fc.tuple(size(4), size(5), size(9)),
      kept: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      join: fc.constantFrom('Add', 'Sub', 'Mul', 'Max', 'Min'),
      axis: fc.nat(2),
      reduction: fc.constantFrom('ReduceMean', 'ReduceMax', 'ReduceL2'),
    })
    const property = fc.asyncProperty(shapes, async (s) => {
      const graph = createQdqGraph(s.seed, 18)
      const dims = [...s.dims]
      const other = dims.map((n, i) => (s.kept[i] ? n : 1))
      const joined = graph.node(s.join, [graph.input(dims), graph.input(other)])
      const soft = graph.node('Softmax', [joined], { axis: s.axis })
      const reduced = graph.node(s.reduction, [soft, graph.integers([s.axis])], { keepdims: 0 })
      graph.output(
        reduced,
        dims.filter((_, i) => i !== s.axis),
      )
      await expectSame(graph)
    })
    await fc.assert(property, options)
  })
})
