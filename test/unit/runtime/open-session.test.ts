import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import type { ImageInput, Variant } from '../../../src/protocol/manifest.ts'
import { float32, type Tensors } from '../../../src/protocol/tensor.ts'
import type { Backend } from '../../../src/runtime/backend.ts'
import { goldenInput } from '../../../src/runtime/golden.ts'
import { openSession } from '../../../src/runtime/open-session.ts'
import { createOrtWasmBackend } from '../../../src/runtime/ort-wasm.ts'

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
    const opened = await openSession(variant, input, [fakeBackend('onnx', right), fakeBackend('nano', right)], read)
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
      input,
      [fakeBackend('nano', answer, disposed), fakeBackend('onnx', right)],
      read,
    )
    expect(opened.backend).toBe('fake-onnx')
    expect(opened.refused[0]).toContain(said)
    expect(disposed).toEqual(['nano'])
  })

  it('fails with every reason when none is right, and does not blame a backend for a missing file', async () => {
    await expect(openSession(variant, input, [fakeBackend('nano', wrong)], read)).rejects.toMatchObject({
      code: 'runtime/no-backend',
      message: expect.stringContaining('fake-nano: output "logits" of golden input 7 is off by 0.5'),
    })
    const failing: Backend = {
      ...fakeBackend('nano', right),
      createSession: async () => {
        throw new JikoError('pack/damaged', 'a chunk is missing')
      },
    }
    await expect(openSession(variant, input, [failing, fakeBackend('onnx', right)], read)).rejects.toMatchObject({
      code: 'pack/damaged',
    })
  })
})

describe('goldenInput', () => {
  it('is the same tensor on every machine and for ever: packs in the field depend on it', async () => {
    const { dims, data } = goldenInput(1, input)
    expect(dims).toEqual([1, 3, 10, 20])
    expect(await sha256Hex(new Uint8Array((data as Float32Array<ArrayBuffer>).buffer))).toBe(
      'bf976f09080fd87b68f46939033bec6d65fd6cccf9ca5fa5f734e162c7990543',
    )
  })

  it('depends on the seed, uses the whole range, and only moves numbers about for another layout', () => {
    const a = goldenInput(1, input).data as Float32Array
    const b = goldenInput(2, input).data as Float32Array
    expect(a).not.toEqual(b)
    expect(Math.max(...a) - Math.min(...a)).toBeGreaterThan(1)
    const nhwc = goldenInput(1, { ...input, layout: 'nhwc' })
    expect(nhwc.dims).toEqual([1, 10, 20, 3])
    expect([...(nhwc.data as Float32Array)].sort()).toEqual([...a].sort())
  })
})

describe('ort-wasm', () => {
  it('names the version that is installed', () => {
    const { version } = JSON.parse(readFileSync('node_modules/onnxruntime-web/package.json', 'utf8'))
    expect(createOrtWasmBackend().name).toBe(`ort-wasm ${version}`)
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
