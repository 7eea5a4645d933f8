import { createDeferred } from './deferred.ts'

/** Something that may end once, and those who wait for its work. */
export interface Doom {
  /** Settles as `work` does, or rejects when the end comes first; at once when it has come. */
  guard<T>(work: Promise<T>): Promise<T>
  /** The end: everything guarded rejects, now and later. Further ends change nothing. */
  come(reason: unknown): void
}

/** What racing against one promise of the end would do as well, but that promise would hold on to every result until it comes. */
export function createDoom(): Doom {
  const waiting = new Set<(reason: unknown) => void>()
  let ended: { reason: unknown } | undefined
  return {
    guard<T>(work: Promise<T>) {
      const { promise, resolve, reject } = createDeferred<T>()
      if (ended) reject(ended.reason)
      waiting.add(reject)
      work.then(resolve, reject).finally(() => waiting.delete(reject))
      return promise
    },
    come(reason) {
      ended ??= { reason }
      for (const reject of waiting) reject(ended.reason)
      waiting.clear()
    },
  }
}
