import { proxy, type Remote, releaseProxy, wrap } from 'comlink'
import { createDeferred } from '../lib/deferred.ts'
import { JikoError } from '../protocol/error.ts'
import type { OnProgress, WorkerApi, WorkerConfig } from '../protocol/worker.ts'
import { carryErrors } from '../worker/error-transfer.ts'
import type { Operation } from './kit.ts'

/** One call into the worker: with the id by which it can be cancelled, and its progress callback made sendable. */
export type WorkerCall<T> = (api: Remote<WorkerApi>, job: string, onProgress: OnProgress | undefined) => Promise<T>

export interface WorkerHost {
  /** Runs a call. Rejects at once on abort, and with `worker/died` when the worker ends: comlink alone would wait for ever. */
  call<T>(work: WorkerCall<T>, operation?: Operation): Promise<T>
  /** Ends the worker and gives its memory back; the next call starts a fresh one. */
  recycle(): void
}

interface Running {
  worker: Worker
  api: Remote<WorkerApi>
  died: Promise<never>
  fail(error: Error): void
}

/** Owns the inference worker: starts it when first needed, notices its death, replaces it. */
export function createWorkerHost(start: () => Worker, config: WorkerConfig): WorkerHost {
  carryErrors()
  let running: Running | undefined
  let lastJob = 0

  function begin(): Running {
    const worker = start()
    const { promise: died, reject: fail } = createDeferred<never>()
    // Every call races it; with no call under way nobody listens.
    died.catch(() => undefined)
    const begun: Running = { worker, api: wrap<WorkerApi>(worker), died, fail }
    const onDeath = (what: string): void => {
      end(begun, new JikoError('worker/died', `the inference worker ended: ${what}; try again`))
    }
    worker.addEventListener('error', (event) => onDeath(event.message || 'it could not be loaded'))
    worker.addEventListener('messageerror', () => onDeath('a message could not be read'))
    // Sent ahead of every call; should the worker die of it, the calls say so.
    begun.api.configure(config).catch(() => undefined)
    return begun
  }

  function end(ended: Running, error: Error): void {
    if (running === ended) running = undefined
    ended.fail(error)
    ended.api[releaseProxy]()
    ended.worker.terminate()
  }

  return {
    async call(work, { signal, onProgress } = {}) {
      signal?.throwIfAborted()
      running ??= begin()
      const { api, died } = running
      const job = String(++lastJob)
      const aborted = createDeferred<never>()
      const cancel = (): void => {
        void api.cancel(job)
        aborted.reject(signal?.reason)
      }
      signal?.addEventListener('abort', cancel, { once: true })
      try {
        return await Promise.race([work(api, job, onProgress && proxy(onProgress)), died, aborted.promise])
      } finally {
        signal?.removeEventListener('abort', cancel)
      }
    },
    recycle() {
      if (running) end(running, new DOMException('the worker was recycled', 'AbortError'))
    },
  }
}
