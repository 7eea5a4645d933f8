import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lower } from '../../../src/onnx/lower/lower.ts'
import { HEADER, type Plan, parsePlan, TENSOR_WORDS } from '../../../src/protocol/plan.ts'
import { ARGUMENTS, namedArguments } from '../../../src/protocol/plan-arguments.ts'
import { formatPlan } from '../../../src/protocol/plan-format.ts'
import type { OperationKind } from '../../../src/protocol/plan-operations.ts'
import type { Tensor } from '../../../src/protocol/tensor.ts'
import { loadKernels } from '../../../src/runtime/nano/load-kernels.ts'
import { createNanoSession } from '../../../src/runtime/nano/session.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

/** A small net with most kinds of operations. */
function smallPlan() {
  const graph = createQdqGraph(3)
  const x = { type: 'int8', scale: 0.02, zero: 3 } as const
  const wide = graph.weights({ dims: [8, 3, 3, 3], perChannel: true })
  const deep = graph.weights({ dims: [8, 1, 3, 3] })
  const tall = graph.weights({ dims: [8, 1, 2, 1] })
  const point = graph.weights({ dims: [8, 8, 1, 1] })
  const dense = graph.weights({ dims: [4, 8] })
  const pads = [1, 1, 1, 1]
  const a = graph.quantised(graph.input([1, 3, 8, 8]), x)
  const b = graph.quantised(graph.node('Conv', [a, wide.name], { kernel_shape: [3, 3], strides: [2, 2], pads }), x)
  const c = graph.quantised(graph.node('Conv', [b, deep.name], { kernel_shape: [3, 3], group: 8, pads }), x)
  const d = graph.quantised(graph.node('Conv', [c, point.name], { kernel_shape: [1, 1] }), x)
  const e = graph.quantised(graph.node('Add', [b, d]), x)
  const f = graph.quantised(graph.node('Mul', [e, c]), x)
  const g = graph.quantised(graph.node('MaxPool', [f], { kernel_shape: [2, 2] }), x)
  const h = graph.quantised(graph.node('AveragePool', [g], { kernel_shape: [2, 2] }), x)
  const i = graph.quantised(graph.node('Conv', [h, tall.name], { kernel_shape: [2, 1], group: 8 }), x)
  const j = graph.quantised(graph.node('Sigmoid', [i]), x)
  const k = graph.quantised(graph.node('GlobalAveragePool', [j]), x)
  const l = graph.quantised(graph.node('Gemm', [graph.node('Flatten', [k]), dense.name], { transB: 1 }), x)
  graph.output(graph.node('Softmax', [l]), [1, 4])
  return lower(graph.build()).plan
}

/** A small net of reals, with the operations that the other one lacks. */
function realPlan() {
  const graph = createQdqGraph(4, 20)
  const ids = graph.input([1, 6], 'int64')
  const rows = graph.node('Gather', [graph.reals([9, 8]), ids])
  const table = graph.weights({ dims: [9, 8], perChannel: true, axis: 0 })
  const both = graph.node('Add', [rows, graph.node('Gather', [table.name, ids])])
  const normal = graph.node('LayerNormalization', [both, graph.reals([8]), graph.reals([8])], { axis: -1 })
  const [steps = '', scale = '', zero = ''] = graph.nodes('DynamicQuantizeLinear', [normal], ['steps', 'scale', 'zero'])
  const weights = graph.constant('weights', { type: 'int8', dims: [8, 8], data: new Int8Array(64).fill(3) })
  const integers = graph.node('Cast', [graph.node('MatMulInteger', [steps, weights, zero])], { to: 1 })
  const queries = graph.node('Mul', [integers, graph.node('Mul', [scale, graph.reals([8])])])
  const scores = graph.node('MatMul', [queries, graph.node('Transpose', [normal], { perm: [0, 2, 1] })])
  const mixed = graph.node('MatMul', [graph.node('Softmax', [scores]), normal])
  const image = graph.node('Reshape', [mixed, graph.integers([1, 2, 4, 6])])
  const conv = graph.node('Conv', [image, graph.reals([3, 2, 3, 3])], { pads: [1, 1, 1, 1] })
  const pooled = graph.node('MaxPool', [graph.node('Tanh', [conv])], { kernel_shape: [2, 2] })
  const bounded = graph.node('Clip', [pooled, graph.constant('low', graph.floats([-0.5])), ''])
  const flat = graph.node('Flatten', [bounded])
  const [values = '', places = ''] = graph.nodes('TopK', [flat, graph.integers([3])], ['values', 'places'])
  graph.output(values, [1, 3])
  graph.output(places, [1, 3], 'int64')
  return lower(graph.build()).plan
}

