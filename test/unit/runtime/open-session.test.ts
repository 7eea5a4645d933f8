import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { goldenFrom } from '../../../src/cli/pack/golden.ts'
import { createFractions } from '../../../src/lib/random.ts'
import { makeNode } from '../../../src/onnx/attribute.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { elementCount } from '../../../src/protocol/dims.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { formerPlaces } from '../../../src/protocol/golden-sample.ts'
import type { ImageInput } from '../../../src/protocol/input.ts'
import type { Feeding, Program, Variant } from '../../../src/protocol/manifest.ts'
import { float32, type Tensor, type Tensors, tensorOf } from '../../../src/protocol/tensor.ts'
import type { Backend } from '../../../src/runtime/backend.ts'
import { startCalls } from '../../../src/runtime/feeding.ts'
import { checkGolden, createSessions, goldenOfEach, openSession } from '../../../src/runtime/open-session.ts'
import { createOrtWasmBackend } from '../../../src/runtime/ort-wasm.ts'
import { createOrtWebgpuBackend } from '../../../src/runtime/ort-webgpu.ts'
import { timeRuns } from '../../../src/runtime/stopwatch.ts'
import { makeModel } from '../onnx/make.ts'

const input: ImageInput = {
  kind: 'image',
  tensor: 'image',
  width: 20,
  height: 10,
  fit: 'cover',
  layout: 'nchw',
  order: 'rgb',
  mean: [128, 128, 128],
  std: [128, 128, 128],
}

const variant: Variant = {
  name: 'int8',
  programs: [
    { engine: 'nano', plan: 'plan' },
    { engine: 'onnx', model: 'model' },
  ],
  golden: [{ seed: 7, output: { logits: [1, 2] }, tolerance: 0.01 }],
}

const read = async () => new Uint8Array()

function fakeBackend(
  engine: Backend['engine'],
  answer: (inputs: Tensors) => Tensors,
  disposed: string[] = [],
): Backend {
  return {
    id: `fake-${engine}`,
    name: `fake-${engine}`,
    engine,
    createSession: async () => ({
      run: async (inputs) => answer(inputs),
      dispose: async () => void disposed.push(engine),
    }),
  }
}
const right = () => ({ logits: float32([1, 2], Float32Array.of(1.001, 2)) })
const wrong = () => ({ logits: float32([1, 2], Float32Array.of(1.5, 2)) })

describe('openSession', () => {
  it('takes the first program whose backend answers right', async () => {
    const opened = await openSession(variant, { input }, [fakeBackend('onnx', right), fakeBackend('nano', right)], read)
    expect(opened.backend).toBe('fake-nano')
    expect(opened.refused).toEqual([])
  })

  it.each([
    ['a wrong answer', wrong, 'off by 0.5'],
    ['no such output', () => ({}), 'has no values, not 2'],
    ['NaN', () => ({ logits: float32([1, 2], Float32Array.of(Number.NaN, 2)) }), 'off by Infinity'],
    [
      'a crash',
      () => {
        throw new WebAssembly.RuntimeError('unreachable')
      },
      'unreachable',
    ],
  ])('passes over a backend with %s, frees it and says why', async (_, answer, said) => {
    const disposed: string[] = []
    const opened = await openSession(
      variant,
      { input },
      [fakeBackend('nano', answer, disposed), fakeBackend('onnx', right)],
      read,
    )
    expect(opened.backend).toBe('fake-onnx')
    expect(opened.refused[0]).toContain(said)
    expect(disposed).toEqual(['nano'])
  })

  it('fails with every reason when none is right, and does not blame a backend for a missing file', async () => {
    await expect(openSession(variant, { input }, [fakeBackend('nano', wrong)], read)).rejects.toMatchObject({
      code: 'runtime/no-backend',
      message: expect.stringContaining('fake-nano: output "logits" of golden input 7 is off by 0.5'),
    })
    const failing: Backend = {
      ...fakeBackend('nano', right),
      createSession: async () => {
        throw new JikoError('pack/damaged', 'a chunk is missing')
      },
    }
    await expect(openSession(variant, { input }, [failing, fakeBackend('onnx', right)], read)).rejects.toMatchObject({
      code: 'pack/damaged',
    })
  })
})

