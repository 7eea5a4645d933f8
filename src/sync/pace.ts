import { MAX_SYNC_BYTES } from '../protocol/hub.ts'

/** A request should take this long, in ms: long enough to be worth its overhead, short enough to survive a bad link. */
const BRISK = 5_000
const SLOW = 10_000

const FIRST = 8 * 1024
const LEAST = 512
const MOST = MAX_SYNC_BYTES / 2

/** How many bytes to put in one request, learnt from the link. */
export interface Pace {
  readonly bytes: number
  /** Compressed bytes that one more line costs, as seen so far. */
  readonly perLine: number
  /** @param ms that a request of `size` bytes took; `lines` is 0 for a piece of a photo. */
  succeeded(size: number, ms: number, lines: number): void
  /** The connection died, or the hub found it too large. */
  failed(): void
  /** The most that the hub wants at once. */
  limit(bytes: number): void
}

/** @param first bytes, as learnt in an earlier run. */
export function createPace(first = FIRST): Pace {
  let bytes = Math.max(LEAST, Math.min(MOST, first))
  let most = MOST
  /** What failed last, and is approached with care: a link that carries 1,000 bytes must not be tried with 1,024 each time. */
  let ceiling = Number.POSITIVE_INFINITY
  let perLine = 60
  return {
    get bytes() {
      return Math.min(bytes, most)
    },
    get perLine() {
      return perLine
    },
    succeeded(size, ms, lines) {
      // In a batch of few lines the envelope weighs more than they do.
      if (lines >= 10) perLine = Math.max(10, size / lines)
      // A batch that was small for want of records says nothing about the link.
      if (ms < BRISK && size * 2 >= bytes) {
        bytes = Math.min(MOST, Math.max(bytes, Math.min(bytes * 2, ceiling * 0.75)))
        ceiling *= 2
      } else if (ms > SLOW) bytes = Math.max(LEAST, bytes / 2)
    },
    failed() {
      ceiling = Math.min(bytes, most)
      bytes = Math.max(LEAST, Math.min(bytes, most) / 2)
    },
    limit(limit) {
      most = Math.max(LEAST, Math.min(MOST, limit))
    },
  }
}
