import { expose } from 'comlink'
import { afterEach, describe, expect, it } from 'vitest'
import { createWorkerHost, type WorkerHostOptions } from '../../../src/client/worker-host.ts'
import { isAbort } from '../../../src/lib/abort.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import type { OnNews, WorkerApi, WorkerConfig } from '../../../src/protocol/worker.ts'
import { carryErrors } from '../../../src/worker/error-transfer.ts'

const config = { trustedKeys: ['key'], runtime: 'https://hub.test/runtime/' }
const status = { name: 'leaf', version: '1.0.0', digest: '', state: 'ready', bytes: 3, have: 3 } as const

/** A worker whose code runs here, behind a real message port: what crosses is cloned as it would be. */
function fakeWorkers(api: Partial<WorkerApi>) {
  const started: { die(message: string): void; terminated: boolean }[] = []
  const ports: MessagePort[] = []
  const start = (): Worker => {
    const { port1, port2 } = new MessageChannel()
    ports.push(port1, port2)
    carryErrors()
    expose(api, port2)
    const events = new EventTarget()
    const one = {
      terminated: false,
      die: (message: string) => events.dispatchEvent(Object.assign(new Event('error'), { message })),
    }
    started.push(one)
    const isLife = (type: string): boolean => type === 'error' || type === 'messageerror'
    const worker = {
      postMessage: (message: unknown, transfer: Transferable[]) => port1.postMessage(message, transfer),
      addEventListener: (type: string, listener: EventListener) =>
        (isLife(type) ? events : port1).addEventListener(type, listener),
      removeEventListener: (type: string, listener: EventListener) =>
        (isLife(type) ? events : port1).removeEventListener(type, listener),
      start: () => port1.start(),
      terminate: () => {
        one.terminated = true
        port1.close()
      },
    }
    port1.start()
    return worker as unknown as Worker
  }
  return { start, started, close: () => ports.map((port) => port.close()) }
}

let open: { close(): unknown }[] = []
afterEach(() => {
  for (const one of open) one.close()
  open = []
})

function hostOf(api: Partial<WorkerApi>, options: WorkerHostOptions = {}) {
  const workers = fakeWorkers(api)
  open.push(workers)
  return { host: createWorkerHost(workers.start, config, options), started: workers.started }
}

const never = (): Promise<never> => new Promise(() => undefined)

