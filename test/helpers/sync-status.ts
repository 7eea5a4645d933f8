import { IDLE, type SyncStatus } from '../../src/sync/status.ts'

/** Of a phone on which nothing waits, but for what is said. */
export const syncStatus = (change: Partial<SyncStatus> = {}): SyncStatus => ({ ...IDLE, ...change })
