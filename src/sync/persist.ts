import { backoff } from '../lib/backoff.ts'
import { JikoError } from '../protocol/error.ts'

/** Failures that a smaller request or a moment's wait may cure. All others end the run. */
const PASSING = new Set<string>(['sync/offline', 'sync/stalled', 'sync/truncated', 'sync/too-large'])

export const isPassing = (error: unknown): boolean => error instanceof JikoError && PASSING.has(error.code)

export interface Persist {
  /**
   * Runs `step`, and after a passing failure waits and runs it again, as long as there was progress since the last
   * failure: a link that dies every few seconds is used while it lives, one that is not there is given up at once.
   */
  attempt<T>(step: () => Promise<T>, signal?: AbortSignal): Promise<T>
  progressed(): void
}

export function createPersist(
  sleep: (ms: number, signal?: AbortSignal) => Promise<void>,
  random: () => number,
): Persist {
  let progress = false
  return {
    async attempt(step, signal) {
      for (;;) {
        try {
          return await step()
        } catch (error) {
          if (signal?.aborted || !isPassing(error) || !progress) throw error
          progress = false
          await sleep(backoff(0, { random }), signal)
        }
      }
    },
    progressed() {
      progress = true
    },
  }
}
