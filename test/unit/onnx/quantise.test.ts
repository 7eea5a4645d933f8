import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeNode } from '../../../src/onnx/attribute.ts'
import type { Constant } from '../../../src/onnx/constant.ts'
import { withModel } from '../../../src/onnx/engine.ts'
import { createGraph, type Graph } from '../../../src/onnx/graph.ts'
import { lower } from '../../../src/onnx/lower/lower.ts'
import {
  type QuantiseOptions,
  quantiseGraph,
  quantiseTraced,
  tensorsToCalibrate,
} from '../../../src/onnx/quantise/apply.ts'
import { keepWithinBudget, measureSensitivity } from '../../../src/onnx/quantise/budget.ts'
import { addMeans, collectStatistics, METHODS, rangesFrom, withOutputs } from '../../../src/onnx/quantise/calibrate.ts'
import {
  chooseQuantisation,
  chooseWithEqualising,
  optionsOf,
  widenToClamps,
} from '../../../src/onnx/quantise/choose.ts'
import { driftCorrections } from '../../../src/onnx/quantise/drift.ts'
import { equalise } from '../../../src/onnx/quantise/equalise.ts'
import { count, createHistogram, leastErrorRange, percentileRange } from '../../../src/onnx/quantise/histogram.ts'
import { createMeasure } from '../../../src/onnx/quantise/measure.ts'
import { narrow } from '../../../src/onnx/quantise/narrow.ts'
import {
  activationParameters,
  MAX,
  MIN,
  quantise,
  roundEven,
  saturatesWithin,
} from '../../../src/onnx/quantise/parameters.ts'
import { choosePeaks, gridStep } from '../../../src/onnx/quantise/peaks.ts'
import { quantiseWeights } from '../../../src/onnx/quantise/weights.ts'
import { randomInputs, simplify } from '../../../src/onnx/simplify.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { parsePlan } from '../../../src/protocol/plan.ts'
import type { Tensors } from '../../../src/protocol/tensor.ts'
import { openModel as open } from './engine.ts'
import { createRandom, makeModel, makeSmallNet, randomFloats } from './make.ts'

const samplesOf = (graph: Graph, count = 8) => {
  const list = Array.from({ length: count }, (_, seed) => randomInputs(graph, seed + 100))
  return { length: count, at: async (i: number): Promise<Tensors> => list[i] ?? {} }
}

async function calibrated(graph: Graph) {
  return collectStatistics(graph, tensorsToCalibrate(graph), samplesOf(graph), { open })
}

async function quantised(graph: Graph, options: QuantiseOptions = {}) {
  return quantiseGraph(graph, rangesFrom(await calibrated(graph), 'min-max'), options)
}

