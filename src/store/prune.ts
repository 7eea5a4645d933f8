import { utf8 } from '../lib/bytes.ts'
import { sha256Hex } from '../lib/sha256.ts'
import type { Database, RecordRow } from './database.ts'
import { bodyOf, namedIn } from './line.ts'
import { removeText } from './remove.ts'
import type { PruneOptions, StreamState } from './store.ts'

const BATCH = 50

/**
 * Makes room by what is safe at the root, oldest first: the text of final records, with attachments that the root has too.
 * One batch a transaction, so that a writer never waits long.
 */
export async function prune(database: Database, { before, bytes }: PruneOptions): Promise<number> {
  let freed = 0
  const enough = (): boolean => bytes !== undefined && freed >= bytes
  for (const { stream, pruned = 0 } of await database.transact('read', (tables) => tables.streams())) {
    let allGone = true
    for (let from = pruned + 1; !enough(); from += BATCH) {
      const rows = await database.transact('read', async (tables) => {
        const final = (await tables.streams()).find((one) => one.stream === stream)?.final ?? 0
        return tables.records(stream, from, Math.min(final, from + BATCH - 1))
      })
      if (rows.length === 0) break
      const due = rows.filter(
        ({ line }) => line !== undefined && (before === undefined || bodyOf(line).at.wall < before),
      )
      const hashed = await Promise.all(due.map(async (row) => ({ row, hash: await sha256Hex(utf8(row.line ?? '')) })))
      for (const { row, hash } of hashed) {
        if (enough()) break
        freed += await pruneOne(database, row, hash)
      }
      allGone = await noteGone(database, stream, rows, allGone)
    }
  }
  return freed
}

/** Looked at again where it is written: marks may have gone back, and a photo may be wanted again. */
function pruneOne(database: Database, { stream, seq }: RecordRow, hash: string): Promise<number> {
  return database.transact('write', async (tables) => {
    const state = (await tables.streams()).find((one) => one.stream === stream)
    const row = await tables.record(stream, seq)
    if (!state || !row || seq > state.final) return 0
    for (const sha256 of namedIn(row)) if (await tables.upload(sha256)) return 0
    for (const about of await tables.referring(stream, seq, seq)) {
      const own = (await tables.streams()).some((one) => one.stream === about.stream)
      if (!own) await tables.deleteRecords(about.stream, about.seq, about.seq)
    }
    return removeText(tables, [stream, seq], { why: 'pruned', hash })
  })
}

/** Remembers up to where nothing is left, so that the next look begins there. */
async function noteGone(database: Database, stream: string, seen: readonly RecordRow[], allGone: boolean) {
  const [first, last] = [seen[0]?.seq ?? 1, seen.at(-1)?.seq ?? 0]
  if (!allGone) return false
  return database.transact('write', async (tables) => {
    const rows = await tables.records(stream, first, last)
    const left = rows.find(({ line }) => line !== undefined)?.seq ?? last + 1
    const state = (await tables.streams()).find((one) => one.stream === stream)
    if (state && left - 1 > (state.pruned ?? 0))
      await tables.putStream({ ...state, pruned: left - 1 } satisfies StreamState)
    return left > last
  })
}
