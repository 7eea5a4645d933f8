import type { Transaction } from 'kysely'
import { toBlob } from './hex.ts'
import type { Tables } from './schema.ts'
import { endOf } from './segment.ts'
import type { Segment } from './store.ts'
import type { TextColumn } from './text.ts'

/** Rows in one INSERT: enough to be fast, few enough for every database's limit on parameters. */
const ROWS = 100

export function* batches<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; at += ROWS) yield rows.slice(at, at + ROWS)
}

/** Moves the stream on, if it stands where the segment begins. This row is what two writers of one stream meet at. */
export async function advance(tx: Transaction<Tables>, program: string, segment: Segment): Promise<boolean> {
  const { stream, device, epoch, after, announced } = segment
  const end = endOf(segment)
  const moved = { tip: end.seq, hash: toBlob(end.hash) }
  const head = {
    announced_seq: announced.seq,
    announced_hash: toBlob(announced.hash),
    announced_signature: announced.signature,
  }
  if (after.seq === 0) {
    const made = await tx
      .insertInto('streams')
      .values({ program, stream, device, epoch, ...moved, ...head, proven_seq: 0, above_seq: 0, final_seq: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (made.numInsertedOrUpdatedRows === 1n) return true
  }
  const { numUpdatedRows } = await tx
    .updateTable('streams')
    .set(moved)
    .where('program', '=', program)
    .where('stream', '=', stream)
    .where('tip', '=', after.seq)
    .where('hash', '=', toBlob(after.hash))
    .executeTakeFirst()
  if (numUpdatedRows !== 1n) return false
  await tx
    .updateTable('streams')
    .set(head)
    .where('program', '=', program)
    .where('stream', '=', stream)
    .where('announced_seq', '<', announced.seq)
    .execute()
  return true
}

/** Keeps the device's signatures that cover more of the chain than those kept before. */
export async function insertHeads(tx: Transaction<Tables>, program: string, segment: Segment): Promise<void> {
  const { stream, proven = [] } = segment
  if (proven.length === 0) return
  await tx
    .insertInto('heads')
    .values(proven.map(({ seq, hash, signature }) => ({ program, stream, seq, hash: toBlob(hash), signature })))
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const furthest = Math.max(...proven.map(({ seq }) => seq))
  await tx
    .updateTable('streams')
    .set({ proven_seq: furthest })
    .where('program', '=', program)
    .where('stream', '=', stream)
    .where('proven_seq', '<', furthest)
    .execute()
}

export async function insertLines(
  tx: Transaction<Tables>,
  text: TextColumn,
  program: string,
  segment: Segment,
): Promise<void> {
  const { stream, receivedAt, lines } = segment
  for (const batch of batches(lines)) {
    const rows = batch.map(({ seq, line, lineHash, hash, verdict }) => ({
      program,
      stream,
      seq,
      line: text.toColumn(line),
      line_hash: toBlob(lineHash),
      hash: toBlob(hash),
      verdict,
      received_at: receivedAt,
    }))
    await tx.insertInto('records').values(rows).execute()
  }
  const named = lines.flatMap(({ seq, attachments }) => attachments.map((attachment) => ({ seq, ...attachment })))
  for (const batch of batches(named)) {
    const rows = batch.map(({ seq, sha256, type }) => ({
      program,
      stream,
      sha256: toBlob(sha256),
      seq,
      type,
      whole: 0,
    }))
    await tx
      .insertInto('attachments')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
}
