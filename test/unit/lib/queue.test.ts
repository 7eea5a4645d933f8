import { describe, expect, it } from 'vitest'
import { createDeferred } from '../../../src/lib/deferred.ts'
import { createQueue } from '../../../src/lib/queue.ts'

describe('a queue', () => {
  it('runs one at a time: those that somebody waits for before those behind them, each in its order', async () => {
    const queue = createQueue()
    const begun: string[] = []
    const first = createDeferred<void>()
    const job = (name: string) => async () => void begun.push(name)
    const all = [
      queue(async () => {
        begun.push('first')
        await first.promise
      }),
      queue(job('batch 1'), { behind: true }),
      queue(job('batch 2'), { behind: true }),
      queue(job('person 1')),
      queue(job('person 2')),
    ]
    await Promise.resolve()
    expect(begun).toEqual(['first'])
    first.resolve()
    await Promise.all(all)
    expect(begun).toEqual(['first', 'person 1', 'person 2', 'batch 1', 'batch 2'])
  })

  it('goes on after a job that rejects or throws, and gives each its own outcome', async () => {
    const queue = createQueue()
    const outcomes = await Promise.allSettled([
      queue(() => Promise.reject(new Error('one'))),
      queue(async () => 2),
      queue(async () => {
        throw new Error('three')
      }),
      queue(async () => 4),
    ])
    expect(outcomes.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
      'Error: one',
      2,
      'Error: three',
      4,
    ])
  })

  it('lets go at once who is aborted while waiting, and does not begin it', async () => {
    const queue = createQueue()
    const blocked = createDeferred<void>()
    const running = queue(() => blocked.promise)
    const controller = new AbortController()
    const begun: string[] = []
    const waiting = queue(async () => void begun.push('waiting'), { signal: controller.signal })
    const behind = queue(async () => 'the next')
    controller.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    await expect(queue(async () => 1, { signal: controller.signal })).rejects.toThrow('enough')
    blocked.resolve()
    await running
    expect(await behind).toBe('the next')
    expect(begun).toEqual([])
  })

  it('does not take back a job that has begun', async () => {
    const queue = createQueue()
    const controller = new AbortController()
    const blocked = createDeferred<string>()
    const running = queue(() => blocked.promise, { signal: controller.signal })
    await Promise.resolve()
    controller.abort()
    blocked.resolve('done')
    expect(await running).toBe('done')
  })
})
