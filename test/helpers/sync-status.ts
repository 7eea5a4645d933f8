import type { SyncStatus } from '../../src/sync/status.ts'

/** Of a phone on which nothing waits, but for what is said. */
export const syncStatus = (change: Partial<SyncStatus> = {}): SyncStatus => ({
  local: 0,
  held: 0,
  final: 0,
  blobsWaiting: 0,
  blobsDeferred: 0,
  blobsUnseen: 0,
  blobsHeld: 0,
  allSent: true,
  running: false,
  ...change,
})