describe('the worker host', () => {
  it('starts no worker before the first call, and one for many; it is told first whom to trust', async () => {
    const seen: unknown[] = []
    const { host, started } = hostOf({
      configure: (told) => void seen.push(told),
      remove: async (name) => void seen.push(name),
    })
    expect(started).toHaveLength(0)
    await Promise.all(['a', 'b'].map((name) => host.call((api) => api.remove(name))))
    expect(started).toHaveLength(1)
    expect(seen).toEqual([config, 'a', 'b'])
  })

  it('carries progress out, and errors with code, detail and cause', async () => {
    const { host } = hostOf({
      install: async (_job, _url, onProgress) => {
        await onProgress?.({ phase: 'download', done: 1, total: 3 })
        return status
      },
      open: async () => {
        throw new JikoError('pack/damaged', 'two chunks', { cause: new Error('disk'), detail: { count: 2 } })
      },
    })
    const seen: unknown[] = []
    const onProgress = (progress: unknown): void => void seen.push(progress)
    expect(await host.call((api, job, report) => api.install(job, 'url', report), { onProgress })).toEqual(status)
    expect(seen).toEqual([{ phase: 'download', done: 1, total: 3 }])
    await expect(host.call((api, job) => api.open(job, 'leaf'))).rejects.toMatchObject({
      name: 'JikoError',
      code: 'pack/damaged',
      detail: { count: 2 },
      cause: { message: 'disk' },
    })
  })

  it('rejects at once on abort and tells the worker which job it was', async () => {
    const cancelled: string[] = []
    let asked = ''
    const { host } = hostOf({
      run: (job) => {
        asked = job
        return new Promise(() => undefined)
      },
      cancel: (job) => void cancelled.push(job),
      remove: async () => undefined,
    })
    const controller = new AbortController()
    const running = host.call((api, job) => api.run(job, 'leaf', new Blob()), { signal: controller.signal })
    const outcome = expect(running).rejects.toSatisfy(isAbort)
    await host.call((api) => api.remove('round trip, so that the run has begun'))
    controller.abort()
    await outcome
    await host.call((api) => api.remove('round trip, so that the cancel has arrived'))
    expect(cancelled).toEqual([asked])
    await expect(host.call((api) => api.list(), { signal: controller.signal })).rejects.toSatisfy(isAbort)
  })

  it('when the worker dies: every call under way says so, and the next one gets a fresh worker', async () => {
    const { host, started } = hostOf({ run: () => new Promise(() => undefined), remove: async () => undefined })
    const calls = ['a', 'b'].map((name) => host.call((api, job) => api.run(job, name, new Blob())))
    const outcome = Promise.allSettled(calls)
    started[0]?.die('out of memory')
    for (const one of await outcome) {
      expect(one).toMatchObject({ reason: { code: 'worker/died', message: expect.stringContaining('out of memory') } })
    }
    expect(started[0]?.terminated).toBe(true)
    await host.call((api) => api.remove('a'))
    expect(started).toHaveLength(2)
  })

  it('gives the memory back when recycled', async () => {
    const { host, started } = hostOf({ remove: async () => undefined, run: () => new Promise(() => undefined) })
    host.recycle()
    expect(started).toHaveLength(0)
    const running = host.call((api, job) => api.run(job, 'leaf', new Blob()))
    const outcome = expect(running).rejects.toSatisfy(isAbort)
    host.recycle()
    await outcome
    expect(started[0]?.terminated).toBe(true)
  })

  it('replaces a worker that does not hear of a cancel, unless somebody else waits for it; calls made meanwhile wait too', async () => {
    const api = { configure: () => undefined, run: never, cancel: never, remove: async () => undefined, list: never }
    const { host, started } = hostOf(api, { grace: 20 })
    const cancelled = async () => {
      const controller = new AbortController()
      const running = host.call((one, job) => one.run(job, 'leaf', new Blob()), { signal: controller.signal })
      await Promise.resolve()
      controller.abort()
      await expect(running).rejects.toSatisfy(isAbort)
    }
    await host.call((one) => one.remove('round trip, so that it has started'))
    await cancelled()
    await host.call((one) => one.remove('the next'))
    expect(started.map(({ terminated }) => terminated)).toEqual([true, false])

    const waiting = host.call((one) => one.list())
    waiting.catch(() => undefined)
    await cancelled()
    await host.call((one) => one.remove('the next'))
    expect(started.map(({ terminated }) => terminated)).toEqual([true, false])
  })

  it('keeps a worker that hears of a cancel: it stops by itself, and what it has loaded stays', async () => {
    const api = { configure: () => undefined, run: never, cancel: () => undefined, remove: async () => undefined }
    const { host, started } = hostOf(api, { grace: 5000 })
    await host.call((one) => one.remove('round trip'))
    const controller = new AbortController()
    const running = host.call((one, job) => one.run(job, 'leaf', new Blob()), { signal: controller.signal })
    controller.abort()
    await expect(running).rejects.toSatisfy(isAbort)
    await host.call((one) => one.remove('the next'))
    expect(started.map(({ terminated }) => terminated)).toEqual([false])
  })

  it('ends an idle worker, never one that is asked, and starts another when one is needed', async () => {
    let done = (): void => undefined
    const api = {
      remove: async () => undefined,
      open: () => new Promise<never>((resolve) => (done = resolve as never)),
    }
    const { host, started } = hostOf(api, { idle: 20 })
    const long = host.call((one, job) => one.open(job, 'leaf'))
    await host.call((one) => one.remove('a'))
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect(started.map(({ terminated }) => terminated)).toEqual([false])
    done()
    await long
    await expect.poll(() => started.map(({ terminated }) => terminated)).toEqual([true])
    await host.call((one) => one.remove('b'))
    expect(started).toHaveLength(2)
  })

  it('is started ahead of the first call, once, and ends where none comes', async () => {
    const { host, started } = hostOf({ remove: async () => undefined }, { idle: 20 })
    host.warm()
    host.warm()
    await host.call((one) => one.remove('a'))
    expect(started).toHaveLength(1)
    await expect.poll(() => started.map(({ terminated }) => terminated)).toEqual([true])
    host.warm()
    await expect.poll(() => started.map(({ terminated }) => terminated)).toEqual([true, true])
  })

  it('hands what one worker has compiled to the next, and replaces one that says it is spent when nobody waits', async () => {
    const module = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))
    const seen: WorkerConfig[] = []
    let tell: OnNews = () => undefined
    const { host, started } = hostOf({
      configure(told, onNews) {
        seen.push(told)
        if (onNews) tell = onNews
      },
      remove: async (name) => {
        if (name === 'compiles') await tell({ kind: 'compiled', backend: 'engine 1', module })
        if (name === 'grows') await tell({ kind: 'spent' })
      },
    })
    await host.call((one) => one.remove('compiles'))
    expect(started[0]?.terminated).toBe(false)
    await host.call((one) => one.remove('grows'))
    expect(started[0]?.terminated).toBe(true)
    await host.call((one) => one.remove('again'))
    expect(seen).toEqual([config, { ...config, compiled: { 'engine 1': expect.any(WebAssembly.Module) } }])
  })
})
