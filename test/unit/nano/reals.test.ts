import { describe, test } from 'vitest'
import type { AttributeValue } from '../../../src/onnx/attribute.ts'
import type { Constant, ElementType } from '../../../src/onnx/constant.ts'
import { expectSame } from '../../helpers/expect-same.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

type Graph = ReturnType<typeof createQdqGraph>

type Case = [
  name: string,
  inputs: (number[] | [ElementType, number[]])[],
  make: (graph: Graph, ...names: string[]) => string,
  out: number[],
  type?: ElementType,
]

const nodeOf =
  (opType: string, attributes: Record<string, AttributeValue> = {}, extra: (graph: Graph) => string[] = () => []) =>
  (graph: Graph, ...names: string[]): string =>
    graph.node(opType, [...names, ...extra(graph)], attributes)

const both = [
  [2, 3, 5],
  [2, 3, 5],
]

const CASES: Case[] = [
  ...(
    [
      'Sigmoid',
      'Tanh',
      'Exp',
      'Abs',
      'Neg',
      'Erf',
      'Floor',
      'Ceil',
      'Round',
      'Relu',
      'LeakyRelu',
      'HardSigmoid',
      'HardSwish',
      'Elu',
      'Selu',
      'Celu',
      'ThresholdedRelu',
      'Softplus',
      'Softsign',
      'Mish',
      'Reciprocal',
      'Sign',
    ] as const
  ).map((opType): Case => [opType, [[3, 7]], nodeOf(opType), [3, 7]]),
  ['Gelu', [[3, 7]], nodeOf('Gelu'), [3, 7]],
  ['Gelu by tanh', [[3, 7]], nodeOf('Gelu', { approximate: 'tanh' }), [3, 7]],
  [
    'Log',
    [[3, 7]],
    (g, x) => g.node('Log', [g.node('Exp', [g.node('Mul', [x, g.constant('ten', g.floats([10]))])])]),
    [3, 7],
  ],
  ['Sqrt', [[3, 7]], (g, x) => g.node('Sqrt', [g.node('Abs', [x])]), [3, 7]],
  ...[2, 3, 0.5, -0.5, -1, 1.7].map(
    (exponent): Case => [
      `Pow ${exponent}`,
      [[3, 7]],
      (g, x) => g.node('Pow', [g.node('Exp', [x]), g.constant('exponent', g.floats([exponent]))]),
      [3, 7],
    ],
  ),
  ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min', 'PRelu'].flatMap((opType): Case[] => [
    [opType, both, nodeOf(opType), [2, 3, 5]],
    [`${opType} along the last axis`, [[2, 3, 5], [5]], nodeOf(opType), [2, 3, 5]],
    [
      `${opType} along the first axes`,
      [
        [2, 3, 5],
        [2, 1, 1],
      ],
      nodeOf(opType),
      [2, 3, 5],
    ],
    [`${opType} with a constant row`, [[2, 3, 5]], nodeOf(opType, {}, (g) => [g.reals([3, 5])]), [2, 3, 5]],
    [`${opType} with a constant by channel`, [[2, 3, 5]], nodeOf(opType, {}, (g) => [g.reals([3, 1])]), [2, 3, 5]],
  ]),
  [
    'Sub of both spread',
    [
      [2, 1, 5],
      [3, 1],
    ],
    nodeOf('Sub'),
    [2, 3, 5],
  ],
  ['a constant less a value', [[2, 6]], (g, x) => g.node('Sub', [g.constant('one', g.floats([1])), x]), [2, 6]],
  ...['Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'Equal'].map(
    (opType): Case => [
      opType,
      [
        ['int32', [3, 7]],
        ['int32', [3, 7]],
      ],
      nodeOf(opType),
      [3, 7],
      'bool',
    ],
  ),
  ...['And', 'Or', 'Xor'].map(
    (opType): Case => [
      opType,
      [
        ['bool', [3, 7]],
        ['bool', [7]],
      ],
      nodeOf(opType),
      [3, 7],
      'bool',
    ],
  ),
  ['Not', [['bool', [3, 7]]], nodeOf('Not'), [3, 7], 'bool'],
  [
    'Where with an infinite mask',
    [
      ['bool', [3, 7]],
      [3, 7],
    ],
    (g, c, x) =>
      g.node('Softmax', [g.node('Where', [c, x, g.constant('never', g.floats([Number.NEGATIVE_INFINITY]))])]),
    [3, 7],
  ],
  ['Cast to whole numbers', [[3, 7]], nodeOf('Cast', { to: 7 }), [3, 7], 'int64'],
  ['Cast to truth', [['int64', [3, 7]]], nodeOf('Cast', { to: 9 }), [3, 7], 'bool'],
  ['Cast of whole numbers', [['int64', [3, 7]]], nodeOf('Cast', { to: 1 }), [3, 7]],
  ...['ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSumExp'].flatMap(
    (opType): Case[] => [
      [`${opType} of the last axis`, [[2, 3, 5]], nodeOf(opType, { keepdims: 0 }, (g) => [g.integers([-1])]), [2, 3]],
      [`${opType} of the first and last`, [[2, 3, 5]], nodeOf(opType, {}, (g) => [g.integers([0, 2])]), [1, 3, 1]],
      [`${opType} of all`, [[2, 3, 5]], nodeOf(opType), [1, 1, 1]],
    ],
  ),
  ['ReduceSum of a middle axis', [[2, 3, 5]], nodeOf('ReduceSum', { keepdims: 0 }, (g) => [g.integers([1])]), [2, 5]],
  ['ArgMax', [[2, 3, 5]], nodeOf('ArgMax', { axis: 1, keepdims: 0 }), [2, 5], 'int64'],
  ['ArgMin', [[2, 3, 5]], nodeOf('ArgMin', { axis: -1 }), [2, 3, 1], 'int64'],
  ['Softmax of a middle axis', [[2, 3, 5]], nodeOf('Softmax', { axis: 1 }), [2, 3, 5]],
  ['LogSoftmax', [[2, 3, 5]], nodeOf('LogSoftmax'), [2, 3, 5]],
  [
    'LayerNormalization',
    [[2, 3, 13]],
    nodeOf('LayerNormalization', { axis: -1 }, (g) => [g.reals([13]), g.reals([13])]),
    [2, 3, 13],
  ],
  [
    'InstanceNormalization',
    [[1, 3, 4, 5]],
    nodeOf('InstanceNormalization', {}, (g) => [g.reals([3]), g.reals([3])]),
    [1, 3, 4, 5],
  ],
  ['Expand', [[3, 1]], nodeOf('Expand', {}, (g) => [g.integers([2, 1, 6])]), [2, 3, 6]],
  [
    'MatMul of two values',
    [
      [2, 3, 5],
      [2, 5, 7],
    ],
    nodeOf('MatMul'),
    [2, 3, 7],
  ],
  [
    'MatMul of a batch and one matrix',
    [
      [2, 3, 5],
      [5, 17],
    ],
    nodeOf('MatMul'),
    [2, 3, 17],
  ],
  [
    'MatMul spread over heads',
    [
      [2, 4, 3, 5],
      [1, 1, 5, 6],
    ],
    nodeOf('MatMul'),
    [2, 4, 3, 6],
  ],
  ['MatMul of constants', [[2, 3, 20]], nodeOf('MatMul', {}, (g) => [g.reals([20, 33])]), [2, 3, 33]],
  ['Gemm', [[3, 20]], nodeOf('Gemm', { transB: 1 }, (g) => [g.reals([9, 20]), g.reals([9])]), [3, 9]],
  ['GlobalAveragePool', [[1, 3, 4, 5]], nodeOf('GlobalAveragePool'), [1, 3, 1, 1]],
  ['GlobalMaxPool', [[1, 3, 4, 5]], nodeOf('GlobalMaxPool'), [1, 3, 1, 1]],
  [
    'MaxPool',
    [[1, 3, 7, 6]],
    nodeOf('MaxPool', { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
    [1, 3, 4, 6],
  ],
  [
    'AveragePool',
    [[1, 3, 7, 6]],
    nodeOf('AveragePool', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    [1, 3, 4, 3],
  ],
  [
    'AveragePool with its padding',
    [[1, 3, 7]],
    nodeOf('AveragePool', { kernel_shape: [3], pads: [1, 1], count_include_pad: 1 }),
    [1, 3, 7],
  ],
  [
    'Conv',
    [[1, 3, 9, 8]],
    nodeOf('Conv', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }, (g) => [
      g.reals([5, 3, 3, 3]),
      g.reals([5]),
    ]),
    [1, 5, 5, 4],
  ],
  [
    'Conv of single pixels',
    [[1, 6, 9, 8]],
    nodeOf('Conv', {}, (g) => [g.reals([5, 6, 1, 1]), g.reals([5])]),
    [1, 5, 9, 8],
  ],
  [
    'Conv of each channel',
    [[1, 6, 9, 8]],
    nodeOf('Conv', { group: 6, pads: [2, 2, 2, 2], dilations: [2, 2] }, (g) => [g.reals([6, 1, 3, 3])]),
    [1, 6, 9, 8],
  ],
  [
    'Conv in groups, along a line',
    [[1, 6, 9]],
    nodeOf('Conv', { group: 2 }, (g) => [g.reals([4, 3, 3]), g.reals([4])]),
    [1, 4, 7],
  ],
  [
    'Gather of values',
    [
      [4, 6],
      ['int64', [2, 3]],
    ],
    nodeOf('Gather', { axis: 0 }),
    [2, 3, 6],
  ],
  [
    'Gather of columns',
    [
      [4, 6],
      ['int32', [3]],
    ],
    nodeOf('Gather', { axis: 1 }),
    [4, 3],
  ],
  ['Gather from a table', [['int64', [1, 3]]], (g, ids) => g.node('Gather', [g.reals([5, 6]), ids]), [1, 3, 6]],
  ['Gather of the last one', [[1, 4, 6]], nodeOf('Gather', { axis: 1 }, (g) => [g.integers([-1], [])]), [1, 6]],
]

describe('reals, against onnxruntime', () => {
  for (const [name, inputs, make, dims, type] of CASES) {
    test(name, async () => {
      const graph = createQdqGraph(3, 20)
      const names = inputs.map((input) =>
        typeof input[0] === 'string' ? graph.input(input[1] as number[], input[0]) : graph.input(input as number[]),
      )
      graph.output(make(graph, ...names), dims, type)
      await expectSame(graph, name.startsWith('Gather') ? 4 : 5)
    })
  }

  test.each(['int16', 'uint16'] as const)('activations of %s, beside weights of int8', async (type) => {
    const graph = createQdqGraph(4, 21)
    const [scale, middle] = [graph.constant('scale', graph.floats([6e-5])), type === 'int16' ? -7 : 32_000]
    const data = type === 'int16' ? Int16Array.of(middle) : Uint16Array.of(middle)
    const zero = graph.constant('zero', { type, dims: [], data } as Constant)
    const wide = (name: string): string =>
      graph.node('DequantizeLinear', [graph.node('QuantizeLinear', [name, scale, zero]), scale, zero])
    const w = graph.weights({ dims: [8, 3, 3, 3], perChannel: true })
    const conv = graph.node('Conv', [wide(graph.input([1, 3, 6, 6])), w.name], { pads: [1, 1, 1, 1] })
    // In the input many values are saturated.
    graph.output(wide(graph.node('Relu', [conv])), [1, 8, 6, 6])
    await expectSame(graph)
  })

  test('TopK, with places', async () => {
    const graph = createQdqGraph(3, 20)
    const [values = '', places = ''] = graph.nodes(
      'TopK',
      [graph.input([2, 3, 9]), graph.integers([4])],
      ['values', 'places'],
    )
    graph.output(values, [2, 3, 4])
    graph.output(places, [2, 3, 4], 'int64')
    await expectSame(graph)
  })

  for (const direction of ['forward', 'reverse', 'bidirectional']) {
    for (const [kind, batch] of [
      ['LSTM', 1],
      ['GRU', 2],
      ['GRU with an early reset', 1],
    ] as const) {
      test(`${kind}, ${direction}`, async () => {
        const opType = kind === 'LSTM' ? kind : 'GRU'
        const graph = createQdqGraph(5, 20)
        const [d, gates] = [direction === 'bidirectional' ? 2 : 1, opType === 'LSTM' ? 4 : 3]
        const weights = [
          graph.reals([d, gates * 6, 5]),
          graph.reals([d, gates * 6, 6]),
          graph.reals([d, 2 * gates * 6]),
        ]
        const attributes = { hidden_size: 6, direction, ...(kind === 'GRU' && { linear_before_reset: 1 }) }
        const names = opType === 'LSTM' ? ['all', 'last', 'cell'] : ['all', 'last']
        const made = graph.nodes(opType, [graph.input([7, batch, 5]), ...weights], names, attributes)
        for (const [i, name] of made.entries()) graph.output(name, i === 0 ? [7, d, batch, 6] : [d, batch, 6])
        await expectSame(graph)
      })
    }
  }

  test('dynamically quantised products', async () => {
    for (const [rows, inner, columns] of [
      [1, 16, 24],
      [5, 13, 9],
    ] as const) {
      const graph = createQdqGraph(6, 20)
      const x = graph.input([1, rows, inner])
      const [steps = '', scale = '', zero = ''] = graph.nodes('DynamicQuantizeLinear', [x], ['steps', 'scale', 'zero'])
      const data = Int8Array.from({ length: inner * columns }, () => graph.random(255) - 127)
      const weights = graph.constant('weights', { type: 'int8', dims: [inner, columns], data })
      const product = graph.node('MatMulInteger', [steps, weights, zero])
      const scales = graph.node('Mul', [scale, graph.reals([columns])])
      const y = graph.node('Mul', [graph.node('Cast', [product], { to: 1 }), scales])
      graph.output(graph.node('Add', [y, graph.reals([columns])]), [1, rows, columns])
      await expectSame(graph)
    }
  })

  test('a table of int8 with a scale for each row, and int8 weights of a product of reals', async () => {
    const graph = createQdqGraph(7, 20)
    const table = graph.weights({ dims: [5, 12], perChannel: true, axis: 0 })
    const weights = graph.weights({ dims: [12, 9], perChannel: true, axis: 1 })
    const rows = graph.node('Gather', [table.name, graph.input([1, 3], 'int64')])
    graph.output(graph.node('MatMul', [rows, weights.name]), [1, 3, 9])
    await expectSame(graph)
  })
})
