import { expect, test } from 'vitest'
import { planText } from '../../../src/cli/plan-text.ts'
import { lower } from '../../../src/onnx/lower/lower.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

test('a plan is told node by node, with its multiply-adds, weights and memory', () => {
  const graph = createQdqGraph(1)
  const x = { type: 'int8', scale: 0.02, zero: 0 } as const
  const w = graph.weights({ dims: [16, 8, 3, 3] })
  const a = graph.quantised(graph.input([1, 8, 6, 6]), x)
  const conv = graph.node('Conv', [a, w.name], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })
  graph.output(graph.quantised(conv, x), [1, 16, 6, 6])
  const { report } = lower(graph.build())
  const lines = planText('a net', report).split('\n')
  expect(lines[0]).toMatch(/^a net: 4 steps, 0\.\d\d million/)
  expect(lines[1]).toMatch(/^plan \d+ KB, weights \d+ KB, arena \d+ KB, memory \d+ KB$/)
  // 6 x 6 x 72 x 16 products and the padding; two blocks of 8 channels, each 64 bytes and 72 x 8 weights.
  const words = lines.find((line) => line.startsWith('conv_'))?.split(/\s+/)
  expect(words?.slice(1, 3)).toEqual(['pad', 'convolve'])
  expect(words?.[3]).toBe(String(6 * 6 * 72 * 16 + 8 * 8 * 8))
  expect(words?.at(-1)).toBe(String(2 * (64 + 72 * 8)))
})
