import type { OnProgress } from '../protocol/worker.ts'

/** How a job of this worker is watched and stopped. */
export interface Operation {
  signal: AbortSignal
  onProgress?: OnProgress
  /** Fetches nothing: nobody has asked yet. */
  here?: boolean
}
