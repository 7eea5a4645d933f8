import { type Schedule, startSchedule } from '../../sync/schedule.ts'
import { IDLE } from '../../sync/status.ts'
import type { Forwarder } from './forward.ts'

/** Milliseconds between runs when nothing is known to wait: so a loss above, or a new final level, is noticed. */
const EVERY = 30 * 60_000

export interface ForwardScheduleOptions {
  forwarder: Forwarder
  /** Calls back when something came in; returns how to stop that. */
  subscribe(listener: () => void): () => void
  onError(error: unknown): void
}

/** Passes on at once what comes in; while something waits that could not be sent, tries again by a timer that backs off. */
export function startForwarding({ forwarder, subscribe, onError }: ForwardScheduleOptions): Schedule {
  return startSchedule({
    sync: {
      async now(options) {
        const { done, lastError, lastMessage, retryAfter } = await forwarder.now(options)
        return {
          ...IDLE,
          local: done ? 0 : 1,
          allSent: done,
          ...(lastError !== undefined && { lastError }),
          ...(lastMessage !== undefined && { lastMessage }),
          ...(retryAfter !== undefined && { retryAfter }),
        }
      },
    },
    triggers: [
      subscribe,
      (fire) => {
        const timer = setInterval(fire, EVERY)
        return () => clearInterval(timer)
      },
    ],
    onError,
  })
}
