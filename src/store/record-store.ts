import { lazily } from '../lib/lazy.ts'
import { createOnce } from '../lib/memo.ts'
import { createSerial } from '../lib/serial.ts'
import { JikoError } from '../protocol/error.ts'
import { EMPTY_HASH, nextHash } from '../protocol/log.ts'
import { checkFile, countAttachments, noteShared, putFile } from './attachments.ts'
import { tick } from './clock.ts'
import type { Database, RecordRow, Tables } from './database.ts'
import type { Lines } from './erase.ts'
import { readHistory, readPage, stateIn } from './history.ts'
import { ensureIdentity } from './identity.ts'
import { formatLine, namedIn, recordOf, rowOf, sentOf, splitId } from './line.ts'
import type { NewAttachment, RecordStore, StoredRecord, StreamState } from './store.ts'

/** The part of a BroadcastChannel that tells other tabs. */
export interface Channel {
  postMessage(message: unknown): void
  addEventListener(type: 'message', listener: () => void): void
  close(): void
}

/** The rules of the log over any database. What nobody waits for at the start is imported when it is first wanted. */
export async function createRecordStore(database: Database, channel?: Channel): Promise<RecordStore> {
  const { signer, newest: written } = await ensureIdentity(database)
  const serial = createSerial()
  const listeners = new Set<() => void>()
  /** The stream written to, as last seen; another tab may have written since, which `append` finds out. */
  let last = written
  let closed = false

  // Later and each by itself: a listener that throws must not make a record that was saved look unsaved.
  const tell = (): void => {
    for (const listener of listeners) queueMicrotask(listener)
  }
  const changed = (): void => {
    tell()
    if (!closed) channel?.postMessage('changed')
  }
  channel?.addEventListener('message', tell)
  const later = createOnce(() => import('./later.ts'))
  const uploads = lazily(async () => (await later()).createUploads(database, changed))

  async function newest(tables: Tables): Promise<StreamState> {
    const state = (await tables.streams()).at(-1)
    if (state) return state
    throw new JikoError('storage/evicted', "The app's data was removed while it was open: reload the page.")
  }

  /**
   * Numbers without locks: hash on the tip last seen, then, in the transaction, write only if that is still the tip.
   * Whoever loses hashes again on the winner's. (Hashing inside would end the transaction: WebCrypto is awaited.)
   * @returns the first of the lines
   */
  async function append(
    compose: (stream: string, seq: number) => Lines,
    also?: (tables: Tables) => Promise<unknown>,
    files: readonly NewAttachment[] = [],
  ): Promise<StoredRecord> {
    for (;;) {
      const basis = last ?? (await database.transact('read', newest))
      const { stream } = basis
      const lines = compose(stream, basis.tip + 1)
      const [first] = lines
      const rows: RecordRow[] = []
      let { tip, hash } = basis
      for (const { line, body } of lines) {
        hash = await nextHash(hash, line)
        rows.push(rowOf(stream, ++tip, line, body, hash))
      }
      let runs = 0
      const done = await database
        .transact('write', async (tables) => {
          runs += 1
          const now = await newest(tables)
          if (now.stream !== stream || now.hash !== basis.hash) {
            last = now
            // On a second run, after a dropped connection, the line found there may be our own, committed unheard.
            return runs > 1 && (await tables.record(stream, tip))?.hash === hash
          }
          const brought = new Set(files.map(({ sha256 }) => sha256))
          for (const row of rows) {
            await mustBeThere(tables, row)
            await tables.putRecord(row)
            for (const sha256 of namedIn(row)) if (!brought.has(sha256)) await noteShared(tables, sha256)
          }
          for (const file of files) await putFile(tables, file, [basis.born, basis.tip + 1], first.body.at)
          last = { ...now, tip, hash }
          await tables.putStream(last)
          await also?.(tables)
          return true
        })
        .catch((error) => {
          last = undefined
          throw error
        })
      if (done) return { stream, seq: basis.tip + 1, ...first, hash: rows[0]?.hash ?? hash }
    }
  }

  /** Where the marks of `stream` move by `next`, they are written and everybody is told; else nothing is. */
  async function mark(
    stream: string,
    next: (state: StreamState, tables: Tables) => Promise<Pick<StreamState, 'held' | 'final'> | undefined>,
  ): Promise<boolean> {
    const outcome = await database.transact('write', async (tables) => {
      const state = (await tables.streams()).find((one) => one.stream === stream)
      const marks = state && (await next(state, tables))
      if (!state || !marks) return 'refused'
      if (marks.held === state.held && marks.final === state.final) return 'same'
      await tables.putStream({ ...state, ...marks })
      return 'moved'
    })
    if (outcome === 'moved') changed()
    return outcome !== 'refused'
  }

  return {
    signer,
    append: (body, attachments = []) =>
      serial(async () => {
        const line = formatLine(body)
        await Promise.all(attachments.map(checkFile))
        const record = await append(() => [{ line, body }], undefined, attachments)
        changed()
        return record
      }),
    async get(id) {
      const position = splitId(id)
      const row = position && (await database.transact('read', (tables) => tables.record(...position)))
      return row && recordOf(row)
    },
    async hashAt(stream, seq) {
      return seq === 0 ? EMPTY_HASH : (await database.transact('read', (tables) => tables.record(stream, seq)))?.hash
    },
    erase: (id, order) =>
      serial(async () => {
        const { erase } = await later()
        await erase(database, append, id, order)
        changed()
      }),
    replace: (...what) =>
      serial(async () => {
        const { replace } = await later()
        const record = await replace(database, append, ...what)
        changed()
        return record
      }),
    async learn(lines) {
      const { learn } = await later()
      await learn(database, lines)
      changed()
    },
    known: async () => (await later()).known(database),
    tick: (wall) => tick(database, wall),
    async prune(options) {
      const { prune } = await later()
      const bytes = await prune(database, options)
      if (bytes > 0) changed()
      return bytes
    },
    list: (options = {}) =>
      database.transact('read', async (tables) => readPage(tables, await tables.streams(), options)),
    history: (page = {}) => database.transact('read', (tables) => readHistory(tables, page)),
    async lines(stream, from, limit) {
      const rows = await database.transact('read', (tables) => tables.records(stream, from, from + limit - 1))
      return rows.map(sentOf)
    },
    streams: () => database.transact('read', (tables) => tables.streams()),
    stateOf: async (record) => stateIn(await database.transact('read', (tables) => tables.streams()), record),
    acknowledge: (stream, upto, hash, level) =>
      mark(stream, async (state, tables) => {
        if (upto > state.tip) return undefined
        const own = upto === 0 ? EMPTY_HASH : (await tables.record(stream, upto))?.hash
        if (own !== hash) return undefined
        return {
          held: Math.max(state.held, upto),
          final: level === 'final' ? Math.max(state.final, upto) : state.final,
        }
      }),
    async rewind(stream, upto, level) {
      await mark(stream, async ({ held, final }) => {
        const kept = level === 'final' ? Math.min(final, upto) : final
        return { held: Math.max(kept, Math.min(held, upto)), final: kept }
      })
    },
    fork: (stream, agreed) =>
      serial(async () => {
        last = undefined
        const { moveFork } = await later()
        const moved = await moveFork(database, signer.key, stream, agreed)
        changed()
        return moved
      }),
    async attachment(sha256) {
      const row = await database.transact('read', (tables) => tables.attachment(sha256))
      return row && new Blob([row.bytes], { type: row.type })
    },
    countAttachments: () => database.transact('read', countAttachments),
    waitingAttachments: uploads.waitingAttachments,
    attachmentHeld: uploads.attachmentHeld,
    heldAttachments: uploads.heldAttachments,
    attachmentsFinal: uploads.attachmentsFinal,
    attachmentWanted: uploads.attachmentWanted,
    attachmentsSeen: uploads.attachmentsSeen,
    attachmentsDue: uploads.attachmentsDue,
    getSetting: (key) => database.transact('read', (tables) => tables.setting(key)),
    setSetting: (key, value) => database.transact('write', (tables) => tables.putSetting(key, value)),
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close() {
      closed = true
      listeners.clear()
      channel?.close()
      database.close()
    },
  }
}

/** Guards against a name that moved in a fork: the old number is another install's record by now. */
async function mustBeThere(tables: Tables, { stream, seq, ref }: RecordRow): Promise<void> {
  if (!ref) return
  const [target, number] = ref
  const own = (await tables.streams()).find((one) => one.stream === target)
  // Lines of one transaction may be about each other, the later about the earlier.
  if (!own || number <= (target === stream ? seq - 1 : own.tip)) return
  throw new JikoError('log/unknown-record', `there is no record ${target}/${number} to refer to: read the list again`)
}
