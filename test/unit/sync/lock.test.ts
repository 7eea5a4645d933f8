import { describe, expect, it } from 'vitest'
import { createDeferred } from '../../../src/lib/deferred.ts'
import { createWebLock, type LockManager, type SyncLock } from '../../../src/sync/lock.ts'
import { createMemoryLock } from '../../../src/sync/memory-lock.ts'

// Node 24 has Web Locks of its own, one manager for the process.
const locks: LockManager = navigator.locks
const never = new Promise<never>(() => undefined)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe.each<[string, () => SyncLock]>([
  ['the Web Lock', () => createWebLock(locks)],
  ['the lock in memory', createMemoryLock],
])('%s', (_, create) => {
  it('lets one in at a time, and the next after a failure too', async () => {
    const lock = create()
    const first = createDeferred<string>()
    const order: string[] = []
    const a = lock.hold(() => {
      order.push('a begins')
      return first.promise
    })
    const b = lock.hold(async () => void order.push('b'))
    await turn()
    expect(order).toEqual(['a begins'])
    first.reject(new Error('broken'))
    await expect(a).rejects.toThrow('broken')
    await b
    expect(order).toEqual(['a begins', 'b'])
  })

  it('can be waited for in vain', async () => {
    const lock = create()
    const first = createDeferred<void>()
    const a = lock.hold(() => first.promise)
    const controller = new AbortController()
    const b = lock.hold(async () => 'never', controller.signal)
    await turn()
    controller.abort()
    await expect(b).rejects.toMatchObject({ name: 'AbortError' })
    await expect(lock.hold(async () => 'never', controller.signal)).rejects.toMatchObject({ name: 'AbortError' })
    first.resolve()
    await a
    expect(await lock.hold(async () => 'free')).toBe('free')
  })
})

it('takes the Web Lock from a tab that holds it and does not stir, and tells that tab', async () => {
  const frozen = createWebLock(locks)
  let lost: AbortSignal | undefined
  const robbed = frozen.hold((signal) => {
    lost = signal
    return never
  })
  robbed.catch(() => undefined)
  await turn()
  expect(await createWebLock(locks, 1).hold(async () => 'mine')).toBe('mine')
  await expect(robbed).rejects.toMatchObject({ name: 'AbortError' })
  expect(lost?.aborted).toBe(true)
})
