import { describe, expect, it } from 'vitest'
import { makeNode } from '../../../src/onnx/attribute.ts'
import { withModel } from '../../../src/onnx/engine.ts'
import { createGraph, type Graph } from '../../../src/onnx/graph.ts'
import { quantiseBlocks } from '../../../src/onnx/quantise/blocks.ts'
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

async function expectNear(float: Graph, small: Graph, most: number): Promise<void> {
  for (const seed of [1, 2]) {
    const [wanted, got] = [await answer(float, seed), await answer(small, seed)]
    const largest = Math.max(...wanted.map(Math.abs))
    const worst = Math.max(...wanted.map((value, i) => Math.abs(value - (got[i] ?? Number.NaN))))
    expect(worst / largest).toBeLessThan(most)
    expect(worst).toBeGreaterThan(0)
  }
}

describe('dynamic int8', () => {
  it('answers as the float net does, in a third of the bytes', async () => {
    const float = makeDense()
    const int8 = quantiseDynamic(float)
    expect(writeModel(int8.model).length).toBeLessThan(writeModel(float.model).length / 2.5)
    expect(int8.nodes.filter(({ opType }) => opType === 'DynamicQuantizeLinear')).toHaveLength(2)
    await expectNear(float, int8, 0.02)
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

/** Ids to rows of a table, a recurrent layer over them, and a product. */
function makeRecurrent(): Graph {
  const random = createRandom(5)
  const model = makeModel({
    inputs: { ids: [6, 1] },
    outputs: { y: [6, 1, 1, 40] },
    constants: {
      table: randomFloats([50, 24], random),
      w: randomFloats([1, 160, 24], random, 0.3),
      r: randomFloats([1, 160, 40], random, 0.3),
      m: randomFloats([40, 40], random),
    },
    nodes: [
      makeNode('Gather', ['table', 'ids'], ['x'], { axis: 0 }),
      makeNode('LSTM', ['x', 'w', 'r'], ['h'], { hidden_size: 40 }),
      makeNode('MatMul', ['h', 'm'], ['y']),
    ],
  })
  const type = model.graph?.input[0]?.type?.value
  if (type?.case === 'tensorType') type.value.elemType = 7
  return createGraph(model)
}

describe('weights stored small', () => {
  const bytes = (graph: Graph): number => writeModel(graph.model).length

  it('of tables and recurrent layers are int8, widened where they are used', async () => {
    const float = makeRecurrent()
    const int8 = quantiseDynamic(float)
    expect(bytes(int8)).toBeLessThan(bytes(float) / 3)
    expect(int8.nodes.filter(({ opType }) => opType === 'LSTM')).toHaveLength(1)
    await expectNear(float, int8, 0.03)
  })

  it.each([
    [4, 0.12],
    [3, 0.3],
  ])('are in blocks of %d bits for onnxruntime', async (bits, most) => {
    const float = makeDense()
    const blocks = quantiseBlocks(float, bits)
    expect(blocks.nodes.filter(({ opType }) => opType === 'MatMulNBits')).toHaveLength(3)
    expect(bytes(blocks)).toBeLessThan(bytes(float) / 4)
    await expectNear(float, blocks, most)
    const stored = blocks.constants.flatMap((name) => {
      const constant = blocks.constant(name)
      return constant?.type === 'uint8' ? [...constant.data] : []
    })
    const values = new Set(stored.flatMap((byte) => [byte & 15, byte >> 4]))
    expect(Math.max(...values) - Math.min(...values)).toBeLessThanOrEqual(2 * (2 ** (bits - 1) - 1))
  })

  it('are refused where there is nothing to store', () => {
    const graph = createGraph(
      makeModel({ inputs: { x: [2] }, outputs: { y: [2] }, nodes: [makeNode('Relu', ['x'], ['y'])] }),
    )
    for (const quantise of [quantiseDynamic, (one: Graph) => quantiseBlocks(one, 4)])
      expect(() => quantise(graph)).toThrow(expect.objectContaining({ code: 'model/nothing-to-quantise' }))
  })
})
