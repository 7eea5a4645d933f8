/** Starts an inference worker. */
export const startWorker = (): Worker =>
  new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module', name: 'jiko-inference' })

/**
 * Starts one ahead of everything else, for a page that is likely to need it: to be called by what the page imports first. A
 * browser starts a worker between two tasks of the page, and where a page begins those are long.
 * @returns what starts workers from then on, for `KitOptions.startWorker`: at first that one is given
 */
export function startWorkerAhead(): () => Worker {
  let ahead: Worker | undefined = startWorker()
  // Nobody hears yet why it failed; the next one says it again.
  ahead.addEventListener('error', () => {
    ahead = undefined
  })
  return () => {
    const worker = ahead ?? startWorker()
    ahead = undefined
    return worker
  }
}
