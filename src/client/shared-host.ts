import { proxy, type Remote } from 'comlink'
import { createDeferred, type Deferred } from '../lib/deferred.ts'
import { fromWire, toWire } from '../protocol/error.ts'
import type { WorkerPort } from '../protocol/worker.ts'
import type { Operation } from './kit.ts'
import type { WorkerCall, WorkerHost } from './worker-host.ts'

/** The part of `navigator.locks` that is used. */
export interface TabLocks {
  request(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    held: (lock: unknown) => Promise<void>,
  ): Promise<unknown>
}

/** The part of a BroadcastChannel that is used. */
export interface TabChannel {
  postMessage(message: FromTab): void
  onmessage: ((event: MessageEvent<FromTab>) => unknown) | null
  close(): void
}

type Method = Exclude<keyof WorkerPort, 'configure'>

/** Those whose first argument names a job that can be cancelled. */
const JOBS: readonly Method[] = ['install', 'importFile', 'open', 'run', 'look', 'hideFaces', 'train', 'fetchClips']

/** What tabs say to each other. `to` and `from` name tabs; the tab that has the worker is just `worker`. */
type FromTab =
  | { to: 'worker'; from: string; id: number; method: Method; args: readonly unknown[]; callbacks: readonly number[] }
  | { to: string; id: number; kind: 'taken' }
  | { to: string; id: number; kind: 'called'; callback: number; args: readonly unknown[] }
  | { to: string; id: number; kind: 'done'; value?: unknown; error?: ReturnType<typeof toWire> }

/** A call that waits for the tab with the worker. */
interface Waiting {
  method: Method
  args: readonly unknown[]
  result: Deferred<unknown>
  taken: boolean
}

export interface SharedHostDeps {
  /** The worker of this tab, for when it is the one. */
  own: WorkerHost
  locks: TabLocks
  channel: TabChannel
  /** Names this tab among all. */
  tab: string
  /** Milliseconds after which a tab that says nothing is taken for frozen. */
  patience?: number
}

const LOCK = 'jiko-worker'

/**
 * One worker for all tabs of an origin: one session in memory, one download. The tab that has it answers the others;
 * when it goes, the next one takes over and does again what was asked and not answered. Every call of the worker can be
 * repeated: what a run gives is written down by the tab that asked.
 */
export function createSharedHost({
  own,
  locks,
  channel,
  tab,
  patience = 3000,
}: SharedHostDeps): WorkerHost & { close(): void } {
  const closing = new AbortController()
  const waiting = new Map<number, Waiting>()
  const letGo = createDeferred<void>()
  let lastId = 0
  let lastJob = 0
  let leads = false

  /** Resolves once it is known whether this tab is the one. */
  const decided = new Promise<void>((resolve) => {
    const lead = async (): Promise<void> => {
      leads = true
      resolve()
      for (const [id, call] of waiting) {
        waiting.delete(id)
        here(call).then(call.result.resolve, call.result.reject)
      }
      await letGo.promise
    }
    const wait = (): Promise<unknown> => locks.request(LOCK, { signal: closing.signal }, lead)
    locks
      .request(LOCK, { ifAvailable: true }, async (lock) => {
        if (lock) return lead()
        resolve()
        wait().catch(() => undefined)
      })
      // Without locks every tab has its own.
      .catch(() => {
        leads = true
        resolve()
      })
  })

  /** Jobs of all tabs that are under way here. Their ids meet in one worker, so each has the number of its tab before it. */
  const jobs = new Map<unknown, AbortController>()

  /** A call of whichever tab, on the worker of this one. */
  async function here({ method, args }: Pick<Waiting, 'method' | 'args'>): Promise<unknown> {
    const [name, ...rest] = args
    if (method === 'cancel') return jobs.get(name)?.abort()
    const isJob = JOBS.includes(method)
    const controller = new AbortController()
    if (isJob) jobs.set(name, controller)
    const sendable = (arg: unknown): unknown => (isFunction(arg) ? proxy(arg) : arg)
    try {
      return await own.call(
        (api, job) =>
          (api[method] as (...all: readonly unknown[]) => Promise<unknown>)(
            ...(isJob ? [job, ...rest] : args).map(sendable),
          ),
        { signal: controller.signal },
      )
    } finally {
      jobs.delete(name)
    }
  }

  function ask(call: Waiting): Promise<unknown> {
    const id = ++lastId
    waiting.set(id, call)
    // No message can carry a function: where it stood, the other tab puts one that tells us.
    const callbacks = call.args.flatMap((arg, i) => (isFunction(arg) ? i : []))
    const args = call.args.map((arg) => (isFunction(arg) ? undefined : arg))
    channel.postMessage({ to: 'worker', from: tab, id, method: call.method, args, callbacks })
    setTimeout(() => {
      if (!waiting.has(id) || call.taken) return
      waiting.delete(id)
      here(call).then(call.result.resolve, call.result.reject)
    }, patience)
    return call.result.promise
  }

  async function answer({ from, id, method, args, callbacks }: Extract<FromTab, { method: Method }>): Promise<void> {
    channel.postMessage({ to: from, id, kind: 'taken' })
    const calling =
      (callback: number) =>
      (...given: readonly unknown[]): void =>
        channel.postMessage({ to: from, id, kind: 'called', callback, args: given })
    try {
      const value = await here({ method, args: args.map((arg, i) => (callbacks.includes(i) ? calling(i) : arg)) })
      channel.postMessage({ to: from, id, kind: 'done', value })
    } catch (error) {
      channel.postMessage({ to: from, id, kind: 'done', error: toWire(error) })
    }
  }

  channel.onmessage = ({ data }) => {
    if ('method' in data) {
      if (leads) void answer(data)
      return
    }
    const call = data.to === tab ? waiting.get(data.id) : undefined
    if (!call) return
    if (data.kind === 'taken') call.taken = true
    else if (data.kind === 'called') {
      const callback = call.args[data.callback]
      if (isFunction(callback)) callback(...data.args)
    } else {
      waiting.delete(data.id)
      if (data.error) call.result.reject(fromWire(data.error))
      else call.result.resolve(data.value)
    }
  }

  /** Looks like the worker, and hands every call to wherever it is. */
  const remote = new Proxy({} as Remote<WorkerPort>, {
    get:
      (_, method: Method) =>
      (...args: readonly unknown[]) => {
        const call = { method, args, result: createDeferred<unknown>(), taken: false }
        return leads ? here(call) : ask(call)
      },
  })

  return {
    async call<T>(work: WorkerCall<T>, { signal, onProgress }: Operation = {}): Promise<T> {
      signal?.throwIfAborted()
      await decided
      // Ids of several tabs meet in one worker.
      const job = `${tab} ${++lastJob}`
      const aborted = createDeferred<never>()
      const cancel = (): void => {
        void remote.cancel(job)
        aborted.reject(signal?.reason)
      }
      signal?.addEventListener('abort', cancel, { once: true })
      try {
        return await Promise.race([work(remote, job, onProgress), aborted.promise])
      } finally {
        signal?.removeEventListener('abort', cancel)
      }
    },
    warm(pack) {
      // Before it is known whether this tab is the one, which mostly it is. Where another tab has the worker, it runs already.
      own.warm(pack)
      void decided.then(() => leads || own.recycle())
    },
    recycle: () => own.recycle(),
    close() {
      closing.abort()
      letGo.resolve()
      channel.close()
      own.recycle()
    },
  }
}

const isFunction = (arg: unknown): arg is (...given: readonly unknown[]) => unknown => typeof arg === 'function'
