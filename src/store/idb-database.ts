import type { IDBPTransaction, StoreNames } from 'idb'
import { createConnection } from './connection.ts'
import type { Database, Rank, Tables } from './database.ts'
import { type JikoSchema, TABLES } from './schema.ts'

type Transaction = IDBPTransaction<JikoSchema, StoreNames<JikoSchema>[], 'readonly' | 'readwrite'>

/** A writing transaction seen through the same tables; the write methods exist only in it. */
function tablesOf(tx: Transaction): Tables {
  // The union of modes hides `put`; a read transaction that writes is refused by IndexedDB itself.
  const writable = tx as IDBPTransaction<JikoSchema, StoreNames<JikoSchema>[], 'readwrite'>
  const records = writable.objectStore('records')
  const streams = writable.objectStore('streams')
  const attachments = writable.objectStore('attachments')
  const uploads = writable.objectStore('uploads')
  const known = writable.objectStore('known')
  const actors = writable.objectStore('actors')
  const settings = writable.objectStore('settings')
  const keys = writable.objectStore('keys')
  const span = (stream: string, from: number, to: number): IDBKeyRange =>
    IDBKeyRange.bound([stream, from], [stream, to])
  const ranks = (from: Rank, to: Rank): IDBKeyRange => IDBKeyRange.bound([from], [to + 1], false, true)
  return {
    streams: async () => (await streams.getAll()).sort((a, b) => a.born - b.born),
    putStream: async (row) => void (await streams.put(row)),
    record: (stream, seq) => records.get([stream, seq]),
    records: async (stream, from, to) => (from > to ? [] : records.getAll(span(stream, from, to))),
    referring: async (stream, from, to) => (from > to ? [] : records.index('ref').getAll(span(stream, from, to))),
    putRecord: async (row) => void (await records.put(row)),
    deleteRecords: async (stream, from, to) => (from > to ? undefined : records.delete(span(stream, from, to))),
    attachment: (sha256) => attachments.get(sha256),
    hasAttachment: async (sha256) => (await attachments.getKey(sha256)) !== undefined,
    putAttachment: async (row) => void (await attachments.put(row)),
    deleteAttachment: (sha256) => attachments.delete(sha256),
    uploads: (from, to, limit) => uploads.index('order').getAll(ranks(from, to), limit),
    upload: (sha256) => uploads.get(sha256),
    countUploads: (from, to) => uploads.index('order').count(ranks(from, to)),
    putUpload: async (row) => void (await uploads.put(row)),
    deleteUpload: (sha256) => uploads.delete(sha256),
    known: () => known.getAll(),
    putKnown: async (row) => void (await known.put(row)),
    actors: () => actors.getAll(),
    putActor: async (row) => void (await actors.put(row)),
    setting: (key) => settings.get(key),
    putSetting: async (key, value) => void (await settings.put(value, key)),
    deviceKey: () => keys.get('device'),
    putDeviceKey: async (pair) => void (await keys.put(pair, 'device')),
  }
}

/** IndexedDB, every write with strict durability: a record that was shown as saved survives the battery. */
export function createIdbDatabase(name: string, blockedMs?: number): Database {
  const connection = createConnection(name, blockedMs)
  return {
    transact: (mode, job) =>
      connection.use(async (db) => {
        const tx =
          mode === 'read'
            ? db.transaction(TABLES, 'readonly')
            : db.transaction(TABLES, 'readwrite', { durability: 'strict' })
        const done = tx.done
        // Also awaited below; this keeps a rejection that comes while `job` runs from being an unhandled one.
        done.catch(() => undefined)
        try {
          const result = await job(tablesOf(tx as unknown as Transaction))
          await done
          return result
        } catch (error) {
          try {
            tx.abort()
          } catch {
            // It has ended already.
          }
          await done.catch(() => undefined)
          // The transaction's own reason (quota, a dead disk) says more than the request that it took down.
          throw tx.error ?? error
        }
      }),
    close: () => connection.close(),
  }
}
