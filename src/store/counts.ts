import type { StreamState } from './store.ts'

/** How many records are only here, at some hub, and safe at the root. They add up to all that this install wrote. */
export interface RecordCounts {
  local: number
  held: number
  final: number
}

/** From the marks of the streams alone: no record is read to count it. */
export function countRecords(streams: readonly StreamState[]): RecordCounts {
  const counts = { local: 0, held: 0, final: 0 }
  for (const { tip, held, final } of streams) {
    counts.local += tip - held
    counts.held += held - final
    counts.final += final
  }
  return counts
}
