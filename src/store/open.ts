import { createIdbDatabase } from './idb-database.ts'
import { createMemoryDisk } from './memory-database.ts'
import { type Channel, createRecordStore } from './record-store.ts'
import type { RecordStore } from './store.ts'

export interface StoreOptions {
  /** Name of the IndexedDB database. */
  name?: string
  /** Tells other tabs of changes: `new BroadcastChannel('jiko')`. The store closes it. */
  channel?: Channel
}

/**
 * The store of this install. The device's key and its first stream are made with the database.
 * @throws JikoError `storage/blocked`, `storage/outdated`, `storage/failed`
 */
export function openStore({ name = 'jiko', channel }: StoreOptions = {}): Promise<RecordStore> {
  return createRecordStore(createIdbDatabase(name), channel)
}

/** The same store without a disk, for tests and for trying things out. */
export const openMemoryStore = (disk = createMemoryDisk()): Promise<RecordStore> => createRecordStore(disk.open())
