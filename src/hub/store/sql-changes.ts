import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import { ACCEPTED, GONE } from '../verdict.ts'
import { toBlob, toHex } from './hex.ts'
import type { Tables } from './schema.ts'
import { batches } from './sql-append.ts'
import type { Change, HubStore } from './store.ts'
import type { TextColumn } from './text.ts'

/** What was written ahead of its line counts once the line is on its stream's chain; what came from above counts as it is. */
const counts = ({ or, eb, exists, selectFrom }: ExpressionBuilder<Tables, 'changes'>) =>
  or([
    eb('changes.above', '=', 1),
    exists(
      selectFrom('records')
        .select('records.seq')
        .whereRef('records.program', '=', 'changes.program')
        .whereRef('records.stream', '=', 'changes.stream')
        .whereRef('records.seq', '=', 'changes.seq')
        .whereRef('records.line_hash', '=', 'changes.line_hash')
        .where('records.verdict', '=', ACCEPTED),
    ),
  ])

/** The part of the store about what some say of the records of others. */
export function createSqlChanges(
  db: Kysely<Tables>,
  text: TextColumn,
): Pick<
  HubStore,
  'lostLines' | 'restoreLines' | 'addChanges' | 'changes' | 'knownChanges' | 'changedSince' | 'erasures' | 'erase'
