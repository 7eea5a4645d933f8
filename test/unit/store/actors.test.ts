import { beforeEach, describe, expect, it } from 'vitest'
import { createActors } from '../../../src/store/actors.ts'
import { createMemoryDisk, type MemoryDisk } from '../../../src/store/memory-database.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import { result } from './samples.ts'

describe('people of one phone', () => {
  let disk: MemoryDisk
  let clock: number
  beforeEach(() => {
    disk = createMemoryDisk()
    clock = 1_790_000_000_000
  })
  const open = () => createActors(disk.open(), () => clock)

  it('are known by name, enter by PIN, also after a restart, and no PIN lies on the disk', async () => {
    const asha = await open().add(' Asha ', '2468')
    const juma = await open().add('Juma', '2468')
    expect(await open().list()).toEqual([
      { id: asha.id, name: 'Asha', guarded: true },
      { id: juma.id, name: 'Juma', guarded: true },
    ])
    expect(await open().enter(asha.id, '2468')).toEqual(asha)
    const rows = await disk.open().transact('read', (tables) => tables.actors())
    expect(JSON.stringify(rows)).not.toContain('2468')
    expect(rows[0]?.hash).not.toBe(rows[1]?.hash)
  })

  it('have to wait longer and longer after wrong PINs, and not for ever', async () => {
    const { id } = await open().add('Asha', '2468')
    const wrong = () =>
      open()
        .enter(id, '1111')
        .then(
          () => 'entered',
          ({ code, detail }) => [code, detail.seconds],
        )
    for (let i = 0; i < 3; i++) expect(await wrong()).toEqual(['input/wrong-pin', 0])
    expect(await wrong()).toEqual(['input/wrong-pin', 5])
    // The right one has to wait too, or guessing would be free.
    await expect(open().enter(id, '2468')).rejects.toMatchObject({ code: 'input/wrong-pin' })
    clock += 5000
    expect(await wrong()).toEqual(['input/wrong-pin', 10])
    clock -= 400 * 24 * 3_600_000
    expect(await wrong()).toEqual(['input/wrong-pin', 3600])
    clock += 401 * 24 * 3_600_000
    expect(await open().enter(id, '2468')).toMatchObject({ name: 'Asha' })
    expect(await wrong()).toEqual(['input/wrong-pin', 0])
  })

  it('need no PIN where they want none', async () => {
    const { id } = await open().add('Asha')
    expect(await open().list()).toEqual([{ id, name: 'Asha', guarded: false }])
    expect(await open().enter(id)).toMatchObject({ name: 'Asha' })
  })

  it('have a name and a PIN of digits', async () => {
    for (const [name, pin, code] of [
      ['', '2468', 'input/bad-name'],
      ['x'.repeat(65), '2468', 'input/bad-name'],
      ['Asha', '123', 'input/bad-pin'],
      ['Asha', '12a4', 'input/bad-pin'],
    ] as const) {
      await expect(open().add(name, pin)).rejects.toMatchObject({ code })
    }
    await expect(open().enter('nobody', '2468')).rejects.toMatchObject({ code: 'input/wrong-pin' })
    expect(await open().list()).toEqual([])
  })

  it('each see their own records, page by page, and all of them are sent', async () => {
    const store = await openMemoryStore(disk)
    for (let i = 0; i < 12; i++) await store.append(result(`label ${i}`, { actor: i % 3 === 0 ? 'asha' : 'juma' }))
    const labels = async (actor: string, before?: string) => {
      const items = await store.history({ actor, limit: 3, ...(before && { before }) })
      return items.map(({ record }) => `${record.stream}/${record.seq}`)
    }
    const first = await labels('asha')
    expect(first.map((id) => Number(id.split('/')[1]))).toEqual([10, 7, 4])
    expect((await labels('asha', first.at(-1))).map((id) => Number(id.split('/')[1]))).toEqual([1])
    expect(await store.history({ actor: 'juma' })).toHaveLength(8)
    expect(await store.history({ actor: 'nobody' })).toEqual([])
    await store.append(result('of before there were people'))
    expect(await store.history({ actor: 'juma' })).toHaveLength(9)
    const [state] = await store.streams()
    expect(await store.lines(state?.stream ?? '', 1, 100)).toHaveLength(13)
  })
})
