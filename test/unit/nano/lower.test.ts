import { describe, expect, test } from 'vitest'
import { placeBuffers } from '../../../src/onnx/lower/arena.ts'
import { lower } from '../../../src/onnx/lower/lower.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

const x = { type: 'int8', scale: 0.02, zero: 0 } as const

const graphFloats = (dims: number[]) => {
  const count = dims.reduce((all, n) => all * n, 1)
  return { type: 'float32', dims, data: new Float32Array(count).fill(0.01) } as const
}

describe('lowering', () => {
  test('names every node that stands in the way', () => {
    const graph = createQdqGraph(1)
    const a = graph.quantised(graph.input([1, 8, 4, 4]), x)
    const b = graph.node('Det', [a])
    const c = graph.node('TopK', [a])
    const after = graph.node('Relu', [b])
    graph.output(after, [1, 8, 4, 4])
    graph.output(c, [1])
    const attempt = () => lower(graph.build())
    expect(attempt).toThrow(expect.objectContaining({ code: 'model/unsupported-by-nano' }))
    expect(attempt).toThrow(/Det "det_\d+" is not an operator of nano; TopK "topk_\d+"/)
    // What follows from a node that is missing is no problem of its own.
    expect(attempt).not.toThrow(/Relu/)
  })

  test('refuses sums that could leave the range in which rounding is exact', () => {
    const graph = createQdqGraph(1)
    const w = graph.weights({ dims: [8, 64, 3, 3] })
    const a = graph.quantised(graph.input([1, 64, 4, 4]), { ...x, scale: 1000 })
    const y = graph.node('Conv', [a, w.name], { kernel_shape: [3, 3] })
    graph.output(graph.quantised(y, { ...x, scale: 0.001 }), [1, 8, 2, 2])
    expect(() => lower(graph.build())).toThrow(/Conv "conv_\d+" its sums can reach/)
  })

  test('refuses weights whose scales do not fit them', () => {
    for (const scales of [graphFloats([2, 2]), graphFloats([3])]) {
      const graph = createQdqGraph(1)
      const weights = graph.constant('weights', { type: 'int8', dims: [8, 8], data: new Int8Array(64).fill(1) })
      const w = graph.node('DequantizeLinear', [weights, graph.constant('scale', scales)], { axis: 0 })
      const a = graph.quantised(graph.input([1, 8]), x)
      graph.output(graph.quantised(graph.node('MatMul', [a, w]), x), [1, 8])
      expect(() => lower(graph.build())).toThrow(/DequantizeLinear .* (in blocks|has 3 scales for \[8, 8\])/)
    }
  })

  test('reports what the plan needs', () => {
    const graph = createQdqGraph(1)
    const w = graph.weights({ dims: [16, 8, 1, 1] })
    const a = graph.quantised(graph.input([1, 8, 4, 4]), x)
    graph.output(graph.quantised(graph.node('Conv', [a, w.name]), x), [1, 16, 4, 4])
    const { plan, report } = lower(graph.build())
    expect(report.planBytes).toBe(plan.length)
    expect(report.steps.map(({ kind }) => kind)).toEqual(['quantise', 'multiply', 'dequantise'])
    expect(report.steps[1]?.work).toBe(4 * 4 * 8 * 16)
    expect(report.weightsBytes).toBe(2 * (64 + 8 * 8))
    expect(report.memoryBytes).toBeGreaterThan(report.weightsBytes + report.arenaBytes)
  })

  test('places buffers that are alive together apart, and reuses the room of others', () => {
    const buffers = Array.from({ length: 40 }, (_, i) => ({
      bytes: 16 * (1 + ((i * 7) % 11)),
      first: i,
      last: i + 1 + (i % 3),
    }))
    const { addresses, bytes } = placeBuffers(buffers)
    for (const a of buffers) {
      for (const b of buffers) {
        if (a === b || a.last < b.first || b.last < a.first) continue
        const [at, bt] = [addresses.get(a) ?? 0, addresses.get(b) ?? 0]
        expect(at + a.bytes <= bt || bt + b.bytes <= at).toBe(true)
      }
    }
    const mostAlive = Math.max(
      ...buffers.map(({ first }) =>
        buffers.reduce((sum, b) => sum + (b.first <= first && first <= b.last ? b.bytes : 0), 0),
      ),
    )
    expect(bytes).toBeGreaterThanOrEqual(mostAlive)
    expect(bytes).toBeLessThan(1.5 * mostAlive)
  })
})