> {
  function toChange(row: Tables['changes']): Change {
    const { target, target_seq, stream, seq, line, line_hash, erases, received_at, above } = row
    return {
      target,
      targetSeq: target_seq,
      stream,
      seq,
      line: text.fromColumn(line),
      lineHash: toHex(line_hash),
      ...(erases && { erases: toHex(erases) }),
      at: received_at,
      above: above === 1,
    }
  }

  /** The attachments of one line that nothing else names. */
  async function namedOnlyBy(program: string, stream: string, seq: number): Promise<string[]> {
    const rows = await db
      .selectFrom('attachments')
      .select('sha256')
      .where('program', '=', program)
      .where('stream', '=', stream)
      .where('seq', '=', seq)
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('attachments as other')
              .select('other.seq')
              .whereRef('other.program', '=', 'attachments.program')
              .whereRef('other.sha256', '=', 'attachments.sha256')
              .where(({ or, eb }) => or([eb('other.stream', '<>', stream), eb('other.seq', '<>', seq)])),
          ),
        ),
      )
      .execute()
    return rows.map(({ sha256 }) => toHex(sha256))
  }

  return {
    async lostLines(program, stream, limit) {
      const rows = await db
        .selectFrom('records')
        .select('seq')
        .where('program', '=', program)
        .where('stream', '=', stream)
        .where('verdict', '=', GONE.pruned)
        .orderBy('seq')
        .limit(limit)
        .execute()
      return rows.map(({ seq }) => Number(seq))
    },
    async restoreLines(program, stream, lines) {
      await db.transaction().execute(async (tx) => {
        for (const { seq, line, lineHash, verdict, attachments } of lines) {
          const { numUpdatedRows } = await tx
            .updateTable('records')
            .set({ line: text.toColumn(line), verdict })
            .where('program', '=', program)
            .where('stream', '=', stream)
            .where('seq', '=', seq)
            .where('line_hash', '=', toBlob(lineHash))
            .where('verdict', '=', GONE.pruned)
            .executeTakeFirst()
          if (numUpdatedRows !== 1n || attachments.length === 0) continue
          await tx
            .insertInto('attachments')
            .values(
              attachments.map(({ sha256, type }) => ({ program, stream, sha256: toBlob(sha256), seq, type, whole: 0 })),
            )
            .onConflict((conflict) => conflict.doNothing())
            .execute()
        }
      })
    },

    async addChanges(program, changes) {
      for (const batch of batches(changes)) {
        const rows = batch.map(({ target, targetSeq, stream, seq, line, lineHash, erases, at, above }) => ({
          program,
          target,
          target_seq: targetSeq,
          stream,
          seq,
          line: text.toColumn(line),
          line_hash: toBlob(lineHash),
          erases: erases === undefined ? null : toBlob(erases),
          received_at: at,
          above: above ? 1 : 0,
        }))
        await db
          .insertInto('changes')
          .values(rows)
          .onConflict((conflict) =>
            conflict
              .columns(['program', 'target', 'stream', 'seq', 'line_hash'])
              .doUpdateSet({ above: 1, received_at: sql`excluded.received_at` })
              .where(sql<boolean>`excluded.above > changes.above`),
          )
          .execute()
      }
    },
    async changes(program, target, { known, limit }) {
      const rows = await db
        .selectFrom('changes')
        .selectAll()
        .where('program', '=', program)
        .where('target', '=', target)
        .where(({ not, or, and, eb }) =>
          not(or(Object.entries(known).map(([stream, seq]) => and([eb('stream', '=', stream), eb('seq', '<=', seq)])))),
        )
        .where(counts)
        .orderBy('stream')
        .orderBy('seq')
        .limit(limit)
        .execute()
      return rows.map(toChange)
    },
    async knownChanges(program, target) {
      const rows = await db
        .selectFrom('changes')
        .select(['stream', ({ fn }) => fn.max('seq').as('seq')])
        .where('program', '=', program)
        .where('target', '=', target)
        .where(counts)
        .groupBy('stream')
        .execute()
      return Object.fromEntries(rows.map(({ stream, seq }) => [stream, Number(seq)]))
    },
    async changedSince(program, at, limit) {
      const rows = await db
        .selectFrom('changes')
        .select('target')
        .distinct()
        .where('program', '=', program)
        .where('received_at', '>=', at)
        .orderBy('target')
        .limit(limit)
        .execute()
      return rows.map(({ target }) => target)
    },

    async erasures(program, authority, limit) {
      const rows = await db
        .selectFrom('changes')
        .innerJoin('records as meant', (join) =>
          join
            .onRef('meant.program', '=', 'changes.program')
            .onRef('meant.stream', '=', 'changes.target')
            .onRef('meant.seq', '=', 'changes.target_seq')
            .onRef('meant.line_hash', '=', 'changes.erases')
            .on('meant.verdict', '<>', GONE.erased),
        )
        .innerJoin('streams as theirs', (join) =>
          join.onRef('theirs.program', '=', 'changes.program').onRef('theirs.stream', '=', 'changes.target'),
        )
        .leftJoin('streams as own', (join) =>
          join.onRef('own.program', '=', 'changes.program').onRef('own.stream', '=', 'changes.stream'),
        )
        .select(['meant.stream', 'meant.seq', 'meant.line_hash'])
        .where('changes.program', '=', program)
        .where('changes.erases', 'is not', null)
        .where(({ or, eb }) =>
          or([
            eb('changes.above', '=', 1),
            eb('own.device', '=', authority),
            eb('own.device', '=', eb.ref('theirs.device')),
          ]),
        )
        .where((eb) => counts(eb as unknown as ExpressionBuilder<Tables, 'changes'>))
        .limit(limit)
        .execute()
      return await Promise.all(
        rows.map(async ({ stream, seq, line_hash }) => ({
          stream,
          seq,
          lineHash: toHex(line_hash),
          blobs: await namedOnlyBy(program, stream, seq),
        })),
      )
    },
    async erase(program, { stream, seq, lineHash, blobs }) {
      await db.transaction().execute(async (tx) => {
        await tx
          .updateTable('records')
          .set({ line: text.toColumn(''), verdict: GONE.erased })
          .where('program', '=', program)
          .where('stream', '=', stream)
          .where('seq', '=', seq)
          .where('line_hash', '=', toBlob(lineHash))
          .execute()
        for (const table of ['forks', 'changes'] as const) {
          await tx
            .deleteFrom(table)
            .where('program', '=', program)
            .where('stream', '=', stream)
            .where('seq', '=', seq)
            .where('line_hash', '=', toBlob(lineHash))
            .execute()
        }
        await tx
          .deleteFrom('attachments')
          .where('program', '=', program)
          .where('stream', '=', stream)
          .where('seq', '=', seq)
          .execute()
        for (const sha256 of blobs) {
          await tx.deleteFrom('blobs').where('program', '=', program).where('sha256', '=', toBlob(sha256)).execute()
        }
      })
    },
  }
}
