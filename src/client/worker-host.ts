import { proxy, type Remote, releaseProxy, wrap } from 'comlink'
import { createDeferred } from '../lib/deferred.ts'
import { createDoom, type Doom } from '../lib/doom.ts'
import { JikoError } from '../protocol/error.ts'
import type { OnProgress, WorkerConfig, WorkerNews, WorkerPort } from '../protocol/worker.ts'
import { carryErrors } from '../worker/error-transfer.ts'
import type { Operation } from './kit.ts'

/** One call into the worker: with the id by which it can be cancelled, and its progress callback made sendable. */
export type WorkerCall<T> = (api: Remote<WorkerPort>, job: string, onProgress: OnProgress | undefined) => Promise<T>

export interface WorkerHost {
  /** Runs a call. Rejects at once on abort, and with `worker/died` when the worker ends: comlink alone would wait for ever. */
  call<T>(work: WorkerCall<T>, operation?: Operation): Promise<T>
  /** Starts it before the first call. @param pack what is likely to be asked next: opened before anybody asks, if it is here */
  warm(pack?: string): void
  /** Ends the worker and gives its memory back; the next call starts a fresh one. */
  recycle(): void
}

export interface WorkerHostOptions {
  /** Milliseconds without a call after which the worker ends by itself. */
  idle?: number
  /** Milliseconds that the worker has to hear of a cancel; after that it is in the middle of a model, and is replaced. */
  grace?: number
}

/** A worker and what is going on in it. */
interface Running {
  worker: Worker
  api: Remote<WorkerPort>
  doom: Doom
  /** Has answered once: before that, silence means that it starts. */
  ready: boolean
  /** Calls that somebody waits for. */
  calls: number
  /** Holds more memory than it needs: replaced as soon as nobody waits. */
  spent: boolean
  idle?: ReturnType<typeof setTimeout> | undefined
}

/** Owns the inference worker: starts it when first needed, notices its death, replaces it, and ends it when it idles. */
export function createWorkerHost(
  start: () => Worker,
  config: WorkerConfig,
  { idle = 60_000, grace = 30 }: WorkerHostOptions = {},
): WorkerHost {
  carryErrors()
  const compiled: Record<string, WebAssembly.Module> = {}
  let running: Running | undefined
  /** A cancel that the worker may not have heard: calls made meanwhile wait to see which worker they go to. */
  let cancelling: Promise<void> | undefined
  let lastJob = 0

  function begin(): Running {
    const worker = start()
    const begun: Running = {
      worker,
      api: wrap<WorkerPort>(worker),
      doom: createDoom(),
      ready: false,
      calls: 0,
      spent: false,
    }
    const onDeath = (what: string): void => {
      end(begun, new JikoError('worker/died', `the inference worker ended: ${what}; try again`))
    }
    worker.addEventListener('error', (event) => onDeath(event.message || 'it could not be loaded'))
    worker.addEventListener('messageerror', () => onDeath('a message could not be read'))
    const onNews = (news: WorkerNews): void => {
      if (news.kind === 'compiled') compiled[news.backend] = news.module
      else begun.spent = true
    }
    const known = Object.keys(compiled).length > 0 ? { compiled } : {}
    // Sent ahead of every call; should the worker die of it, the calls say so.
    begun.api.configure({ ...config, ...known }, proxy(onNews)).then(
      () => {
        begun.ready = true
      },
      () => undefined,
    )
    return begun
  }

  function end(ended: Running, error: Error): void {
    if (running === ended) running = undefined
    clearTimeout(ended.idle)
    ended.doom.come(error)
    ended.api[releaseProxy]()
    ended.worker.terminate()
  }

  const rest = (idling: Running): void => end(idling, new DOMException('the worker was idle', 'AbortError'))

  /** One call fewer: what is spent goes at once, what idles later. */
  function leave(left: Running): void {
    left.calls -= 1
    if (left.calls > 0 || running !== left) return
    if (left.spent) rest(left)
    else left.idle = setTimeout(rest, idle, left)
  }

  /** Asks the worker to stop a job. One that does not even hear of it computes on for nobody: it is replaced. */
  async function cancel(asked: Running, job: string): Promise<void> {
    const heard = createDeferred<void>()
    asked.api.cancel(job).then(heard.resolve, heard.resolve)
    const timer = setTimeout(() => {
      if (running === asked && asked.ready && asked.calls === 0)
        end(asked, new DOMException('the worker was in the middle of something that nobody wants', 'AbortError'))
      heard.resolve()
    }, grace)
    await heard.promise
    clearTimeout(timer)
  }

  const host: WorkerHost = {
    async call(work, { signal, onProgress } = {}) {
      signal?.throwIfAborted()
      if (cancelling) {
        await cancelling
        signal?.throwIfAborted()
      }
      running ??= begin()
      const mine = running
      clearTimeout(mine.idle)
      mine.calls += 1
      const job = String(++lastJob)
      const aborted = createDeferred<never>()
      const stop = (): void => {
        aborted.reject(signal?.reason)
        const asking = cancel(mine, job).then(() => {
          if (cancelling === asking) cancelling = undefined
        })
        cancelling = asking
      }
      signal?.addEventListener('abort', stop, { once: true })
      try {
        return await Promise.race([
          mine.doom.guard(work(mine.api, job, onProgress && proxy(onProgress))),
          aborted.promise,
        ])
      } finally {
        signal?.removeEventListener('abort', stop)
        leave(mine)
      }
    },
    warm(pack) {
      if (running) return
      running = begin()
      running.idle = setTimeout(rest, idle, running)
      if (pack === undefined) return
      // Its failure shows when it is wanted.
      host.call((api, job) => api.open(job, pack, undefined, { here: true })).catch(() => undefined)
    },
    recycle() {
      if (running) end(running, new DOMException('the worker was recycled', 'AbortError'))
    },
  }
  return host
}
