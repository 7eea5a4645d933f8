import { createDeferred } from './deferred.ts'

export interface Turn {
  /** Comes after all that wait in front of it. */
  behind?: boolean
  /** Who is aborted while waiting leaves at once; a job that has begun is not stopped. */
  signal?: AbortSignal
}

export type Queue = <T>(job: () => Promise<T>, turn?: Turn) => Promise<T>

/** Runs one job at a time: those that somebody waits for in the order they came, then those `behind` them. A job that rejects stops no other. */
export function createQueue(): Queue {
  const lines = { front: [] as (() => Promise<void>)[], behind: [] as (() => Promise<void>)[] }
  let busy = false

  async function work(): Promise<void> {
    if (busy) return
    busy = true
    for (;;) {
      const next = lines.front.shift() ?? lines.behind.shift()
      if (!next) break
      await next()
    }
    busy = false
  }

  return <T>(job: () => Promise<T>, { behind = false, signal }: Turn = {}) => {
    const { promise, resolve, reject } = createDeferred<T>()
    if (signal?.aborted) {
      reject(signal.reason)
      return promise
    }
    const line = behind ? lines.behind : lines.front
    const leave = (): void => {
      line.splice(line.indexOf(turn), 1)
      reject(signal?.reason)
    }
    const turn = async (): Promise<void> => {
      signal?.removeEventListener('abort', leave)
      await Promise.resolve().then(job).then(resolve, reject)
    }
    line.push(turn)
    signal?.addEventListener('abort', leave, { once: true })
    void work()
    return promise
  }
}
