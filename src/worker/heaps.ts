import type { Backend } from '../runtime/backend.ts'

/** From here on more is held than a model needs: something leaks. */
const MOST_GROWTH = 1.5

/**
 * Watches memory that only ever grows, as that of onnxruntime-web: a worker gives it back by ending.
 * @param backends all that may have loaded something.
 */
export function createHeaps(backends: readonly Backend[]) {
  /** Bytes after the first run on it. */
  const first = new Map<Backend, number>()
  return {
    /**
     * After a run: whether the worker holds memory for nobody, or ever more of it.
     * @param used backends of the sessions that are loaded.
     */
    areSpent(used: ReadonlySet<Backend>): boolean {
      return backends.some((backend) => {
        const bytes = backend.heap?.()?.buffer.byteLength
        if (bytes === undefined) return false
        if (!used.has(backend)) return true
        if (!first.has(backend)) first.set(backend, bytes)
        return bytes > MOST_GROWTH * (first.get(backend) as number)
      })
    },
  }
}