const plan = smallPlan()
const parsed = parsePlan(plan)

/** The plan with some arguments of its first step of a kind replaced. */
function withArgs(of: Plan, kind: OperationKind, change: Record<string, number>): Uint8Array<ArrayBuffer> {
  const index = of.steps.findIndex((step) => step.kind === kind)
  const steps = of.steps.map((step, i) => {
    if (i !== index) return step
    const values = { ...namedArguments(step), ...change }
    return { ...step, args: ARGUMENTS[kind].map((arg) => values[arg] ?? 0) }
  })
  return formatPlan({ ...of, steps })
}

const withWord = (word: number, value: number): Uint8Array<ArrayBuffer> => {
  const bytes = plan.slice()
  new DataView(bytes.buffer).setInt32(4 * word, value, true)
  return bytes
}

describe('a plan', () => {
  test('reads back as it was written', () => {
    expect(formatPlan(parsed)).toEqual(plan)
    const again: Plan = parsePlan(formatPlan(parsed))
    expect(again.steps).toEqual(parsed.steps)
    expect(again.inputs).toEqual(parsed.inputs)
    expect(parsed.inputs[0]?.dims).toEqual([1, 3, 8, 8])
    expect(new Set(parsed.steps.map(({ kind }) => kind)).size).toBeGreaterThan(10)
  })

  test('of another kind, version or length is refused', () => {
    for (const bytes of [new Uint8Array(), plan.slice(0, 40), plan.slice(0, -1), withWord(0, 1), withWord(1, 99)])
      expect(() => parsePlan(bytes)).toThrow(expect.objectContaining({ code: 'runtime/bad-plan' }))
  })

  test('whose operation would leave its memory is refused, and the message names it', () => {
    const end = parsed.memoryBytes
    const hostile: [OperationKind, Record<string, number>][] = [
      ['quantise', { dst: end - 8 }],
      ['quantise', { src: -4 }],
      ['quantise', { pixels: 2 ** 30 }],
      ['quantise', { scale: 0 }],
      ['quantise', { scale: Number.NaN }],
      ['pad', { top: 100_000 }],
      ['pad', { left: -1 }],
      ['convolve', { depth: 8 }],
      ['convolve', { runs: 2 ** 31 - 1 }],
      ['convolve', { weights: parsed.weights.length - 8 }],
      ['convolve', { scratch: 0 }],
      ['convolve', { stepY: 2 ** 31 - 1 }],
      ['convolve', { columns: 12 }],
      ['multiply', { rows: 2 ** 31 - 1 }],
      ['multiply', { dst: 0 }],
      ['multiply', { depth: 0 }],
      ['depthwise3', { channels: 2 ** 16 }],
      ['depthwise3', { stride: 0 }],
      ['depthwise', { windowRows: 2 ** 20 }],
      ['add', { count: 2 ** 20 }],
      ['scale', { period: 0 }],
      ['maxPool', { height: 2 ** 16 }],
      ['averagePool', { top: 5 }],
      ['globalAverage', { pixels: 2 ** 31 - 1 }],
      ['lookup', { table: parsed.weights.length - 255 }],
      ['dequantise', { pixelBytes: 2 ** 31 - 1, pixels: 4 }],
      ['softmax', { rows: 2 ** 31 - 1 }],
    ]
    const hostileReals: [OperationKind, Record<string, number>][] = [
      ['gather', { count: 2 ** 20 }],
      ['gather', { pieces: 2 ** 20 }],
      ['gather', { bytes: 0 }],
      ['product', { depth: 2 ** 20 }],
      ['product', { biasColumn: 1000 }],
      ['product', { biasRow: 2 ** 20 }],
      ['product', { weightsBatch: -4 }],
      ['normalise', { rows: -1 }],
      ['dense', { columns: 4 }],
      ['dense', { rows: 1000 }],
      ['dense', { scratch: 0 }],
      ['unfold', { height: 2 ** 20 }],
      ['unfold', { outWidth: 2 ** 20 }],
      ['reduceReal', { inner: 2 ** 20 }],
      ['combineReal', { period: 3 }],
      ['mapReal', { count: 2 ** 30 }],
      ['clampReal', { dst: 0 }],
      ['largest', { most: 1000 }],
      ['dequantise', { src: -1 }],
    ]
    for (const [kind, change] of hostile) {
      expect(() => parsePlan(withArgs(parsed, kind, change)), `${kind} ${JSON.stringify(change)}`).toThrow(
        expect.objectContaining({ code: 'runtime/bad-plan', message: expect.stringContaining(kind) }),
      )
    }
    const reals = parsePlan(realPlan())
    for (const [kind, change] of hostileReals) {
      expect(() => parsePlan(withArgs(reals, kind, change)), `${kind} ${JSON.stringify(change)}`).toThrow(
        expect.objectContaining({ code: 'runtime/bad-plan', message: expect.stringContaining(kind) }),
      )
    }
  })

  test('that would run for ever is refused', () => {
    const steps = [{ kind: 'copy', name: 'loop', args: [0, 0, 2 ** 31 - 1, 2 ** 31 - 1, 1, 0, 0, 0, 0] }] as const
    const base = parsed.inputs[0]?.address ?? 0
    const copy = { ...steps[0], args: [base, base, ...steps[0].args.slice(2)] }
    expect(() => parsePlan(formatPlan({ ...parsed, steps: [copy] }))).toThrow(/would not come to an end/)
  })

  for (const [name, whole] of [
    ['of int8', plan],
    ['of reals', realPlan()],
  ] as const) {
    test(
      `${name} damaged anywhere never leaves its memory, never hangs, and fails with a clear error`,
      {
        timeout: 60_000,
      },
      () => expectContained(whole),
    )
  }
})

