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