const session = (map: Tensor) => ({ run: async () => ({ map }), dispose: async () => undefined })
const asMap = (data: Float32Array<ArrayBuffer>): Tensor => float32([data.length], data)

describe('a golden answer of a pack of before, which is a list', () => {
  const long = Float32Array.from({ length: 5000 }, (_, i) => i / 5000)
  const golden = { seed: 1, output: { map: formerPlaces(5000, 300).map((at) => long[at] as number) }, tolerance: 1e-4 }

  it('is taken where it belongs, and a shift by one is told', async () => {
    await checkGolden(session(asMap(long)), golden, { input })
    const shifted = Float32Array.from(long, (_, i) => long[(i + 1) % 5000] as number)
    await expect(checkGolden(session(asMap(shifted)), golden, { input })).rejects.toMatchObject({
      code: 'runtime/wrong-answer',
    })
  })

  it('does not make a longer output right where the pack has all of it', async () => {
    const whole = { seed: 1, output: { map: [0, 1 / 5000] }, tolerance: 1e-4 }
    await expect(checkGolden(session(asMap(long)), whole, { input })).rejects.toThrow('has 5000 values, not 2')
  })
})

describe('a golden answer that is a sample of a long output', () => {
  const random = createFractions(7)
  const made = (dims: number[]): Tensor => tensorOf('float32', dims, random)

  /** Whether one golden input or the other tells of an output that is wrong at some of its places. */
  function createFinder(right: Tensor): (isWrong: (place: number) => boolean) => Promise<boolean> {
    const golden = [1, 2].map((seed) => goldenFrom(seed, { map: right }))
    return async (isWrong) => {
      const get = (_: object, key: string | symbol) =>
        key === 'length' ? right.data.length : Number(right.data[Number(key)]) + (isWrong(Number(key)) ? 0.1 : 0)
      const wrong = { ...right, data: new Proxy({}, { get }) } as Tensor
      const checks = golden.map((one) => checkGolden(session(wrong), one, { input }))
      const told = (await Promise.allSettled(checks)).flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
      for (const reason of told) expect(reason).toMatchObject({ code: 'runtime/wrong-answer' })
      return told.length > 0
    }
  }

  it.each([
    ['an image', [1, 3, 200, 150]],
    ['a large map', [1, 1, 736, 736]],
    ['channels last', [1, 40, 40, 85]],
    ['boxes in a row', [1, 3549, 85]],
    ['a map whose shape is no longer told', [1, 6400, 4]],
    ['one score each', [1, 1600, 1]],
    ['labels', [1, 1001]],
    ['symbols of a line', [1, 200, 97]],
    ['frames of five axes', [2, 4, 8, 30, 30]],
  ])(
    'of %s is right where nothing is wrong, and tells of a border, a slice, a part, a corner and a tail',
    async (_, dims) => {
      const right = made(dims)
      const size = right.data.length
      const isFound = createFinder(right)
      expect(await isFound(() => false)).toBe(false)
      const missed: string[] = []
      const look = async (what: string, isWrong: (place: number) => boolean) => {
        if (!(await isFound(isWrong))) missed.push(what)
      }
      for (const [axis, dim] of dims.entries()) {
        const stride = elementCount(dims.slice(axis + 1))
        const indexOf = (place: number): number => Math.floor(place / stride) % dim
        // Every channel, row and column of what is shorter than the sample; of what is longer its ends.
        const indices = dim <= 200 ? Array.from({ length: dim }, (_, i) => i) : [0, dim - 1]
        for (const index of indices) await look(`axis ${axis} at ${index}`, (place) => indexOf(place) === index)
        // Kernels work on so many at a time, and on what is left over.
        await look(`the last of axis ${axis}`, (place) => indexOf(place) >= dim - (dim % 8 || 8))
      }
      for (const left of [1, 3, 15]) await look(`the last ${left}`, (place) => place >= size - left)
      for (let part = 0; part < 50; part++)
        await look(`part ${part} of 50`, (place) => Math.floor((place * 50) / size) === part)
      const [width = 1, height = 1] = [dims.at(-1), dims.at(-2)]
      const corners = [0, width - 1, (height - 1) * width, height * width - 1]
      for (const at of corners) await look(`corner ${at}`, (place) => place % (width * height) === at)
      expect(missed).toEqual([])
    },
  )

  it('tells of the border of a map of 80 by 80 boxes that are listed in one row', async () => {
    const isFound = createFinder(made([1, 6400, 4]))
    for (const wrong of [0, 79]) {
      expect(await isFound((place) => Math.floor(place / 4) % 80 === wrong), `column ${wrong}`).toBe(true)
      expect(await isFound((place) => Math.floor(place / 320) === wrong), `row ${wrong}`).toBe(true)
    }
  })

  it('compares each output by its own spread: nothing where one should be is told beside large numbers', async () => {
    const right = {
      boxes: tensorOf('float32', [1, 1600, 4], () => 100 * random()),
      sure: tensorOf('float32', [1, 1600, 1], () => 0.04 * random()),
    }
    const golden = goldenFrom(1, right)
    const giving = (outputs: Tensors) => ({ ...session(right.sure), run: async () => outputs })
    await checkGolden(giving(right), golden, { input })
    const nothing = tensorOf('float32', [1, 1600, 1], () => 0)
    await expect(checkGolden(giving({ ...right, sure: nothing }), golden, { input })).rejects.toThrow('output "sure"')
  })

  it('is of an output of that length, and NaN is no number near it', async () => {
    const golden = goldenFrom(1, { map: made([1, 1000]) })
    await expect(checkGolden(session(made([1, 1001])), golden, { input })).rejects.toThrow('has 1001 values, not 1000')
    const nan = tensorOf('float32', [1, 1000], () => Number.NaN)
    await expect(checkGolden(session(nan), golden, { input })).rejects.toThrow('off by Infinity')
  })

  it('leaves outputs that are all short as they are, number by number', () => {
    const logits = made([1, 704])
    expect(goldenFrom(1, { logits }).output).toEqual({
      logits: Array.from<number | bigint, number>(logits.data, Number),
    })
  })
})