/** Any values for an input. */
function feedFor({ type, dims }: Plan['inputs'][number]): Tensor {
  const count = dims.reduce((product, dim) => product * dim, 1)
  const data = Float32Array.from({ length: count }, (_, i) => Math.sin(i))
  if (type === 'float32') return { type, dims, data }
  if (type === 'int64') return { type, dims, data: new BigInt64Array(count) }
  return type === 'int32'
    ? { type, dims, data: Int32Array.from(data) }
    : { type: type === 'bool' ? type : 'uint8', dims, data: new Uint8Array(count) }
}

async function expectContained(whole: Uint8Array<ArrayBuffer>): Promise<void> {
  const builds = await loadKernels()
  const modules = await Promise.all(
    (['common', 'dot'] as const).map((name) => WebAssembly.compile(builds.get(name) ?? new Uint8Array())),
  )
  const undamaged = parsePlan(whole)
  const tensors = undamaged.inputs.length + undamaged.outputs.length
  const words =
    HEADER.length + TENSOR_WORDS * tensors + undamaged.steps.reduce((sum, { args }) => sum + 3 + args.length, 0)
  const value = fc.oneof(
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
    fc.integer({ min: -8, max: 64 }),
    fc.integer({ min: 0, max: undamaged.memoryBytes }),
  )
  const changes = fc.array(fc.tuple(fc.nat(words - 1), value), { minLength: 1, maxLength: 3 })
  let accepted = 0
  const property = fc.asyncProperty(changes, async (list) => {
    const bytes = whole.slice()
    const view = new DataView(bytes.buffer)
    for (const [word, replacement] of list) view.setInt32(4 * word, replacement, true)
    let read: Plan
    try {
      read = parsePlan(bytes)
    } catch (error) {
      expect(error).toMatchObject({ code: 'runtime/bad-plan' })
      return
    }
    if (read.memoryBytes > 2 ** 24) return
    accepted++
    const session = await createNanoSession(read, modules)
    // An access outside the memory is a trap, and would reject.
    await session.run(Object.fromEntries(read.inputs.map((input) => [input.name, feedFor(input)])))
  })
  await fc.assert(property, { numRuns: 3000, seed: 11 })
  expect(accepted).toBeGreaterThan(100)
}
