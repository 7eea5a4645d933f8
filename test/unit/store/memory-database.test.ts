import { expect, it } from 'vitest'
import { createMemoryDisk } from '../../../src/store/memory-database.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import { type Bench, describeRecordStore } from './contract.ts'
import { result } from './samples.ts'

function createBench(): Bench {
  let left = -1
  const disk = createMemoryDisk(() => {
    if (left === 0) throw new DOMException('full', 'QuotaExceededError')
    if (left > 0) left -= 1
  })
  return {
    open: () => openMemoryStore(disk),
    failAfter: (count) => {
      left = count
    },
  }
}

describeRecordStore('a record store in memory', createBench)

it('copies a disk as a backup does: same key, same stream, separate lives', async () => {
  const disk = createMemoryDisk()
  const store = await openMemoryStore(disk)
  await store.append(result('before'))
  const clone = await openMemoryStore(disk.copy())
  await store.append(result('after'))
  expect(clone.signer.key).toBe(store.signer.key)
  expect(await clone.list()).toHaveLength(1)
  expect(await store.list()).toHaveLength(2)
})
