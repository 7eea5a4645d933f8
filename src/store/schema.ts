import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb'
import type { AttachmentRow, RecordRow, UploadRow } from './database.ts'
import type { StreamState } from './store.ts'

export interface JikoSchema extends DBSchema {
  records: { key: [string, number]; value: RecordRow; indexes: { ref: [string, number] } }
  streams: { key: string; value: StreamState }
  attachments: { key: string; value: AttachmentRow }
  uploads: { key: string; value: UploadRow; indexes: { order: [number, number] } }
  settings: { key: string; value: unknown }
  /** The device's key pair under `device`: a CryptoKey that no script can export, stored as it is. */
  keys: { key: string; value: CryptoKeyPair }
}

export const TABLES = ['records', 'streams', 'attachments', 'uploads', 'settings', 'keys'] as const

type Upgrade = IDBPTransaction<JikoSchema, StoreNames<JikoSchema>[], 'versionchange'>

/**
 * Step `i` brings a database from version `i` to `i + 1`. A released step is never edited; a change of the schema is
 * a new row, so that a phone three versions behind walks through all of them with its unsent records.
 */
const STEPS: readonly ((db: IDBPDatabase<JikoSchema>, tx: Upgrade) => void)[] = [
  (db) => {
    db.createObjectStore('records', { keyPath: ['stream', 'seq'] }).createIndex('ref', 'ref')
    db.createObjectStore('streams', { keyPath: 'stream' })
    db.createObjectStore('attachments', { keyPath: 'sha256' })
    db.createObjectStore('uploads', { keyPath: 'sha256' }).createIndex('order', 'order')
    db.createObjectStore('settings')
    db.createObjectStore('keys')
  },
]

export const VERSION = STEPS.length

export function upgrade(db: IDBPDatabase<JikoSchema>, from: number, tx: Upgrade): void {
  for (const step of STEPS.slice(from)) step(db, tx)
}
