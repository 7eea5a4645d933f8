import { describe, expect, it } from 'vitest'
import { ANYTHING, dayOf, find, fits, isAnything, pagesOf } from '../../../src/app/state/find.ts'
import type { HistoryEntry } from '../../../src/client/kit.ts'
import { createFakeKit, type FakeOptions } from '../../helpers/fake-kit.ts'

const NOW = new Date(2026, 10, 28, 12).getTime()
const history: NonNullable<FakeOptions['history']> = [
  { label: 'rust', score: 0.97, state: 'local', notes: ['Près de la rivière'] },
  { label: 'healthy', score: 0.4, state: 'held', daysAgo: 1 },
  { label: 'leaf_miner', score: 0.3, state: 'final', corrected: 'rust', daysAgo: 2 },
]

async function looked(patch: Partial<typeof ANYTHING>): Promise<string[]> {
  const { records } = createFakeKit({ history, now: () => NOW })
  const words = ({ body, corrected }: HistoryEntry): string =>
    `${corrected ?? ('label' in body.answer ? body.answer.label : '')} Coffee`
  const { entries } = await find(records.list, (entry) => fits(entry, { ...ANYTHING, ...patch }, words), 10)
  return entries.map(({ id }) => id.split('/')[1] ?? '')
}

describe('looking for an answer', () => {
  it.each([
    [{}, ['3', '2', '1']],
    [{ text: 'RUST' }, ['3', '1']],
    [{ text: 'coffee riviere' }, ['3']],
    [{ text: 'tea' }, []],
    [{ state: 'held' }, ['2']],
    [{ unsure: true }, ['2']],
    [{ day: '2026-11-27' }, ['2']],
    [{ day: '2026-11-27', text: 'rust' }, []],
    [{ pack: 'coffee-leaf' }, ['3', '2', '1']],
    [{ pack: 'other' }, []],
  ] as const)('%j finds %j', async (patch, ids) => {
    expect(await looked(patch)).toEqual(ids)
  })

  it('knows when nothing is asked', () => {
    expect(isAnything({ ...ANYTHING })).toBe(true)
    expect(isAnything({ ...ANYTHING, unsure: true })).toBe(false)
  })

  it('names a day as a date field does', () => {
    expect(dayOf(new Date(2026, 0, 2, 23, 59).getTime())).toBe('2026-01-02')
  })

  it('reads no further than it must, and says that there are more', async () => {
    const kit = createFakeKit({
      history: Array.from({ length: 45 }, () => ({ label: 'rust', score: 0.9, state: 'local' })),
    })
    let read = 0
    const list: typeof kit.records.list = async (options) => {
      const page = await kit.records.list(options)
      read += page.length
      return page
    }
    const first = await find(list, () => true, 10, { size: 10 })
    expect([first.entries.length, first.more, read]).toEqual([10, true, 20])
    const all = await find(list, () => true, 100, { size: 10 })
    expect([all.entries.length, all.more]).toEqual([45, false])
    const stop = new AbortController()
    stop.abort()
    await expect(find(list, () => true, 5, { signal: stop.signal })).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('goes through the whole history once, page by page', async () => {
    const { records } = createFakeKit({
      history: Array.from({ length: 7 }, () => ({ label: 'rust', score: 0.9, state: 'local' })),
    })
    const sizes: number[] = []
    for await (const page of pagesOf(records.list, { size: 3 })) sizes.push(page.length)
    expect(sizes).toEqual([3, 3, 1])
  })
})
