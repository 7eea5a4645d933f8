import { expect, test } from 'vitest'
import { buildKernels } from '../../../scripts/build-kernels.ts'
import { OPERATIONS } from '../../../src/protocol/plan-operations.ts'
import { PRODUCTS, type Product } from '../../../src/runtime/nano/choose-products.ts'
import { instantiate, type KernelBuild, loadKernels } from '../../../src/runtime/nano/load-kernels.ts'

test('the kernels that ship are those of the source', { timeout: 120_000 }, async () => {
  const [built, shipped] = await Promise.all([buildKernels(), loadKernels()])
  expect([...shipped.keys()]).toEqual([...built.keys()])
  for (const [name, bytes] of built) {
    const same = Buffer.compare(Buffer.from(bytes), Buffer.from(shipped.get(name) ?? [])) === 0
    expect(same, `${name} differs from its source: run node scripts/build-kernels.ts`).toBe(true)
  }
})

test('every build has every operation', async () => {
  const builds = await loadKernels()
  const memory = new WebAssembly.Memory({ initial: 1 })
  const namesOf = async (name: KernelBuild): Promise<string[]> =>
    Object.keys(await instantiate(await WebAssembly.compile(builds.get(name) ?? new Uint8Array()), memory))
  const kinds = Object.keys(OPERATIONS).sort()
  const common = await namesOf('common')
  for (const name of Object.keys(PRODUCTS) as Product[])
    expect([...common, ...(await namesOf(name))].filter((kind) => kinds.includes(kind)).sort(), name).toEqual(kinds)
  expect((await namesOf('scalar')).filter((kind) => kinds.includes(kind)).sort()).toEqual(kinds)
})

test('reals of any size are quantised alike with SIMD and without, down to what is no number', async () => {
  const scale = 0.5
  const steps = [
    0.5,
    1.5,
    127.5,
    128.5,
    4095,
    2 ** 22 - 1,
    2 ** 22,
    2 ** 23,
    1.5 * 2 ** 23,
    2 ** 24,
    2 ** 31,
    1e30,
    1e38,
  ]
  const near = steps.flatMap((step) => [step, step + 1, step * (1 + 2 ** -20), step * (1 - 2 ** -20)])
  const values = [0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const step of near) values.push(step * scale, -step * scale)
  const builds = await loadKernels()
  const answers = await Promise.all(
    (['common', 'scalar'] as const).map(async (name) => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
      const module = await WebAssembly.compile(builds.get(name) ?? new Uint8Array())
      const { quantise } = await instantiate(module, memory)
      new Float32Array(memory.buffer).set(values)
      quantise?.(0, 4096, 1, values.length, 1, -3, scale)
      return [...new Int8Array(memory.buffer, 4096, values.length)]
    }),
  )
  expect(answers[0]).toEqual(answers[1])
  expect(answers[0]?.slice(0, 4)).toEqual([-3, -128, 127, -128])
  // Beyond 128 steps all is saturated.
  expect(new Set(answers[0]?.filter((_, i) => Math.abs(values[i] ?? 0) > 131 * scale))).toEqual(new Set([-128, 127]))
})

test('a picture of any number of pixels is quantised alike with SIMD and without', async () => {
  const builds = await loadKernels()
  for (let pixels = 1; pixels < 14; pixels++) {
    const values = Float32Array.from({ length: 3 * pixels }, (_, i) => 40 * Math.sin(i))
    const answers = await Promise.all(
      (['common', 'scalar'] as const).map(async (name) => {
        const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
        const module = await WebAssembly.compile(builds.get(name) ?? new Uint8Array())
        const { quantise } = await instantiate(module, memory)
        new Float32Array(memory.buffer).set(values)
        const bytes = new Int8Array(memory.buffer, 4096, 3 * pixels + 16).fill(99)
        quantise?.(0, 4096, 3, pixels, 3, 7, 0.3)
        return [...bytes]
      }),
    )
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0]?.[3 * pixels]).toBe(99)
  }
})

test('the kernels bring no data of their own, and can only use the memory they are given', async () => {
  for (const [name, bytes] of await loadKernels()) {
    const module = await WebAssembly.compile(bytes)
    expect(WebAssembly.Module.imports(module), name).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }])
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 })
    await WebAssembly.instantiate(module, { env: { memory } })
    expect(
      new Uint8Array(memory.buffer).every((byte) => byte === 0),
      name,
    ).toBe(true)
  }
})
