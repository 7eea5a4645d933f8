import { raceAbort } from '../lib/abort.ts'
import { createSerial } from '../lib/serial.ts'
import type { SyncLock } from './lock.ts'

/** A lock within one process: for Node, and for browsers without Web Locks (one tab at a time is the best they get). */
export function createMemoryLock(): SyncLock {
  const serial = createSerial()
  return {
    hold: (job, signal) =>
      raceAbort(
        serial(() => {
          signal?.throwIfAborted()
          return job(new AbortController().signal)
        }),
        signal,
      ),
  }
}
