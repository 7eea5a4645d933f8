import { describe, expect, it } from 'vitest'
import { makeNode } from '../../../src/onnx/attribute.ts'
import type { Constant } from '../../../src/onnx/constant.ts'
import { createGraph } from '../../../src/onnx/graph.ts'
import type { Pass } from '../../../src/onnx/passes/pass.ts'
import { simplify } from '../../../src/onnx/simplify.ts'
import { openModel as open } from './engine.ts'
import { createRandom, makeModel, makeSmallNet, randomFloats } from './make.ts'

describe('simplifying', () => {
  it('folds batch normalisation and drops what is left over, with the same answers', async () => {
    const before = createGraph(makeSmallNet())
    const { graph, reports } = await simplify(before, { open })
    expect(graph.nodes.map((node) => node.opType)).toEqual([
      'Conv',
      'Clip',
      'Conv',
      'Relu',
      'GlobalAveragePool',
      'Reshape',
      'Gemm',
    ])
    expect(reports.map(({ pass, kept }) => [pass, kept])).toContainEqual(['batch normalisation into convolution', true])
    expect(Math.max(...reports.map((report) => report.difference))).toBeLessThan(1e-5)
    expect(graph.constants).not.toContain('gamma')
    expect(before.nodes).toHaveLength(8)
  })

  it('folds the normalisation of a grouped transposed convolution', async () => {
    const random = createRandom(3)
    const ones = { type: 'float32', dims: [6], data: Float32Array.of(1, 2, 3, 4, 5, 6) } as const
    const model = makeModel({
      inputs: { x: [1, 4, 5, 5] },
      outputs: { y: [1, 6, 9, 9] },
      constants: { w: randomFloats([4, 3, 3, 3], random), s: ones, b: ones, m: ones, v: ones },
      nodes: [
        makeNode('ConvTranspose', ['x', 'w'], ['c'], { strides: [2, 2], pads: [1, 1, 1, 1], group: 2 }),
        makeNode('BatchNormalization', ['c', 's', 'b', 'm', 'v'], ['y']),
      ],
    })
    const { graph, reports } = await simplify(createGraph(model), { open })
    expect(reports[0]).toMatchObject({ kept: true, changed: 1 })
    expect(graph.nodes).toHaveLength(1)
  })

  it('leaves a normalisation alone when something else reads the convolution', async () => {
    const model = makeSmallNet()
    model.graph?.node.push(makeNode('GlobalAveragePool', ['c1'], ['other']))
    const extra = makeModel({ inputs: {}, outputs: { other: [1, 8, 1, 1] }, nodes: [] }).graph?.output[0]
    if (extra) model.graph?.output.push(extra)
    const { graph } = await simplify(createGraph(model), { open })
    expect(graph.nodes.map((node) => node.opType)).toContain('BatchNormalization')
  })

  it('computes constants once, through shapes too', async () => {
    const model = makeModel({
      inputs: { x: [1, 2, 4, 4] },
      outputs: { y: [1, 32] },
      constants: {
        zero: { type: 'int64', dims: [1], data: BigInt64Array.of(0n) },
        rest: { type: 'int64', dims: [1], data: BigInt64Array.of(-1n) },
      },
      nodes: [
        makeNode('Shape', ['x'], ['s']),
        makeNode('Gather', ['s', 'zero'], ['n'], { axis: 0 }),
        makeNode('Concat', ['n', 'rest'], ['to'], { axis: 0 }),
        makeNode('Identity', ['x'], ['same']),
        makeNode('Reshape', ['same', 'to'], ['y']),
      ],
    })
    const { graph } = await simplify(createGraph(model), { open })
    expect(graph.nodes.map((node) => node.opType)).toEqual(['Reshape'])
  })

  it('drops a pass that changes the answer, and says so', async () => {
    const wrong: Pass = {
      name: 'wrong',
      run(graph) {
        const relu = graph.nodes.find((node) => node.opType === 'Relu')
        if (!relu) return 0
        graph.update({ remove: [relu], add: [makeNode('Neg', relu.input, relu.output)] })
        return 1
      },
    }
    const broken: Pass = {
      name: 'broken',
      run(graph) {
        graph.update({ remove: graph.nodes.slice(0, 1) })
        return 1
      },
    }
    const before = createGraph(makeSmallNet())
    const { graph, reports } = await simplify(before, { open, passes: [wrong, broken] })
    expect(reports).toMatchObject([
      { pass: 'wrong', kept: false },
      { pass: 'broken', kept: false, error: expect.stringContaining('nothing makes') },
    ])
    expect(graph.nodes).toEqual(before.nodes)
  })

  it('asks for the shape that a model leaves open', async () => {
    const model = makeModel({
      inputs: { x: ['batch', 'length'] },
      outputs: { y: ['batch', 'length'] },
      nodes: [makeNode('Relu', ['x'], ['y'])],
    })
    await expect(simplify(createGraph(model), { open })).rejects.toMatchObject({ code: 'model/open-shape' })
    await expect(simplify(createGraph(model), { open, dims: { x: [1, 7] } })).resolves.toBeDefined()
  })

  it.each([
    ['Relu then Clip to 6', 13, [makeNode('Relu', ['x'], ['a']), makeNode('Clip', ['a', '', 'six'], ['y'])], ['Clip']],
    ['Clip then Relu', 13, [makeNode('Clip', ['x', 'low'], ['a']), makeNode('Relu', ['a'], ['y'])], ['Relu']],
    [
      'three in a row',
      13,
      [makeNode('Relu', ['x'], ['a']), makeNode('Clip', ['a', 'low', 'six'], ['b']), makeNode('Relu', ['b'], ['y'])],
      ['Clip'],
    ],
    [
      'limits that do not meet',
      13,
      [makeNode('Clip', ['x', '', 'low'], ['a']), makeNode('Clip', ['a', 'six'], ['y'])],
      ['Clip'],
    ],
    [
      'old attributes',
      9,
      [
        makeNode('Relu', ['x'], ['a']),
        makeNode('Clip', ['a'], ['b'], { max: { float: 0.5 } }),
        makeNode('LRN', ['b'], ['y'], { size: 1 }),
      ],
      ['Clip', 'LRN'],
    ],
  ] as const)('makes one clamp of %s', async (_, opset, nodes, kinds) => {
    const model = makeModel({
      opset,
      inputs: { x: [1, 2, 3, 4] },
      outputs: { y: [1, 2, 3, 4] },
      constants: {
        low: { type: 'float32', dims: [], data: Float32Array.of(-0.2) },
        six: { type: 'float32', dims: [], data: Float32Array.of(0.6) },
      },
      nodes: [...nodes],
    })
    const { graph, reports } = await simplify(createGraph(model), { open })
    expect(reports.filter(({ kept }) => !kept)).toEqual([])
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(kinds)
  })

  it('keeps equal weights once, and only those', async () => {
    const random = createRandom(2)
    const weight = randomFloats([20, 20], random)
    const model = makeModel({
      inputs: { x: [2, 20] },
      outputs: { y: [2, 20] },
      constants: {
        a: weight,
        b: { ...weight, data: weight.data.slice() } as Constant,
        c: randomFloats([20, 20], random),
      },
      nodes: ['a', 'b', 'c'].map((name, i) =>
        makeNode('MatMul', [i === 0 ? 'x' : `m${i}`, name], [i === 2 ? 'y' : `m${i + 1}`]),
      ),
    })
    const { graph, reports } = await simplify(createGraph(model), { open })
    expect(reports).toContainEqual(expect.objectContaining({ pass: 'equal weights once', changed: 1, kept: true }))
    expect(graph.constants).toEqual(['a', 'c'])
  })

  it('brings an old model to the opset that int8 needs, constants that were inputs too', async () => {
    const model = makeModel({
      inputs: { x: [1, 2, 4], w: [4, 3] },
      outputs: { y: [2, 3] },
      opset: 9,
      constants: { w: randomFloats([4, 3], createRandom(4)) },
      nodes: [
        makeNode('Clip', ['x'], ['c'], { min: { float: -0.5 }, max: { float: 0.5 } }),
        makeNode('Squeeze', ['c'], ['s'], { axes: [0] }),
        makeNode('MatMul', ['s', 'w'], ['m']),
        makeNode('Softmax', ['m'], ['y'], { axis: 1 }),
      ],
    })
    model.irVersion = 3n
    const { graph, reports } = await simplify(createGraph(model), { open })
    expect(reports).toContainEqual(expect.objectContaining({ pass: 'upgrade opset', kept: true }))
    expect(graph.opset()).toBe(13)
    expect(graph.model.graph?.input.map(({ name }) => name)).toEqual(['x'])
  })

  it.each([
    ['a Softmax over several axes', makeNode('Softmax', ['x'], ['y'], { axis: 1 })],
    ['an operator it does not know', makeNode('Upsample', ['x', 'scales'], ['y'])],
  ])('leaves %s at its version', async (_, node) => {
    const model = makeModel({
      inputs: { x: [1, 2, 4, 4] },
      outputs: { y: [1, 2, 4, 4] },
      opset: 9,
      constants: { scales: { type: 'float32', dims: [4], data: Float32Array.of(1, 1, 1, 1) } },
      nodes: [node],
    })
    const { graph, reports } = await simplify(createGraph(model), { open })
    expect(graph.opset()).toBe(9)
    expect(reports).toContainEqual(expect.objectContaining({ pass: 'upgrade opset', kept: false }))
  })
})
