import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import { toBlob, toHex } from './hex.ts'
import type { Tables } from './schema.ts'
import type { BlobAbove, Forwarding, HubStream } from './store.ts'
import type { TextColumn } from './text.ts'

export function toStream(row: Tables['streams']): HubStream {
  const { stream, device, epoch, tip, announced_seq, announced_signature, proven_seq, above_seq, final_seq } = row
  const announced = { seq: announced_seq, hash: toHex(row.announced_hash), signature: announced_signature }
  const divided = row.divided_after !== null && { dividedAfter: row.divided_after }
  const above = { held: above_seq, final: final_seq, ...divided }
  return { stream, device, epoch, tip, hash: toHex(row.hash), announced, proven: proven_seq, above }
}

const ABOVE = { nowhere: 0, held: 1, final: 2 } as const satisfies Record<BlobAbove, number>

/** Of a divided stream what comes after the division is settled once it was handed on, since it can never be final. */
const lacksAbove = ({ and, or, eb }: ExpressionBuilder<Tables, 'streams'>) =>
  and([
    eb('proven_seq', '>', eb.ref('final_seq')),
    or([
      eb('divided_after', 'is', null),
      eb('final_seq', '<', eb.ref('divided_after')),
      eb('above_seq', '<', eb.ref('tip')),
    ]),
  ])

/** The part of the store by which a hub passes on what it has. */
export function createSqlForwarding(db: Kysely<Tables>, text: TextColumn): Forwarding {
  const headsOf = (program: string, stream: string) =>
    db
      .selectFrom('heads')
      .select(['seq', 'hash', 'signature'])
      .where('program', '=', program)
      .where('stream', '=', stream)

  return {
    async lines(program, stream, from, limit) {
      const rows = await db
        .selectFrom('records')
        .select(['seq', 'line', 'line_hash', 'hash', 'verdict', 'received_at as receivedAt'])
        .where('program', '=', program)
        .where('stream', '=', stream)
        .where('seq', '>=', from)
        .orderBy('seq')
        .limit(limit)
        .execute()
      return rows.map(({ line, line_hash, hash, ...row }) => ({
        ...row,
        line: text.fromColumn(line),
        lineHash: toHex(line_hash),
        hash: toHex(hash),
      }))
    },
    async provenHead(program, stream, from, upto) {
      const heads = headsOf(program, stream)
      const row =
        (await heads
          .where('seq', '>=', from)
          .where('seq', '<=', upto)
          .orderBy('seq', 'desc')
          .limit(1)
          .executeTakeFirst()) ?? (await heads.where('seq', '>', upto).orderBy('seq').limit(1).executeTakeFirst())
      return row && { ...row, hash: toHex(row.hash) }
    },
    async carryable(program, { after = '', settled = false, limit }) {
      const rows = await db
        .selectFrom('streams')
        .selectAll()
        .where('program', '=', program)
        .where('stream', '>', after)
        .where('proven_seq', '>', 0)
        .$if(!settled, (query) => query.where(lacksAbove))
        .orderBy('stream')
        .limit(limit)
        .execute()
      return rows.map(toStream)
    },
    async noteAbove(program, stream, { held, final, dividedAfter = null }) {
      await db
        .updateTable('streams')
        .set({ above_seq: held, final_seq: final, divided_after: dividedAfter })
        .where('program', '=', program)
        .where('stream', '=', stream)
        .execute()
    },
    async forgetAbove(program) {
      await db
        .updateTable('streams')
        .set({ above_seq: 0, final_seq: 0, divided_after: null })
        .where('program', '=', program)
        .execute()
      await db.updateTable('forks').set({ above: 0 }).where('program', '=', program).execute()
      await db.updateTable('blobs').set({ above: 0 }).where('program', '=', program).execute()
    },
    async forksToForward(program, limit) {
      const rows = await db
        .selectFrom('forks')
        .select(['stream', 'seq', 'line_hash', 'line', 'received_at as receivedAt'])
        .where('program', '=', program)
        .where('above', '=', sql.lit(0))
        .orderBy('received_at')
        .limit(limit)
        .execute()
      return rows.map(({ line, line_hash, ...row }) => ({
        ...row,
        line: text.fromColumn(line),
        lineHash: toHex(line_hash),
      }))
    },
    async noteForkAbove(program, { stream, seq, lineHash }) {
      await db
        .updateTable('forks')
        .set({ above: 1 })
        .where('program', '=', program)
        .where('stream', '=', stream)
        .where('seq', '=', seq)
        .where('line_hash', '=', toBlob(lineHash))
        .execute()
    },
    async blobsToForward(program, limit) {
      const rows = await db
        .selectFrom('blobs')
        .select('sha256')
        .where('program', '=', program)
        .where('above', '=', sql.lit(0))
        .orderBy('completed_at')
        .limit(limit)
        .execute()
      return rows.map(({ sha256 }) => toHex(sha256))
    },
    async noteBlobAbove(program, sha256, there) {
      await db
        .updateTable('blobs')
        .set({ above: ABOVE[there] })
        .where('program', '=', program)
        .where('sha256', '=', toBlob(sha256))
        .execute()
    },
    async blobsToConfirm(program, { after, limit }) {
      const rows = await db
        .selectFrom('blobs')
        .select('sha256')
        .where('program', '=', program)
        .where('above', '=', sql.lit(1))
        .$if(after !== undefined, (query) => query.where('sha256', '>', toBlob(after ?? '')))
        .orderBy('sha256')
        .limit(limit)
        .execute()
      return rows.map(({ sha256 }) => toHex(sha256))
    },
    async finalBlobs(program, sha256s, isRoot) {
      if (sha256s.length === 0) return []
      const rows = await db
        .selectFrom('blobs')
        .select('sha256')
        .where('program', '=', program)
        .where('sha256', 'in', sha256s.map(toBlob))
        .$if(!isRoot, (query) => query.where('above', '=', ABOVE.final))
        .execute()
      const final = new Set(rows.map(({ sha256 }) => toHex(sha256)))
      return sha256s.filter((sha256) => final.has(sha256))
    },
    async lag(program) {
      const { records } = await db
        .selectFrom('streams')
        .select(sql<number>`coalesce(sum(tip - final_seq), 0)`.as('records'))
        .where('program', '=', program)
        .executeTakeFirstOrThrow()
      const waiting = async (table: 'blobs' | 'forks', settled: number): Promise<number> => {
        const { count } = await db
          .selectFrom(table)
          .select(sql<number>`count(*)`.as('count'))
          .where('program', '=', program)
          .where('above', '<', settled)
          .executeTakeFirstOrThrow()
        return Number(count)
      }
      return { records: Number(records), blobs: await waiting('blobs', ABOVE.final), forks: await waiting('forks', 1) }
    },
  }
}
