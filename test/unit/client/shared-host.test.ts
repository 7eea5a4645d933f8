import { afterEach, describe, expect, it } from 'vitest'
import { createSharedHost, type TabChannel, type TabLocks } from '../../../src/client/shared-host.ts'
import type { WorkerHost } from '../../../src/client/worker-host.ts'
import { isAbort } from '../../../src/lib/abort.ts'
import { createDeferred } from '../../../src/lib/deferred.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import type { OnProgress, WorkerApi } from '../../../src/protocol/worker.ts'

/** One lock, held until its holder lets go or its tab dies. */
function createLocks(): TabLocks & { kill(): void } {
  const queue: (() => void)[] = []
  let holder: { end(): void } | undefined
  async function hold(held: (lock: unknown) => Promise<void>): Promise<void> {
    const died = createDeferred<void>()
    holder = { end: () => died.resolve() }
    await Promise.race([held({}), died.promise])
    holder = undefined
    queue.shift()?.()
  }
  return {
    async request(_, { ifAvailable, signal }, held) {
      if (!holder) return hold(held)
      if (ifAvailable) return held(null)
      await new Promise<void>((resolve, reject) => {
        queue.push(resolve)
        signal?.addEventListener('abort', () => reject(signal.reason))
      })
      return hold(held)
    },
    kill: () => holder?.end(),
  }
}

const open: { close(): void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

const name = (): string => `tabs-${Math.floor(performance.now() * 1000)}`

/** A tab with a worker of its own, which counts what it was asked. */
function createTab(channelName: string, tab: string, locks: TabLocks, api: Partial<WorkerApi>, patience = 3000) {
  const asked: string[] = []
  const counted = new Proxy(api, {
    get: (target, method: keyof WorkerApi) => {
      asked.push(method)
      return target[method]
    },
  })
  let jobs = 0
  const own = {
    call: (
      work: (api: unknown, job: string, onProgress: OnProgress | undefined) => Promise<unknown>,
      { signal, onProgress }: { signal?: AbortSignal; onProgress?: OnProgress } = {},
    ) => {
      const job = `own ${++jobs}`
      signal?.addEventListener('abort', () => counted.cancel?.(job))
      return work(counted, job, onProgress)
    },
    warm: (pack: string) => void asked.push(`warm ${pack}`),
    recycle: () => void asked.push('recycle'),
  } as unknown as WorkerHost
  const channel = new BroadcastChannel(channelName)
  const host = createSharedHost({ own, locks, channel: channel as unknown as TabChannel, tab, patience })
  open.push(host)
  return { host, asked, channel }
}

const status = { name: 'leaf', version: '1.0.0', digest: '', state: 'ready', bytes: 3, have: 3 } as const

describe('one worker for all tabs', () => {
  it('is that of the first tab: the others ask it, with progress and errors', async () => {
    const channel = name()
    const locks = createLocks()
    const api: Partial<WorkerApi> = {
      install: async (job, url, onProgress) => {
        onProgress?.({ phase: 'download', done: 1, total: 3 })
        return { ...status, name: `${job} ${url}` }
      },
      remove: async () => {
        throw new JikoError('pack/damaged', 'two chunks', { detail: { count: 2 } })
      },
    }
    const first = createTab(channel, 'a', locks, api)
    const second = createTab(channel, 'b', locks, {})
    expect(await first.host.call((worker, job) => worker.install(job, 'x'))).toMatchObject({ name: 'own 1 x' })
    const seen: unknown[] = []
    const installed = await second.host.call((worker, job, onProgress) => worker.install(job, 'y', onProgress), {
      onProgress: (progress) => void seen.push(progress),
    })
    expect(installed).toEqual({ ...status, name: 'own 2 y' })
    expect(seen).toEqual([{ phase: 'download', done: 1, total: 3 }])
    await expect(second.host.call((worker) => worker.remove('leaf'))).rejects.toMatchObject({
      code: 'pack/damaged',
      detail: { count: 2 },
    })
    expect([first.asked, second.asked]).toEqual([['install', 'install', 'remove'], []])
  })

  it('is started before it is known which tab has it, and ended again where another one has', async () => {
    const channel = name()
    const locks = createLocks()
    const first = createTab(channel, 'a', locks, {})
    first.host.warm('leaf')
    expect(first.asked).toEqual(['warm leaf'])
    const second = createTab(channel, 'b', locks, {})
    second.host.warm('leaf')
    expect(second.asked).toEqual(['warm leaf'])
    await expect.poll(() => second.asked).toEqual(['warm leaf', 'recycle'])
    expect(first.asked).toEqual(['warm leaf'])
  })

  it('is taken over when its tab goes, and what was asked and not answered is done again', async () => {
    const channel = name()
    const locks = createLocks()
    const first = createTab(channel, 'a', locks, { list: () => new Promise(() => undefined) })
    await first.host.call(() => Promise.resolve())
    const second = createTab(channel, 'b', locks, { list: async () => [] })
    const third = createTab(channel, 'c', locks, {})
    const answered = second.host.call((worker) => worker.list())
    await expect.poll(() => first.asked).toEqual(['list'])
    await third.host.call(() => Promise.resolve())
    first.channel.close()
    locks.kill()
    expect(await answered).toEqual([])
    expect(await third.host.call((worker) => worker.list())).toEqual([])
    expect([second.asked, third.asked]).toEqual([['list', 'list'], []])
  })

  it('does without a tab that is frozen', async () => {
    const channel = name()
    const locks = createLocks()
    const first = createTab(channel, 'a', locks, {})
    await first.host.call(() => Promise.resolve())
    first.channel.onmessage = null
    const second = createTab(channel, 'b', locks, { list: async () => [] }, 10)
    expect(await second.host.call((worker) => worker.list())).toEqual([])
    expect(second.asked).toEqual(['list'])
  })

  it('cancels in the tab that has it', async () => {
    const channel = name()
    const locks = createLocks()
    const cancelled: string[] = []
    const first = createTab(channel, 'a', locks, {
      install: () => new Promise(() => undefined),
      cancel: async (job) => void cancelled.push(job),
    })
    await first.host.call(() => Promise.resolve())
    const second = createTab(channel, 'b', locks, {})
    const controller = new AbortController()
    const { signal } = controller
    const installing = second.host.call((worker, job) => worker.install(job, 'x'), { signal }).catch((error) => error)
    await expect.poll(() => first.asked).toContain('install')
    controller.abort()
    expect(isAbort(await installing)).toBe(true)
    await expect.poll(() => cancelled).toEqual(['own 1'])
  })

  it('is each tab’s own where there are no locks', async () => {
    const refusing: TabLocks = { request: () => Promise.reject(new TypeError('no locks in this window')) }
    const channel = name()
    const tabs = ['a', 'b'].map((tab) => createTab(channel, tab, refusing, { list: async () => [] }))
    for (const { host } of tabs) expect(await host.call((worker) => worker.list())).toEqual([])
    expect(tabs.map(({ asked }) => asked)).toEqual([['list'], ['list']])
  })
})
