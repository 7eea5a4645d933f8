import { beforeEach, describe, expect, it } from 'vitest'
import { createLock } from '../../../src/store/lock.ts'
import { createMemoryDisk, type MemoryDisk } from '../../../src/store/memory-database.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import { result } from './samples.ts'

describe('the PIN in front of the app', () => {
  let disk: MemoryDisk
  let clock: number
  beforeEach(() => {
    disk = createMemoryDisk()
    clock = 1_790_000_000_000
  })
  const open = () => createLock(disk.open(), () => clock)
  const codeOf = (work: Promise<unknown>) =>
    work.then(
      () => 'done',
      ({ code }) => code,
    )

  it('is asked for once it is set, also after a restart, and is not on the disk', async () => {
    expect(await open().isSet()).toBe(false)
    await open().open('whatever')
    await open().set('2468')
    expect(await open().isSet()).toBe(true)
    await open().open('2468')
    expect(await codeOf(open().open('1111'))).toBe('input/wrong-pin')
    const setting = await disk.open().transact('read', (tables) => tables.setting('lock'))
    expect(JSON.stringify(setting)).not.toContain('2468')
  })

  it('is changed and taken away only by who knows it', async () => {
    await open().set('2468')
    expect(await codeOf(open().set('1357'))).toBe('input/wrong-pin')
    expect(await codeOf(open().clear('1357'))).toBe('input/wrong-pin')
    expect(await codeOf(open().set('12', '2468'))).toBe('input/bad-pin')
    await open().set('1357', '2468')
    await open().clear('1357')
    expect(await open().isSet()).toBe(false)
  })

  it('makes guessing slow: the right one has to wait too', async () => {
    await open().set('2468')
    for (let i = 0; i < 4; i++) expect(await codeOf(open().open('0000'))).toBe('input/wrong-pin')
    expect(await codeOf(open().open('2468'))).toBe('input/wrong-pin')
    clock += 5000
    expect(await codeOf(open().open('2468'))).toBe('done')
  })

  it('keeps nothing back from the hub: what is unsent is there to be sent', async () => {
    const store = await openMemoryStore(disk)
    await store.append(result('rust'))
    await open().set('2468')
    const [state] = await store.streams()
    expect(await store.lines(state?.stream ?? '', 1, 10)).toHaveLength(1)
  })
})
