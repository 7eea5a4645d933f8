import { describe, expect, it } from 'vitest'
import { makeNode } from '../../../src/onnx/attribute.ts'
import { withModel } from '../../../src/onnx/engine.ts'
import { createGraph, type Graph } from '../../../src/onnx/graph.ts'
import { quantiseDynamic } from '../../../src/onnx/quantise/dynamic.ts'
import { randomInputs } from '../../../src/onnx/simplify.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { openModel as open } from './engine.ts'
import { createRandom, makeModel, randomFloats } from './make.ts'

/** Two products of one input, then a Gemm with a bias and turned weights. */
function makeDense(opset = 13): Graph {
  const random = createRandom(21)
  return createGraph(
    makeModel({
      opset,
      inputs: { x: [6, 40] },
      outputs: { y: [6, 30] },
      constants: {
        a: randomFloats([40, 64], random),
        b: randomFloats([40, 64], random),
        c: randomFloats([30, 64], random),
        d: randomFloats([30], random, 20),
      },
      nodes: [
        makeNode('MatMul', ['x', 'a'], ['xa']),
        makeNode('MatMul', ['x', 'b'], ['xb']),
        makeNode('Sigmoid', ['xb'], ['gate']),
        makeNode('Mul', ['xa', 'gate'], ['z']),
        makeNode('Gemm', ['z', 'c', 'd'], ['y'], { transB: 1 }),
      ],
    }),
  )
}

const answer = (graph: Graph, seed: number): Promise<number[]> =>
  withModel(open, writeModel(graph.model), async (runner) => {
    const { y } = await runner.run(randomInputs(graph, seed))
    return Array.from<number | bigint, number>(y?.data ?? [], Number)
  })

describe('dynamic int8', () => {
  it('answers as the float net does, in a third of the bytes', async () => {
    const float = makeDense()
    const int8 = quantiseDynamic(float)
    expect(writeModel(int8.model).length).toBeLessThan(writeModel(float.model).length / 2.5)
    expect(int8.nodes.filter(({ opType }) => opType === 'DynamicQuantizeLinear')).toHaveLength(2)
    for (const seed of [1, 2]) {
      const [wanted, got] = [await answer(float, seed), await answer(int8, seed)]
      const largest = Math.max(...wanted.map(Math.abs))
      const worst = Math.max(...wanted.map((value, i) => Math.abs(value - (got[i] ?? Number.NaN))))
      expect(worst / largest).toBeLessThan(0.02)
    }
  })

  it('leaves named and small products float, and refuses when none is left', () => {
    const kinds = (graph: Graph) => graph.nodes.map(({ opType }) => opType)
    expect(kinds(quantiseDynamic(makeDense(), new Set(['xa'])))).toContain('MatMul')
    expect(() => quantiseDynamic(makeDense(), new Set(['xa', 'xb', 'y']))).toThrow(
      expect.objectContaining({ code: 'model/nothing-to-quantise' }),
    )
    expect(() => quantiseDynamic(makeDense(10))).toThrow(expect.objectContaining({ code: 'model/opset' }))
  })
})
