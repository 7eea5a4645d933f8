import { expect, test } from 'vitest'
import { lower } from '../../../src/onnx/lower/lower.ts'
import { roundHalfEven } from '../../../src/onnx/lower/quantisation.ts'
import { parsePlan } from '../../../src/protocol/plan.ts'
import { float32 } from '../../../src/protocol/tensor.ts'
import {
  firstRight,
  isX86,
  PRODUCTS,
  type Product,
  productsFor,
  type RaceOptions,
  raceProducts,
} from '../../../src/runtime/nano/choose-products.ts'
import { instantiate, loadKernels } from '../../../src/runtime/nano/load-kernels.ts'
import { createNanoSession } from '../../../src/runtime/nano/session.ts'
import { createQdqGraph } from '../../helpers/qdq-graph.ts'

/** Three layers whose weights fit 7 bits, so that every build takes them: a window, four rows at once, single rows. */
function sevenBitModel() {
  const graph = createQdqGraph(7)
  const x = { type: 'uint8', scale: 0.02, zero: 117 } as const
  const first = graph.weights({ dims: [20, 3, 3, 3], perChannel: true, limit: 63 })
  const second = graph.weights({ dims: [12, 20, 1, 1], limit: 63 })
  const third = graph.weights({ dims: [5, 12 * 25], limit: 63 })
  const input = graph.quantised(graph.input([1, 3, 9, 9]), x)
  const a = graph.quantised(
    graph.node('Conv', [input, first.name], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
    { ...x, scale: 0.05 },
  )
  const b = graph.quantised(graph.node('Conv', [a, second.name], { kernel_shape: [1, 1] }), { ...x, scale: 0.2 })
  const flat = graph.quantised(graph.node('Flatten', [b]), { ...x, scale: 0.2 })
  graph.output(graph.quantised(graph.node('Gemm', [flat, third.name], { transB: 1 }), { ...x, scale: 3 }), [1, 5])
  return { model: graph.build(), random: graph.random }
}

test('every build of the products kernels computes the same', async () => {
  const { model, random } = sevenBitModel()
  const plan = parsePlan(lower(model).plan)
  expect(plan.weightLimit).toBe(63)
  const builds = await loadKernels()
  const input = float32(
    [1, 3, 9, 9],
    Float32Array.from({ length: 243 }, () => random(512) / 100 - 2.5),
  )
  const answers: number[][] = []
  for (const name of Object.keys(PRODUCTS) as Product[]) {
    const modules = await Promise.all(
      (['common', name] as const).map((build) => WebAssembly.compile(builds.get(build) ?? new Uint8Array())),
    )
    const session = await createNanoSession(plan, modules)
    const [output] = Object.values(await session.run({ [plan.inputs[0]?.name ?? '']: input }))
    answers.push(Array.from(output?.data ?? [], Number))
  }
  const scalar = await createNanoSession(plan, [await WebAssembly.compile(builds.get('scalar') ?? new Uint8Array())])
  const [output] = Object.values(await scalar.run({ [plan.inputs[0]?.name ?? '']: input }))
  answers.push(Array.from(output?.data ?? [], Number))
  expect(new Set(answers[0]).size).toBeGreaterThan(1)
  for (const answer of answers) expect(answer).toEqual(answers[0])
})

test('every build of the products kernels multiplies any number of rows, also by weights with a zero point', async () => {
  const builds = await loadKernels()
  const { random } = createQdqGraph(11)
  const instances = await Promise.all(
    (Object.keys(PRODUCTS) as Product[]).map(async (name) => {
      const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 })
      return {
        memory,
        kernels: await instantiate(await WebAssembly.compile(builds.get(name) ?? new Uint8Array()), memory),
      }
    }),
  )
  const [scratch, src, dst] = [16_384, 49_152, 98_304]
  for (let trial = 0; trial < 60; trial++) {
    // Now and then more rows than go through the scratch at once.
    const rows = trial % 12 === 11 ? 120 + random(150) : 1 + random(18)
    const [depth, columns] = [8 * (1 + random(6)), 8 * (1 + random(5))]
    const weightZero = trial % 2 ? random(127) - 63 : 0
    const bytes = new Uint8Array((columns / 8) * (64 + 8 * depth))
    const view = new DataView(bytes.buffer)
    for (let at = 0; at < bytes.length; at += 64 + 8 * depth) {
      for (let i = 0; i < 8; i++) view.setInt32(at + 4 * i, random(4000) - 2000, true)
      for (let i = 8; i < 16; i++) view.setFloat32(at + 4 * i, 0.002 + random(100) / 1e5, true)
      for (let i = 64; i < 64 + 8 * depth; i++) view.setInt8(at + i, random(127) - 63)
    }
    const inputs = Int8Array.from({ length: rows * depth }, () => random(256) - 128)
    const answers = instances.map(({ memory, kernels }) => {
      const all = new Int8Array(memory.buffer)
      new Uint8Array(memory.buffer).set(bytes)
      all.set(inputs, src)
      all.fill(77, dst)
      kernels.repack?.(0, depth, columns)
      kernels.multiply?.(0, depth, columns, src, dst, rows, scratch, weightZero, 5, -100, 120)
      // The output and what follows it, which nobody may touch.
      return [...all.subarray(dst, dst + rows * columns + 64)]
    })
    const exact = Array.from({ length: rows * columns }, (_, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns]
      const block = (column >> 3) * (64 + 8 * depth)
      let sum = view.getInt32(block + 4 * (column & 7), true)
      for (let k = 0; k < depth; k++) {
        const weight = view.getInt8(block + 64 + 16 * (k >> 1) + 2 * (column & 7) + (k & 1))
        sum += (inputs[row * depth + k] ?? 0) * (weight - weightZero)
      }
      const scaled = Math.fround(sum * view.getFloat32(block + 32 + 4 * (column & 7), true))
      return Math.max(-100, Math.min(120, roundHalfEven(scaled) + 5))
    })
    for (const answer of answers) expect(answer).toEqual([...exact, ...Array<number>(64).fill(77)])
  }
})

