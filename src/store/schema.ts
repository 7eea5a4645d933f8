import type { DBSchema, IDBPDatabase, IDBPTransaction, StoreNames } from 'idb'
import { type ActorRow, type AttachmentRow, type KnownRow, RANK, type RecordRow, type UploadRow } from './database.ts'
import type { StreamState } from './store.ts'

export interface JikoSchema extends DBSchema {
  records: { key: [string, number]; value: RecordRow; indexes: { ref: [string, number] } }
  streams: { key: string; value: StreamState }
  attachments: { key: string; value: AttachmentRow }
  uploads: { key: string; value: UploadRow; indexes: { order: [number, number, number] } }
  known: { key: [string, string]; value: KnownRow }
  actors: { key: string; value: ActorRow }
  settings: { key: string; value: unknown }
  /** The device's key pair under `device`: a CryptoKey that no script can export, stored as it is. */
  keys: { key: string; value: CryptoKeyPair }
}

export const TABLES = ['records', 'streams', 'attachments', 'uploads', 'known', 'actors', 'settings', 'keys'] as const

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
  // Previews before photos, and a row stays until the root has the photo: those that some hub was given wait for that.
  (_, tx) => {
    const uploads = tx.objectStore('uploads')
    const move = async (): Promise<void> => {
      const waiting = new Set<string>()
      for (const row of await uploads.getAll()) {
        const [born, seq] = row.order.slice(-2) as [number, number]
        waiting.add(row.sha256)
        await uploads.put({ ...row, preview: false, order: [RANK.full, born, seq] })
      }
      // Names only: a hundred photos do not fit the memory of a cheap phone.
      for (const sha256 of await tx.objectStore('attachments').getAllKeys()) {
        if (waiting.has(sha256)) continue
        await uploads.put({ sha256, type: '', size: 0, preview: false, order: [RANK.held, 0, 0] })
      }
    }
    tx.done.catch(() => undefined)
    // All or nothing: a step that fails in the middle leaves the older version, which the next opening upgrades again.
    move().catch(() => {
      try {
        tx.abort()
      } catch {
        // It has ended already.
      }
    })
  },
  // How far is known what others said.
  (db) => {
    db.createObjectStore('known', { keyPath: ['target', 'source'] })
  },
  // Several people on one phone.
  (db) => {
    db.createObjectStore('actors', { keyPath: 'id' })
  },
]

export const VERSION = STEPS.length

export function upgrade(db: IDBPDatabase<JikoSchema>, from: number, to: number, tx: Upgrade): void {
  for (const step of STEPS.slice(from, to)) step(db, tx)
}