async function outputs(graph: Graph, seeds: number[]): Promise<number[]> {
  return withModel(open, writeModel(graph.model), async (runner) => {
    const all: number[] = []
    for (const seed of seeds) {
      const result = await runner.run(randomInputs(graph, seed))
      for (const { data } of Object.values(result)) all.push(...Array.from(data, Number))
    }
    return all
  })
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

describe('a quantised net', () => {
  it('answers as the float net does, with Clip and Relu gone', async () => {
    const { graph } = await simplify(createGraph(makeSmallNet()), { open })
    const int8 = await quantised(graph)
    const kinds = new Set(int8.nodes.map((node) => node.opType))
    expect([...kinds].sort()).toEqual(
      ['Conv', 'DequantizeLinear', 'Gemm', 'GlobalAveragePool', 'QuantizeLinear', 'Reshape'].sort(),
    )
    const seeds = [1, 2, 3, 4]
    const [wanted, got] = [await outputs(graph, seeds), await outputs(int8, seeds)]
    expect(cosine(wanted, got)).toBeGreaterThan(0.995)
  })

  it('is the same bytes for the same input, and leaves the float net as it was', async () => {
    const { graph } = await simplify(createGraph(makeSmallNet()), { open })
    const before = writeModel(graph.model)
    const first = writeModel((await quantised(graph)).model)
    expect(writeModel((await quantised(graph)).model)).toEqual(first)
    expect(writeModel(graph.model)).toEqual(before)
  })

  it('keeps named nodes float', async () => {
    const { graph } = await simplify(createGraph(makeSmallNet()), { open })
    const int8 = await quantised(graph, { keepFloat: new Set(['c2']) })
    const conv = int8.producer('c2')
    expect(int8.constant(conv?.input[1] ?? '')?.type).toBe('float32')
    const [wanted, got] = [await outputs(graph, [1]), await outputs(int8, [1])]
    expect(cosine(wanted, got)).toBeGreaterThan(0.995)
  })

  it('applies a correction also where a Relu went into the node', async () => {
    const { graph } = await simplify(createGraph(makeSmallNet()), { open })
    const plain = await quantised(graph)
    const shifted = await quantised(graph, { corrections: new Map([['c2', new Float64Array(8).fill(0.5)]]) })
    const biasOf = (int8: Graph): number[] => {
      const dequantise = int8.producer(int8.producer('r2')?.input[2] ?? '')
      const [steps, scale] = (dequantise?.input ?? []).map((name) => int8.constant(name)?.data ?? [])
      return Array.from(steps as ArrayLike<number>, (step, c) => step * Number(scale?.[c]))
    }
    biasOf(shifted).forEach((value, c) => {
      expect(value - (biasOf(plain)[c] ?? Number.NaN)).toBeCloseTo(0.5, 3)
    })
  })

  it('handles branches, constants, and outputs that are also read', async () => {
    const random = createRandom(9)
    const model = makeModel({
      inputs: { x: [1, 4, 8, 8] },
      outputs: { sum: [1, 4, 8, 8], y: [1, 8, 4, 4] },
      constants: {
        w: randomFloats([4, 4, 1, 1], random),
        offset: randomFloats([1, 4, 1, 1], random),
        w2: randomFloats([4, 4, 3, 3], random),
      },
      nodes: [
        makeNode('Conv', ['x', 'w'], ['a']),
        makeNode('Add', ['a', 'offset'], ['shifted']),
        makeNode('Add', ['shifted', 'x'], ['sum']),
        makeNode('Relu', ['sum'], ['r']),
        makeNode('Conv', ['r', 'w2'], ['b'], { pads: [1, 1, 1, 1], strides: [2, 2] }),
        makeNode('MaxPool', ['sum'], ['p'], { kernel_shape: [2, 2], strides: [2, 2] }),
        makeNode('Concat', ['b', 'p'], ['y'], { axis: 1 }),
      ],
    })
    const graph = createGraph(model)
    const int8 = await quantised(graph)
    expect(int8.outputs.map(({ name }) => name)).toEqual(['sum', 'y'])
    expect(cosine(await outputs(graph, [1, 2]), await outputs(int8, [1, 2]))).toBeGreaterThan(0.995)
  })

  it.each(METHODS)('can be calibrated by %s', async (method) => {
    const { graph } = await simplify(createGraph(makeSmallNet()), { open })
    const int8 = quantiseGraph(graph, rangesFrom(await calibrated(graph), method))
    expect(cosine(await outputs(graph, [1, 2]), await outputs(int8, [1, 2]))).toBeGreaterThan(0.95)
  })

  it('refuses what it cannot do, saying why', async () => {
    const graph = createGraph(makeSmallNet())
    const statistics = await calibrated(graph)
    const ranges = rangesFrom(statistics, 'min-max')
    expect(() =>
      quantiseGraph(
        createGraph(makeModel({ inputs: { x: [1] }, outputs: { y: [1] }, nodes: [makeNode('Relu', ['x'], ['y'])] })),
        ranges,
      ),
    ).toThrow(expect.objectContaining({ code: 'model/nothing-to-quantise' }))
    const old = makeSmallNet()
    for (const set of old.opsetImport) set.version = 11n
    expect(() => quantiseGraph(createGraph(old), ranges)).toThrow(expect.objectContaining({ code: 'model/opset' }))
    expect(() => quantiseGraph(graph, new Map())).toThrow(expect.objectContaining({ code: 'model/not-calibrated' }))
    await expect(
      collectStatistics(graph, tensorsToCalibrate(graph), samplesOf(graph, 0), { open }),
    ).rejects.toMatchObject({ code: 'model/no-samples' })
    const nan = {
      length: 1,
      at: async (): Promise<Tensors> => ({
        x: { type: 'float32', dims: [1, 3, 16, 16], data: new Float32Array(768).fill(Number.NaN) },
      }),
    }
    await expect(collectStatistics(graph, tensorsToCalibrate(graph), nan, { open })).rejects.toMatchObject({
      code: 'model/not-finite',
    })
    const abort = AbortSignal.abort()
    await expect(
      collectStatistics(graph, tensorsToCalibrate(graph), samplesOf(graph), { open, signal: abort }),
    ).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('parameters', () => {
  const range = fc
    .tuple(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), fc.float({ noNaN: true, min: -1e6, max: 1e6 }))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)

  it('hold zero exactly and every value of the range within a step', () => {
    fc.assert(
      fc.property(range, fc.float({ noNaN: true, min: 0, max: 1 }), ([min, max], at) => {
        const parameters = activationParameters([min, max])
        const { scale, zeroPoint } = parameters
        expect(scale).toBe(Math.fround(scale))
        expect(quantise(0, parameters)).toBe(zeroPoint)
        const x = Math.min(0, min) + at * (Math.max(0, max) - Math.min(0, min))
        if (scale === 1) return
        expect(Math.abs((quantise(x, parameters) - zeroPoint) * scale - x)).toBeLessThanOrEqual(scale * 1.01)
      }),
    )
  })

  it('drop a clamp only when no value can tell', () => {
    fc.assert(
      fc.property(range, range, fc.float({ noNaN: true, min: -1e7, max: 1e7 }), (span, [low, high], x) => {
        const parameters = activationParameters(span)
        fc.pre(saturatesWithin(low, high, parameters))
        expect(quantise(Math.min(high, Math.max(low, x)), parameters)).toBe(quantise(x, parameters))
      }),
    )
    const relu6 = activationParameters([0, 5.2])
    expect(saturatesWithin(0, 6, relu6)).toBe(true)
    expect(saturatesWithin(0, 4, relu6)).toBe(false)
    expect(saturatesWithin(0, Number.POSITIVE_INFINITY, activationParameters([-1, 5]))).toBe(false)
  })

  it('round half to even', () => {
    expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].map(roundEven).map((n) => n + 0)).toEqual([-2, -2, 0, 0, 2, 2])
    expect([MIN, MAX]).toEqual([-128, 127])
  })
})

const floatsOf = (length: number, random: () => number) => Float32Array.from({ length }, random)

describe('weights', () => {
  it('never use -128, and a bias counts in steps of input times weight scale', () => {
    const random = createRandom(5)
    const weight = { type: 'float32', dims: [6, 2, 3, 3], data: floatsOf(108, random) } as const
    const bias = { type: 'float32', dims: [6], data: floatsOf(6, random) } as const
    const q = quantiseWeights(weight, 0, 0.05, bias)
    expect(Math.min(...q.weight.data)).toBe(-127)
    const steps = q.biasScale?.data ?? new Float32Array()
    expect(steps).toEqual(q.scale.data.map((scale) => scale * 0.05))
    expect([...(q.bias?.data ?? [])]).toEqual(Array.from(bias.data, (b, c) => Math.round(b / (steps[c] ?? 1))))
  })

  it('keep the bias of a channel without weights', () => {
    const weight = { type: 'float32', dims: [2, 1, 1, 1], data: Float32Array.of(0, 1) } as const
    const bias = { type: 'float32', dims: [2], data: Float32Array.of(7.5, -1) } as const
    const q = quantiseWeights(weight, 0, 0.1, bias)
    expect((q.bias?.data[0] ?? 0) * (q.biasScale?.data[0] ?? 0)).toBeCloseTo(7.5, 4)
  })

  it('that were int8 once become the same int8 again', () => {
    const steps = Array.from({ length: 400 }, (_, i) => ((i * 37) % 201) - 100)
    const data = Float32Array.from(steps, (k) => Math.fround(k * 0.0123))
    expect(gridStep(data)).toBeCloseTo(0.0123, 7)
    const weight = { type: 'float32', dims: [4, 100], data } as const
    const q = quantiseWeights(weight, 0, 1, undefined, choosePeaks(weight, 0))
    expect([...q.weight.data]).toEqual(steps)
    expect(gridStep(randomFloats([2000], createRandom(2)).data as Float32Array)).toBeUndefined()
  })
})

describe('histograms', () => {
  const histogram = createHistogram([-4, 100])
  count(
    histogram,
    Float32Array.from({ length: 100_000 }, (_, i) => (i === 0 ? 100 : i === 1 ? -4 : (i % 1000) / 1000)),
  )

  it('leave outliers out', () => {
    const [low, high] = percentileRange(histogram, 99.9)
    expect(low).toBeGreaterThan(-0.2)
    expect(high).toBeLessThan(1.2)
    const [, best] = leastErrorRange(histogram)
    expect(best).toBeLessThan(100)
  })

  it('take a constant tensor', () => {
    const flat = createHistogram([0, 0])
    count(flat, new Float32Array(10))
    expect(percentileRange(flat, 99.99)).toEqual([0, 0])
    expect(leastErrorRange(flat)).toEqual([0, 0])
  })
})

describe('choosing how to quantise', () => {
  it('takes the method whose answers lie nearest, and keeps nodes float to get within a budget', async () => {
    const { graph } = await simplify(createGraph(makeSmallNet()), { open })
    const samples = samplesOf(graph)
    const statistics = await calibrated(graph)
    const { best, measure } = await chooseQuantisation(graph, statistics, samples, { open })
    for (const method of METHODS) {
      const other = quantiseGraph(graph, widenToClamps(graph, rangesFrom(statistics, method)))
      // What narrows ranges is chosen only when it is clearly better.
      expect(best.error).toBeLessThanOrEqual(1.15 * (await measure(other)).error)
    }
    const sensitivity = await measureSensitivity(graph, best, measure)
    expect(sensitivity.map(({ node }) => node).sort()).toEqual(['c2', 'n1', 'y'])
    expect((await keepWithinBudget(graph, best, measure, { budget: 5 })).keepFloat.size).toBe(0)
    const strict = await keepWithinBudget(graph, best, measure, { budget: best.lost / 3 })
    expect(strict.keepFloat.size).toBeGreaterThan(0)
    expect(strict.error).toBeLessThan(best.error)
  })

  it('corrects the bias of each layer by what comes out of the int8 net, one layer after the other', async () => {
    const { graph } = await simplify(createGraph(makeSmallNet()), { open })
    const samples = samplesOf(graph)
    const statistics = await calibrated(graph)
    // Ranges that clip a good part: the means drift far.
    const ranges = new Map(
      [...rangesFrom(statistics, 'min-max')].map(([n, [low, high]]) => [n, [low, high / 3] as const]),
    )
    const corrections = await driftCorrections(graph, statistics, ranges, samples, { open })
    expect([...corrections.keys()].sort()).toEqual(['c2', 'n1', 'y'])
    const error = async (options: QuantiseOptions): Promise<number> => {
      const { graph: int8, results } = quantiseTraced(graph, ranges, options)
      const last = results.get('y') ?? ''
      let sums: Float64Array | undefined
      await withModel(open, withOutputs(int8, [last]), async (runner) => {
        for (let i = 0; i < samples.length; i++) {
          const value = (await runner.run(await samples.at(i)))[last]
          if (value) sums = addMeans(value, sums)
        }
      })
      const wanted = statistics.tensors.get('y')?.means ?? []
      return Math.max(...Array.from(wanted, (mean, c) => Math.abs(mean - (sums?.[c] ?? 0) / samples.length)))
    }
    const [drifted, corrected] = [await error({}), await error({ corrections })]
    expect(drifted).toBeGreaterThan(0.05)
    expect(corrected).toBeLessThan(drifted / 20)
  })

  it('equalises channels of neighbours without changing what the net computes', async () => {
    const random = createRandom(3)
    const wild = randomFloats([8, 3, 3, 3], random)
    const tame = randomFloats([8, 1, 3, 3], random)
    const graph = createGraph(
      makeModel({
        inputs: { x: [1, 3, 12, 12] },
        outputs: { y: [1, 4, 5, 5] },
        constants: {
          // One channel a hundred times the others, and the next layer takes it back.
          w1: {
            ...wild,
            data: Float32Array.from(wild.data as Float32Array, (w, i) => (i < 27 ? 100 * w : w)),
          } as Constant,
          b1: randomFloats([8], random),
          w2: {
            ...tame,
            data: Float32Array.from(tame.data as Float32Array, (w, i) => (i < 9 ? w / 100 : w)),
          } as Constant,
          w3: randomFloats([4, 8, 1, 1], random),
        },
        nodes: [
          makeNode('Conv', ['x', 'w1', 'b1'], ['a']),
          makeNode('Relu', ['a'], ['b']),
          makeNode('MaxPool', ['b'], ['c'], { kernel_shape: [2, 2], strides: [2, 2] }),
          makeNode('Conv', ['c', 'w2'], ['d'], { group: 8, pads: [1, 1, 1, 1] }),
          makeNode('Conv', ['d', 'w3'], ['y']),
        ],
      }),
    )
    const equal = equalise(graph)
    if (!equal) throw new Error('no pair was found')
    const [before, after] = [await outputs(graph, [1, 2]), await outputs(equal, [1, 2])]
    const most = Math.max(...before.map(Math.abs))
    after.forEach((value, i) => {
      expect(Math.abs(value - (before[i] ?? 0))).toBeLessThan(1e-5 * most)
    })
    const error = async (net: Graph): Promise<number> => 1 - cosine(before, await outputs(await quantised(net), [1, 2]))
    expect(await error(equal)).toBeLessThan((await error(graph)) / 2)
    expect(graph.constant('w1')).not.toEqual(equal.constant('w1'))
    expect(
      equalise(
        createGraph(
          makeModel({ inputs: { x: [1, 2] }, outputs: { y: [1, 2] }, nodes: [makeNode('Relu', ['x'], ['y'])] }),
        ),
      ),
    ).toBeUndefined()
  })

  it('takes fewer bits for weights, in all nodes or in as many as a budget allows', async () => {
    const random = createRandom(9)
    const graph = createGraph(
      makeModel({
        inputs: { x: [1, 16, 8, 8] },
        outputs: { y: [1, 16, 8, 8] },
        constants: {
          w1: randomFloats([16, 16, 3, 3], random, 0.3),
          w2: randomFloats([16, 16, 3, 3], random, 0.3),
          w3: randomFloats([16, 16, 1, 1], random, 0.3),
        },
        nodes: [
          makeNode('Conv', ['x', 'w1'], ['a'], { pads: [1, 1, 1, 1] }),
          makeNode('Relu', ['a'], ['b']),
          makeNode('Conv', ['b', 'w2'], ['c'], { pads: [1, 1, 1, 1] }),
          makeNode('Conv', ['c', 'w3'], ['y']),
        ],
      }),
    )
    const samples = samplesOf(graph)
    const chosen = await chooseWithEqualising(graph, samples, { open })
    const four = await narrow(chosen, samples, 4, { open })
    // The last one is too small to gain anything.
    expect([...(four?.bits ?? [])]).toEqual([
      ['a', 4],
      ['c', 4],
    ])
    const int4 = quantiseGraph(chosen.graph, chosen.best.ranges, { ...four })
    const values = Array.from<number | bigint, number>(int4.constant('c_weight_int8')?.data ?? [], Number)
    expect([Math.min(...values), Math.max(...values)]).toEqual([-7, 7])
    const budget = ((four?.lost ?? 0) + chosen.best.lost) / 2
    const some = await narrow(chosen, samples, 4, { open, budget })
    expect(some?.bits.size).toBe(1)
    expect(some?.lost).toBeLessThanOrEqual(budget)
    expect(await narrow(chosen, samples, 4, { open, budget: chosen.best.lost / 100 })).toBeUndefined()
  })

  it('takes 7 bits for the weights of all products or of none, and leaves depthwise layers', async () => {
    const random = createRandom(10)
    const graph = createGraph(
      makeModel({
        inputs: { x: [1, 16, 8, 8] },
        outputs: { y: [1, 8, 8, 8] },
        constants: {
          w1: randomFloats([16, 1, 3, 3], random, 0.3),
          w2: randomFloats([8, 16, 1, 1], random, 0.3),
        },
        nodes: [
          makeNode('Conv', ['x', 'w1'], ['a'], { pads: [1, 1, 1, 1], group: 16 }),
          makeNode('Relu', ['a'], ['b']),
          makeNode('Conv', ['b', 'w2'], ['y']),
        ],
      }),
    )
    const samples = samplesOf(graph)
    const chosen = await chooseWithEqualising(graph, samples, { open })
    const seven = await narrow(chosen, samples, 7, { open })
    expect([...(seven?.bits ?? [])]).toEqual([['y', 7]])
    const int7 = quantiseGraph(chosen.graph, chosen.best.ranges, { ...seven })
    expect(parsePlan(lower(int7).plan).weightLimit).toBe(63)
    expect(
      parsePlan(lower(quantiseGraph(chosen.graph, chosen.best.ranges, optionsOf(chosen.best))).plan).weightLimit,
    ).toBe(127)
    expect(await narrow(chosen, samples, 7, { open, budget: (seven?.lost ?? 0) / 2 })).toBeUndefined()
  })

  it('counts in points of accuracy where it is known what is right', async () => {
    const { graph } = await simplify(createGraph(makeSmallNet()), { open })
    const samples = samplesOf(graph, 10)
    const halves = { ...samples, right: (index: number) => index < 5 }
    const measure = await createMeasure(graph, halves, { open })
    expect(await measure(graph)).toEqual({ error: 0, lost: 0 })
    const answered = { ...samples, right: (_: number, { y }: Tensors) => Number(y?.data[0]) > 0 }
    const judged = await createMeasure(graph, answered, { open })
    const negated = createGraph(makeSmallNet())
    const w3 = negated.constant('w3')
    negated.setConstant('w3', { ...w3, data: new Float32Array(32) } as Constant)
    negated.setConstant('b3', { type: 'float32', dims: [4], data: new Float32Array(4).fill(-1) })
    const right = (
      await outputs(
        graph,
        Array.from({ length: 10 }, (_, i) => i + 100),
      )
    ).filter((v, i) => i % 4 === 0 && v > 0)
    expect((await judged(negated)).lost).toBeCloseTo(10 * right.length)
  })
})