/** Times that each build's rounds take, the last one for ever. */
function timed(times: Partial<Record<Product, number[]>>): RaceOptions {
  const left = new Map(Object.entries(times).map(([name, list]) => [name, [...list]]))
  return {
    stopwatch(run, name) {
      run()
      const list = left.get(name) ?? [1]
      return (list.length > 1 ? list.shift() : list[0]) ?? 1
    },
    pause: async () => undefined,
  }
}

test('the fastest build wins, if it is clearly faster in every round', async () => {
  const builds = await loadKernels()
  const race = (names: Product[], times: Parameters<typeof timed>[0]) => raceProducts(builds, names, timed(times))
  expect(await race(['dot', 'mlal'], { dot: [2], mlal: [1] })).toBe('mlal')
  expect(await race(['dot', 'mlal'], { dot: [1], mlal: [2] })).toBe('dot')
  expect(await race(['dot', 'mlal'], { dot: [1.05], mlal: [1] })).toBe('dot')
  expect(await race(['mlal', 'dot'], { dot: [1], mlal: [1.05] })).toBe('mlal')
  expect(await race(['relaxed', 'dot', 'mlal'], { relaxed: [3], dot: [2], mlal: [1] })).toBe('mlal')
  // Not by an interruption or two of the other, nor by having been compiled well before it.
  expect(await race(['dot', 'mlal'], { dot: [9, 9, 9, 1], mlal: [1] })).toBe('dot')
  expect(await race(['dot', 'mlal'], { dot: [1.3, 1.3, 0.5], mlal: [0.8] })).toBe('dot')
})

test('the kind of processor says who is first', () => {
  expect(productsFor(63, true)).toEqual(['relaxed', 'dot'])
  expect(productsFor(64, true)).toEqual(['dot'])
  expect(productsFor(63, false)).toEqual(['relaxed', 'mlal', 'dot'])
  expect(productsFor(127, false)).toEqual(['mlal', 'dot'])
  expect(productsFor(128, false)).toEqual(['dot'])
  expect(productsFor(129, false)).toEqual([])
})

test.runIf(process.arch === 'x64' || process.arch === 'arm64')('the kind of processor is seen', () => {
  expect(isX86()).toBe(process.arch === 'x64')
})

test('a build that is invalid or that computes wrong is passed over', async () => {
  const builds = await loadKernels()
  const common = builds.get('common') ?? new Uint8Array()
  expect((await firstRight(builds, ['dot', 'mlal']))?.name).toBe('dot')
  const broken = new Map([...builds, ['dot', new Uint8Array([1, 2, 3])]] as const)
  expect((await firstRight(broken, ['dot', 'mlal']))?.name).toBe('mlal')
  expect(await raceProducts(broken, ['dot', 'mlal'], timed({ dot: [1], mlal: [2] }))).toBe('mlal')
  // Another module in its place has no product at all, so its answer is wrong.
  expect((await firstRight(new Map([...builds, ['mlal', common]]), ['mlal', 'dot']))?.name).toBe('dot')
  expect(await firstRight(new Map([['dot', common]]), ['dot', 'mlal'])).toBeUndefined()
  expect(await raceProducts(new Map([['dot', common]]), ['dot'])).toBeUndefined()
})
