import { describe, expect, it, vi } from 'vitest'
import { createRecords } from '../../../src/app/state/records.ts'
import { createSignal } from '../../../src/client/signal.ts'
import { createFakeKit, type FakeOptions } from '../../helpers/fake-kit.ts'

const history = (count: number): NonNullable<FakeOptions['history']> =>
  Array.from({ length: count }, () => ({ label: 'rust', score: 0.9, state: 'local' as const }))

describe('records', () => {
  it('come page by page, each once, newest first', async () => {
    const records = createRecords(createFakeKit({ history: history(65) }))
    await expect.poll(() => records.entries.value).toHaveLength(30)
    expect(records.more.value).toBe(true)
    await records.loadMore()
    await records.loadMore()
    expect(records.more.value).toBe(false)
    const ids = records.entries.value?.map(({ id }) => Number(id.split('/')[1]))
    expect(ids).toEqual(Array.from({ length: 65 }, (_, i) => 65 - i))
  })

  it('follow a change of state, with as many as were shown', async () => {
    const kit = createFakeKit({ history: history(40) })
    const records = createRecords(kit)
    await records.loadMore()
    kit.settle('final')
    await expect.poll(() => new Set(records.entries.value?.map(({ state }) => state))).toEqual(new Set(['final']))
    expect(records.entries.value).toHaveLength(40)
  })

  it('cost one read for many changes in a row', async () => {
    const kit = createFakeKit({ history: history(3) })
    const list = vi.spyOn(kit.records, 'list')
    const records = createRecords(kit)
    await expect.poll(() => records.entries.value).toHaveLength(3)
    list.mockClear()
    for (let i = 0; i < 20; i++) kit.settle('held')
    await expect.poll(() => records.entries.value?.[0]?.state).toBe('held')
    expect(list.mock.calls.length).toBeLessThanOrEqual(2)
  })

  it('find an old one through the pages, and say when there is none', async () => {
    const records = createRecords(createFakeKit({ history: history(65) }))
    expect((await records.find('abcdefghijklmnop/2'))?.id).toBe('abcdefghijklmnop/2')
    expect(await records.find('abcdefghijklmnop/99')).toBeUndefined()
  })

  it('keep what is shown when the store fails, and say so', async () => {
    const kit = createFakeKit({ history: history(3) })
    const records = createRecords(kit)
    await expect.poll(() => records.entries.value).toHaveLength(3)
    kit.records.list = async () => {
      throw new Error('connection lost')
    }
    kit.settle('held')
    await expect.poll(() => records.error.value).toBeInstanceOf(Error)
    expect(records.entries.value).toHaveLength(3)
    expect(await records.find('abcdefghijklmnop/99')).toBeUndefined()
  })

  it('are believed to be there as they were last time, until read, and of another person nothing is', async () => {
    const person = createSignal<string | undefined>(undefined)
    const records = createRecords(createFakeKit(), person, true)
    expect(records.some.value).toBe(true)
    await expect.poll(() => records.some.value).toBe(false)
    const others = createRecords(createFakeKit({ history: history(2) }), person, false)
    await expect.poll(() => others.some.value).toBe(true)
    person.set('person-2')
    expect(others.some.value).toBeUndefined()
    await expect.poll(() => others.some.value).toBeDefined()
  })
})
