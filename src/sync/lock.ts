/** Only one sender at a time, over all tabs and the service worker of an install. */
export interface SyncLock {
  /**
   * Runs `job` while holding the lock. `lost` aborts when somebody took it away.
   * @throws AbortError when `signal` aborts while waiting.
   */
  hold<T>(job: (lost: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T>
}

/** The part of `navigator.locks` that is used. */
export interface LockManager {
  request<T>(
    name: string,
    options: { signal?: AbortSignal; steal?: boolean },
    job: () => Promise<T>,
  ): Promise<Awaited<T>>
}

const NAME = 'jiko-sync'

/**
 * Waits for its turn rather than giving up (`ifAvailable`): a record written just after the holder looked for the last
 * time would else stay until the next trigger. A holder that is still there after `patience` ms is taken for frozen and
 * robbed: two senders at once cost bytes and nothing else, since position and hash make every push repeatable.
 */
export function createWebLock(locks: LockManager, patience = 5 * 60_000): SyncLock {
  return {
    async hold(job, signal) {
      signal?.throwIfAborted()
      const lost = new AbortController()
      const wait = new AbortController()
      const giveUp = (): void => wait.abort()
      const timer = setTimeout(giveUp, patience)
      signal?.addEventListener('abort', giveUp, { once: true })
      let begun = false
      const run = (): ReturnType<typeof job> => {
        begun = true
        clearTimeout(timer)
        return job(lost.signal)
      }
      try {
        return await locks.request(NAME, { signal: wait.signal }, run)
      } catch (error) {
        if (begun) throw error
        signal?.throwIfAborted()
        if (!wait.signal.aborted) throw error
        return await locks.request(NAME, { steal: true }, run)
      } finally {
        // Either the job is over or it was robbed and must stop.
        lost.abort()
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
      }
    },
  }
}