describe('ort-wasm', () => {
  it('names the version that is installed', () => {
    const { version } = JSON.parse(readFileSync('node_modules/onnxruntime-web/package.json', 'utf8'))
    expect(createOrtWasmBackend().name).toBe(`ort-wasm ${version}`)
    expect(createOrtWebgpuBackend(undefined).name).toBe(`ort-webgpu ${version}`)
  })

  it('refuses a model with an operator it does not know by the operator’s name, and no other backend is blamed', async () => {
    const model = makeModel({
      inputs: { image: [1, 3, 10, 20] },
      outputs: { logits: [1, 3, 10, 20] },
      nodes: [makeNode('Frobnicate', ['image'], ['logits'])],
    })
    const bytes = writeModel(model)
    const only: Variant = { ...variant, programs: [{ engine: 'onnx', model: 'model' }] }
    await expect(openSession(only, { input }, [createOrtWasmBackend()], async () => bytes)).rejects.toMatchObject({
      code: 'runtime/no-backend',
      message: expect.stringMatching(/ort-wasm .*Frobnicate/),
    })
  })

  it('says clearly that it was given rubbish, and works on for the next model', async () => {
    const backend = createOrtWasmBackend()
    const rubbish = async () => new TextEncoder().encode('this is not a model')
    const program = { engine: 'onnx', model: 'model.onnx' } as const
    for (let i = 0; i < 2; i++) {
      await expect(backend.createSession(program, rubbish)).rejects.toMatchObject({ code: 'runtime/session-failed' })
    }
    await expect(backend.createSession({ engine: 'nano', plan: 'plan' }, rubbish)).rejects.toMatchObject({
      code: 'runtime/engine',
    })
  })
})

