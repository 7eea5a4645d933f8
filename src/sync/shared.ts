import { raceAbort } from '../lib/abort.ts'

interface Run {
  done: Promise<void>
  controller: AbortController
  waiting: number
  again: boolean
}

/**
 * One run for all who ask while it goes on. It is aborted when the last of them has gone; each one's own signal only
 * stops that one's waiting. Who joins late may have come with news that the run no longer looks at: then it runs again.
 * @param job says whether there is something left that another run could do.
 */
export function createShared(job: (signal: AbortSignal) => Promise<boolean>): (signal?: AbortSignal) => Promise<void> {
  let current: Run | undefined

  async function repeat(run: Run): Promise<void> {
    try {
      for (;;) {
        run.again = false
        const left = await job(run.controller.signal)
        if (!left || !run.again || run.controller.signal.aborted) return
      }
    } finally {
      if (current === run) current = undefined
    }
  }

  return async (signal) => {
    signal?.throwIfAborted()
    let run = current
    if (run && !run.controller.signal.aborted) run.again = true
    else {
      run = { done: Promise.resolve(), controller: new AbortController(), waiting: 0, again: false }
      current = run
      run.done = repeat(run)
    }
    run.waiting += 1
    try {
      await raceAbort(run.done, signal)
    } finally {
      run.waiting -= 1
      if (run.waiting === 0 && current === run) run.controller.abort()
    }
  }
}
