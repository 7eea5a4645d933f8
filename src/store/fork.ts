import { JikoError } from '../protocol/error.ts'
import { EMPTY_HASH, nextHash, recordId } from '../protocol/log.ts'
import type { RecordBody } from '../protocol/record.ts'
import type { Database, RecordRow } from './database.ts'
import { mintStream } from './identity.ts'
import { bodyOf, rowOf } from './line.ts'
import type { StreamState } from './store.ts'

/** Where a moved line was first written: the hash names it even where two devices wrote the same number. */
export interface Origin {
  id: string
  hash: string
}

/**
 * Two installs (a clone, a restored backup) wrote different lines under one number. The hub keeps the ones it had
 * first; ours would never be taken in this stream, so they move, in one transaction, to the end of the newest stream.
 * A moved line is a new line: it says its `origin`, and what it says about other moved records follows them, since
 * the old numbers now name the other install's records.
 */
export async function moveFork(database: Database, key: string, stream: string, agreed: number): Promise<number> {
  for (;;) {
    const plan = await prepare(database, key, stream, agreed)
    const done = await database.transact('write', async (tables) => {
      const now = await tables.streams()
      // Another tab wrote meanwhile: what was hashed no longer fits, so prepare again.
      if (!plan.basis.every(({ stream, tip }) => now.find((one) => one.stream === stream)?.tip === tip)) return false
      if (now.length !== plan.basis.length) return false
      await tables.deleteRecords(stream, agreed + 1, plan.forkedTip)
      for (const row of plan.rows) await tables.putRecord(row)
      await tables.putStream(plan.forked)
      await tables.putStream(plan.target)
      return true
    })
    if (done) return plan.rows.length
  }
}

async function prepare(database: Database, key: string, stream: string, agreed: number) {
  const { streams, old, agreedRow } = await database.transact('read', async (tables) => {
    const streams = await tables.streams()
    const tip = streams.find((one) => one.stream === stream)?.tip ?? 0
    return {
      streams,
      old: await tables.records(stream, agreed + 1, tip),
      agreedRow: await tables.record(stream, agreed),
    }
  })
  const forked = streams.find((one) => one.stream === stream)
  const newest = streams.at(-1)
  if (!forked || !newest || agreed > forked.tip) {
    throw new JikoError('log/unknown-stream', `this device has no stream ${stream} with ${agreed} lines`)
  }
  const target = newest.stream === stream ? await mintStream(key, newest.born + 1) : newest
  const moved = await rewrite(old, target)
  const back: StreamState = {
    ...forked,
    tip: agreed,
    hash: agreedRow?.hash ?? EMPTY_HASH,
    held: Math.min(forked.held, agreed),
    final: Math.min(forked.final, agreed),
    ...(forked.pruned !== undefined && { pruned: Math.min(forked.pruned, agreed) }),
  }
  const last = moved.at(-1)
  return {
    basis: streams,
    forkedTip: forked.tip,
    forked: back,
    target: last ? { ...target, tip: last.seq, hash: last.hash } : target,
    rows: moved,
  }
}

async function rewrite(old: readonly RecordRow[], target: StreamState): Promise<RecordRow[]> {
  // Of an erased line nothing is left that could be said anew.
  const left = old.flatMap((row) => (row.line === undefined ? [] : [{ ...row, line: row.line }]))
  const renamed = new Map(
    left.map((row, i) => [recordId(row.stream, row.seq), recordId(target.stream, target.tip + 1 + i)]),
  )
  const follow = (id: string): string => renamed.get(id) ?? id
  const rows: RecordRow[] = []
  let { tip: seq, hash } = target
  for (const row of left) {
    const body = bodyOf(row.line)
    const origin: Origin = { id: recordId(row.stream, row.seq), hash: row.hash }
    const moved: RecordBody & { origin?: Origin } = {
      ...body,
      ...('ref' in body && { ref: follow(body.ref) }),
      ...('base' in body && { base: body.base.map(follow) }),
      // A line that moves twice keeps its first origin: the one under which some hub may have seen it.
      origin: (body as { origin?: Origin }).origin ?? origin,
    }
    // Not checked again: it was when it was first written, and one odd line must not keep the others from moving.
    const line = JSON.stringify(moved)
    seq += 1
    hash = await nextHash(hash, line)
    rows.push(rowOf(target.stream, seq, line, moved, hash))
  }
  return rows
}
