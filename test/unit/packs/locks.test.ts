import { describe, expect, it } from 'vitest'
import { memoryLocks, type RunExclusive, webLocks } from '../../../src/packs/locks.ts'

const kinds: [string, () => RunExclusive][] = [['memory', memoryLocks]]
// Node has Web Locks too, so the adapter meets the real thing.
if (navigator.locks) kinds.push(['Web Locks', () => webLocks(navigator.locks)])

describe.each(kinds)('%s', (_, make) => {
  it('lets one in at a time, in order, and gives back what the work gave', async () => {
    const exclusive = make()
    const log: string[] = []
    const work = (name: string) => async () => {
      log.push(`${name} in`)
      await new Promise((resolve) => setImmediate(resolve))
      log.push(`${name} out`)
      return name
    }
    const all = await Promise.all([exclusive('x', work('a')), exclusive('x', work('b'))])
    expect(all).toEqual(['a', 'b'])
    expect(log).toEqual(['a in', 'a out', 'b in', 'b out'])
  })

  it('frees the lock when the work fails, and passes the very error on', async () => {
    const exclusive = make()
    const error = new Error('broken')
    await expect(exclusive('x', () => Promise.reject(error))).rejects.toBe(error)
    expect(await exclusive('x', async () => 1)).toBe(1)
  })

  it('stops waiting when told to, and keeps its place free', async () => {
    const exclusive = make()
    let release: () => void = () => undefined
    const holding = new Promise<void>((resolve) => {
      release = resolve
    })
    const busy = exclusive('x', () => holding)
    const controller = new AbortController()
    const waiting = exclusive('x', async () => 'never', controller.signal)
    controller.abort()
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' })
    release()
    await busy
    expect(await exclusive('x', async () => 2)).toBe(2)
  })
})
