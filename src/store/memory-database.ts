import { createSerial } from '../lib/serial.ts'
import { JikoError } from '../protocol/error.ts'
import type { ActorRow, AttachmentRow, Database, KnownRow, RecordRow, Tables, UploadRow } from './database.ts'
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
  known: Map<string, KnownRow>
  actors: Map<string, ActorRow>
  settings: Map<string, unknown>
  keys: Map<string, CryptoKeyPair>
}

const emptyRows = (): Rows => ({
  streams: new Map(),
  records: new Map(),
  attachments: new Map(),
  uploads: new Map(),
  known: new Map(),
  actors: new Map(),
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
        known: new Map(rows.known),
        actors: new Map(rows.actors),
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
  const byOrder = ({ order: a }: UploadRow, { order: b }: UploadRow): number =>
    a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
  const ranked = (from: number, to: number): UploadRow[] =>
    [...rows.uploads.values()].filter(({ order: [rank] }) => rank >= from && rank <= to)

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
    deleteAttachment: async (sha256) => change(rows.attachments, sha256, undefined),
    uploads: async (from, to, limit) => ranked(from, to).sort(byOrder).slice(0, limit).map(copied),
    upload: async (sha256) => maybe(rows.uploads.get(sha256)),
    countUploads: async (from, to) => ranked(from, to).length,
    putUpload: async (row) => change(rows.uploads, row.sha256, copied(row)),
    deleteUpload: async (sha256) => change(rows.uploads, sha256, undefined),
    known: async () => [...rows.known.values()].map(copied),
    putKnown: async (row) => change(rows.known, `${row.target}/${row.source}`, copied(row)),
    actors: async () => [...rows.actors.values()].map(copied),
    putActor: async (row) => change(rows.actors, row.id, copied(row)),
    setting: async (key) => structuredClone(rows.settings.get(key)),
    putSetting: async (key, value) => change(rows.settings, key, structuredClone(value)),
    deviceKey: async () => rows.keys.get('device'),
    putDeviceKey: async (pair) => change(rows.keys, 'device', pair),
  }
}
