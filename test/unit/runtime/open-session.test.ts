import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeNode } from '../../../src/onnx/attribute.ts'
import { writeModel } from '../../../src/onnx/write.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import type { ImageInput } from '../../../src/protocol/input.ts'
import { sampleOf, type Variant } from '../../../src/protocol/manifest.ts'
import { float32, type Tensors } from '../../../src/protocol/tensor.ts'
import type { Backend } from '../../../src/runtime/backend.ts'
import { checkGolden, openSession } from '../../../src/runtime/open-session.ts'
import { createOrtWasmBackend } from '../../../src/runtime/ort-wasm.ts'
import { createOrtWebgpuBackend } from '../../../src/runtime/ort-webgpu.ts'
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
