/** True for the error of an aborted operation, whoever made it. */
export const isAbort = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'name' in error && error.name === 'AbortError'

/** Resolves after `ms`, rejects with the signal's reason when aborted first. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const timer = setTimeout(finish, ms)
    function finish(): void {
      signal?.removeEventListener('abort', cancel)
      resolve()
    }
    function cancel(): void {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', cancel, { once: true })
  })
}

/** Settles as `work` does, but rejects at once when the signal aborts. The work itself is not stopped. */
export function raceAbort<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work
  return new Promise((resolve, reject) => {
    // Nobody waits for the work any more once this is over, and it will most likely fail by the same abort.
    work.catch(() => undefined)
    signal.throwIfAborted()
    const cancel = (): void => reject(signal.reason)
    signal.addEventListener('abort', cancel, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel))
  })
}

/** Calls `onStall` once when `touch` was not called for `ms`: a stall is no progress, not a total time. */
export function watchdog(ms: number, onStall: () => void): { touch(): void; stop(): void } {
  let timer = setTimeout(onStall, ms)
  return {
    touch() {
      clearTimeout(timer)
      timer = setTimeout(onStall, ms)
    },
    stop: () => clearTimeout(timer),
  }
}
