/**
 * One job at a time for each key, the newest first: a job that comes aborts the one that runs and waits until it has
 * tidied up. A phone that comes back after its connection broke must not wait for the hub to notice the break.
 */
export function createTurns(): <T>(key: string, job: (signal: AbortSignal) => Promise<T>) => Promise<T> {
  const running = new Map<string, { abort: AbortController; done: Promise<void> }>()
  return async (key, job) => {
    for (let current = running.get(key); current; current = running.get(key)) {
      current.abort.abort()
      await current.done
    }
    const abort = new AbortController()
    const { promise: done, resolve } = Promise.withResolvers<void>()
    running.set(key, { abort, done })
    try {
      return await job(abort.signal)
    } finally {
      running.delete(key)
      resolve()
    }
  }
}
