import { expect, test } from 'vitest'
import { buildKernels } from '../../../scripts/build-kernels.ts'
import { loadKernels } from '../../../src/runtime/nano/load-kernels.ts'

test('the kernels that ship are those of the source', { timeout: 120_000 }, async () => {
  const [built, shipped] = await Promise.all([buildKernels(), loadKernels()])
  expect([...shipped.keys()]).toEqual([...built.keys()])
  for (const [name, bytes] of built) {
    const same = Buffer.compare(Buffer.from(bytes), Buffer.from(shipped.get(name) ?? [])) === 0
    expect(same, `${name} differs from its source: run node scripts/build-kernels.ts`).toBe(true)
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
