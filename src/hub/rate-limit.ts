import { JikoError } from '../protocol/error.ts'

export interface Rate {
  /** Requests that may come at once. */
  burst: number
  /** Requests a second in the long run. */
  perSecond: number
}

/** Callers remembered: who is not among the last so many begins with a full bucket again. */
const MAX_CALLERS = 20_000

/**
 * A token bucket for each caller. `take` throws when the bucket is empty.
 * @param now milliseconds, any origin.
 */
export function createRateLimit({ burst, perSecond }: Rate, now: () => number): { take(caller: string): void } {
  const buckets = new Map<string, { tokens: number; at: number }>()
  return {
    take(caller) {
      const at = now()
      const last = buckets.get(caller) ?? { tokens: burst, at }
      // A clock set back must not empty a bucket.
      const gained = (Math.max(0, at - last.at) / 1000) * perSecond
      const tokens = Math.min(burst, last.tokens + gained)
      buckets.delete(caller)
      buckets.set(caller, { tokens: tokens >= 1 ? tokens - 1 : tokens, at })
      const [oldest] = buckets.keys()
      if (buckets.size > MAX_CALLERS && oldest !== undefined) buckets.delete(oldest)
      if (tokens >= 1) return
      const retryAfter = Math.max(1, Math.ceil((1 - tokens) / perSecond))
      throw new JikoError('hub/too-often', `too many requests: try again in ${retryAfter} s`, {
        detail: { retryAfter },
      })
    },
  }
}
