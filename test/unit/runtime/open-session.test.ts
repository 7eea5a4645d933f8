import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeNode } from '../../../src/onnx/attribute.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import type { ImageInput } from '../../../src/protocol/input.ts'
import { type Feeding, type Program, sampleOf, type Variant } from '../../../src/protocol/manifest.ts'
import { float32, type Tensors } from '../../../src/protocol/tensor.ts'
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

describe('a golden answer that is a sample of a long output', () => {
  const long = Float32Array.from({ length: 5000 }, (_, i) => i / 5000)
  const golden = { seed: 1, output: { map: sampleOf(5000, 300).map((at) => long[at] as number) }, tolerance: 1e-4 }
  const session = (data: Float32Array<ArrayBuffer>) => ({
    run: async () => ({ map: float32([data.length], data) }),
    dispose: async () => undefined,
  })

  it('is taken where it belongs, and a shift by one is told', async () => {
    await checkGolden(session(long), golden, { input })
    const shifted = Float32Array.from(long, (_, i) => long[(i + 1) % 5000] as number)
    await expect(checkGolden(session(shifted), golden, { input })).rejects.toMatchObject({
      code: 'runtime/wrong-answer',
    })
  })

  it('does not make a longer output right where the pack has all of it', async () => {
    const whole = { seed: 1, output: { map: [0, 1 / 5000] }, tolerance: 1e-4 }
    await expect(checkGolden(session(long), whole, { input })).rejects.toThrow('has 5000 values, not 2')
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
