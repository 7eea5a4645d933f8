export interface BackoffOptions {
  /** Milliseconds before the first retry. */
  base?: number
  /** Longest wait in milliseconds. */
  cap?: number
  /** A number in [0, 1); injected so that tests and the simulator are repeatable. */
  random?: () => number
}

/** Exponential backoff with equal jitter (half fixed, half random): the wait in milliseconds before retry `attempt` (0-based). */
export function backoff(
  attempt: number,
  { base = 1000, cap = 300_000, random = Math.random }: BackoffOptions = {},
): number {
  const ceiling = Math.min(cap, base * 2 ** Math.min(attempt, 30))
  return Math.round(ceiling / 2 + (random() * ceiling) / 2)
}