describe('a program of two graphs', () => {
  const line: ImageInput = { ...input, tensor: 'line', fit: 'line', width: 40 }
  const page: Feeding = {
    input,
    output: {
      kind: 'page',
      tensor: 'map',
      pixel: 0.3,
      least: 0.5,
      grow: 2,
      most: 9,
      line: {
        input: line,
        output: { kind: 'text', tensor: 'logits', activation: 'logits', blank: 0, symbols: ['a'] },
        least: 0.5,
      },
    },
  }
  const both: Variant = {
    name: 'fp32',
    programs: [{ engine: 'onnx', model: 'finds', reader: { model: 'reads' } }],
    golden: [
      { seed: 1, output: { map: [3] }, tolerance: 0 },
      { seed: 2, output: { map: [3] }, tolerance: 0 },
      { seed: 1, graph: 'reader', output: { logits: [1, 2] }, tolerance: 0.01 },
    ],
  }
  /** Finds with one graph and reads with the other; tells what was fed to which, and what was freed. */
  function twoGraphs(said: string[], answer = right): Backend {
    return {
      id: 'two',
      name: 'two',
      engine: 'onnx',
      async createSession(program) {
        const model = 'model' in program ? program.model : ''
        if (model === 'reads' && said.includes('no reader')) throw new JikoError('runtime/session-failed', 'no room')
        return {
          async run(inputs) {
            said.push(`${model} ${Object.values(inputs).map(({ dims }) => dims.join('x'))}`)
            return model === 'finds' ? { map: float32([1], Float32Array.of(3)) } : answer()
          },
          dispose: async () => void said.push(`${model} freed`),
        }
      },
    }
  }

  it('is one session: each graph has answered its own golden inputs', async () => {
    const said: string[] = []
    const { session } = await openSession(both, page, [twoGraphs(said)], read)
    expect(said).toEqual(['finds 1x3x10x20', 'finds 1x3x10x20', 'reads 1x3x10x40'])
    const call = startCalls(session, page)
    expect(Object.keys(await call({}))).toEqual(['map'])
    expect(Object.keys(await call({}, 'reader'))).toEqual(['logits'])
    await session.dispose()
    expect(said.slice(-2).sort()).toEqual(['finds freed', 'reads freed'])
  })

  it('is passed over when its reader answers wrongly, and when there is no room for it: both are freed', async () => {
    const said: string[] = []
    await expect(openSession(both, page, [twoGraphs(said, wrong)], read)).rejects.toThrow('off by 0.5')
    expect(said.slice(-2).sort()).toEqual(['finds freed', 'reads freed'])
    const full = ['no reader']
    await expect(openSession(both, page, [twoGraphs(full)], read)).rejects.toThrow('no room')
    expect(full.at(-1)).toBe('finds freed')
  })

  it('is timed with both', async () => {
    const said: string[] = []
    const session = await createSessions(twoGraphs(said), both.programs[0] as Program, read)
    let ticks = 0
    const clock = { budget: 10, now: () => ++ticks * 4 }
    expect(await timeRuns(session, page, goldenOfEach(both), clock)).toBe(4)
    expect(new Set(said)).toEqual(new Set(['finds 1x3x10x20', 'reads 1x3x10x40']))
  })

  it('is not asked for a reader that it has not', async () => {
    const session = await fakeBackend('onnx', right).createSession({ engine: 'onnx', model: 'x' }, read)
    await expect(startCalls(session, page)({}, 'reader')).rejects.toMatchObject({ code: 'runtime/no-reader' })
  })
})
