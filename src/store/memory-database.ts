import { createSerial } from '../lib/serial.ts'
import { JikoError } from '../protocol/error.ts'
import type { AttachmentRow, Database, RecordRow, Tables, UploadRow } from './database.ts'
import { asStorageError } from './storage-error.ts'
import type { StreamState } from './store.ts'

/** What a phone's storage holds. Several databases (tabs) may be open on one disk; `copy` is a backup or a clone. */
export interface MemoryDisk {
  open(): Database
  copy(beforeWrite?: () => void): MemoryDisk
}

interface Rows {
  streams: Map<string, StreamState>
  records: Map<string, RecordRow>
  attachments: Map<string, AttachmentRow>
  uploads: Map<string, UploadRow>
  settings: Map<string, unknown>
  keys: Map<string, CryptoKeyPair>
}

const emptyRows = (): Rows => ({
  streams: new Map(),
  records: new Map(),
  attachments: new Map(),
  uploads: new Map(),
  settings: new Map(),
  keys: new Map(),
})

/** @param beforeWrite called before each row is written or deleted; what it throws fails the transaction. */
export function createMemoryDisk(beforeWrite: () => void = () => undefined, rows: Rows = emptyRows()): MemoryDisk {
  // One transaction at a time on one disk, readers too: simpler than IndexedDB, and no weaker.
  const serial = createSerial()

  async function transact<T>(mode: 'read' | 'write', job: (tables: Tables) => Promise<T>): Promise<T> {
    const undo: (() => void)[] = []
    try {
      return await job(tablesOf(rows, mode, undo, beforeWrite))
    } catch (error) {
      for (const step of undo.reverse()) step()
      throw asStorageError(error)
    }
  }

  return {
    open() {
      let closed = false
      return {
        transact: (mode, job) =>
          serial(() => {
            if (closed) throw new JikoError('storage/closed', 'The store was closed: open it again.')
            return transact(mode, job)
          }),
        close: () => {
          closed = true
        },
      }
    },
    copy: (before = beforeWrite) =>
      createMemoryDisk(before, {
        streams: new Map(rows.streams),
        records: new Map(rows.records),
        attachments: new Map(rows.attachments),
        uploads: new Map(rows.uploads),
        settings: new Map(rows.settings),
        keys: new Map(rows.keys),
      }),
  }
}

function tablesOf(rows: Rows, mode: 'read' | 'write', undo: (() => void)[], beforeWrite: () => void): Tables {
  function change<V>(table: Map<string, V>, key: string, value: V | undefined): void {
    if (mode === 'read') throw new Error('a reading transaction cannot write')
    beforeWrite()
    const before = table.get(key)
    undo.push(() => (before === undefined ? table.delete(key) : table.set(key, before)))
    if (value === undefined) table.delete(key)
    else table.set(key, value)
  }
  // Rows are copied in and out, as by IndexedDB: nobody holds a reference into the database.
  const copied = <R extends object>(row: R): R => ({ ...row })
  const maybe = <R extends object>(row: R | undefined): R | undefined => row && copied(row)
  const inSpan = ([stream, seq]: [string, number], wanted: string, from: number, to: number): boolean =>
    stream === wanted && seq >= from && seq <= to
  const byPosition = (a: RecordRow, b: RecordRow): number =>
    a.stream === b.stream ? a.seq - b.seq : a.stream < b.stream ? -1 : 1
  const byOrder = (a: UploadRow, b: UploadRow): number => a.order[0] - b.order[0] || a.order[1] - b.order[1]

  return {
    streams: async () => [...rows.streams.values()].map(copied).sort((a, b) => a.born - b.born),
    putStream: async (row) => change(rows.streams, row.stream, copied(row)),
    record: async (stream, seq) => maybe(rows.records.get(`${stream}/${seq}`)),
    records: async (stream, from, to) => {
      const found: RecordRow[] = []
      const last = Math.min(to, rows.streams.get(stream)?.tip ?? 0)
      for (let seq = from; seq <= last; seq++) {
        const row = rows.records.get(`${stream}/${seq}`)
        if (row) found.push(copied(row))
      }
      return found
    },
    referring: async (stream, from, to) =>
      [...rows.records.values()]
        .filter((row) => row.ref && inSpan(row.ref, stream, from, to))
        .map(copied)
        .sort(byPosition),
    putRecord: async (row) => change(rows.records, `${row.stream}/${row.seq}`, copied(row)),
    deleteRecords: async (stream, from, to) => {
      for (let seq = from; seq <= to; seq++) change(rows.records, `${stream}/${seq}`, undefined)
    },
    attachment: async (sha256) => maybe(rows.attachments.get(sha256)),
    hasAttachment: async (sha256) => rows.attachments.has(sha256),
    putAttachment: async (row) => change(rows.attachments, row.sha256, copied(row)),
    uploads: async (limit) => [...rows.uploads.values()].map(copied).sort(byOrder).slice(0, limit),
    waits: async (sha256) => rows.uploads.has(sha256),
    countUploads: async () => rows.uploads.size,
    putUpload: async (row) => change(rows.uploads, row.sha256, copied(row)),
    deleteUpload: async (sha256) => change(rows.uploads, sha256, undefined),
    setting: async (key) => structuredClone(rows.settings.get(key)),
    putSetting: async (key, value) => change(rows.settings, key, structuredClone(value)),
    deviceKey: async () => rows.keys.get('device'),
    putDeviceKey: async (pair) => change(rows.keys, 'device', pair),
  }
}
