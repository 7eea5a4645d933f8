import { type ExpressionBuilder, type Kysely, sql } from 'kysely'
import type { Transact } from './group-commit.ts'
import { toBlob, toHex } from './hex.ts'
import type { Tables } from './schema.ts'
import { checkSegment, SEEN_GRAIN } from './segment.ts'
import { createSqlAccess } from './sql-access.ts'
import { advance, batches, insertHeads, insertLines } from './sql-append.ts'
import { createSqlChanges } from './sql-changes.ts'
import { createSqlForwarding, toStream } from './sql-forward.ts'
import { readTotals } from './sql-totals.ts'
import type { Device, HubStore, Place, StoredLine } from './store.ts'
import type { TextColumn } from './text.ts'

function toDevice(row: Tables['devices']): Device {
  const { key, app, first_seen, last_seen, revoked_at } = row
  return { key, app, firstSeen: first_seen, lastSeen: last_seen, ...(revoked_at !== null && { revokedAt: revoked_at }) }
}

/** The hub's store on any SQL database that Kysely speaks to; the dialect and the migrations are the caller's. */
export function createSqlStore(db: Kysely<Tables>, text: TextColumn, transact: Transact): HubStore {
  const isWhole = ({ exists, selectFrom }: ExpressionBuilder<Tables, 'attachments'>) =>
    exists(
      selectFrom('blobs')
        .select('blobs.bytes')
        .whereRef('blobs.program', '=', 'attachments.program')
        .whereRef('blobs.sha256', '=', 'attachments.sha256'),
    )

  async function arrivals(
    program: string,
    order: 'asc' | 'desc',
    limit: number,
    place: Place | undefined,
  ): Promise<StoredLine[]> {
    // The page first, by its index, then whose it is: left to choose, PostgreSQL may join all there is and sort that.
    const page = db
      .selectFrom('records')
      .select(['program', 'stream', 'seq', 'line', 'verdict', 'received_at'])
      .where('program', '=', program)
      .$if(place !== undefined, (query) =>
        query.where(({ eb, refTuple, tuple }) =>
          eb(
            refTuple('received_at', 'stream', 'seq'),
            order === 'asc' ? '>' : '<',
            tuple(place?.receivedAt ?? 0, place?.stream ?? '', place?.seq ?? 0),
          ),
        ),
      )
      .orderBy('received_at', order)
      .orderBy('stream', order)
      .orderBy('seq', order)
      .limit(limit)
      .as('page')
    const rows = await db
      .selectFrom(page)
      .innerJoin('streams', (join) =>
        join.onRef('streams.program', '=', 'page.program').onRef('streams.stream', '=', 'page.stream'),
      )
      .select([
        'page.stream',
        'streams.device',
        'page.seq',
        'page.line',
        'page.verdict',
        'page.received_at as receivedAt',
      ])
      .orderBy('page.received_at', order)
      .orderBy('page.stream', order)
      .orderBy('page.seq', order)
      .execute()
    return rows.map(({ line, ...row }) => ({ ...row, line: text.fromColumn(line) }))
  }

  async function findDevice(program: string, key: string): Promise<Device | undefined> {
    const row = await db
      .selectFrom('devices')
      .selectAll()
      .where('program', '=', program)
      .where('key', '=', key)
      .executeTakeFirst()
    return row && toDevice(row)
  }

  return {
    async addProgram(program, at) {
      await db
        .insertInto('programs')
        .values({ program, created_at: at })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },
    async programs() {
      const rows = await db.selectFrom('programs').select('program').orderBy('program').execute()
      return rows.map(({ program }) => program)
    },

    async seeDevice(program, { key, app, at }) {
      const known = await findDevice(program, key)
      if (known && known.app === app && at - known.lastSeen < SEEN_GRAIN) return known
      const row = await transact((tx) =>
        tx
          .insertInto('devices')
          .values({ program, key, app, first_seen: at, last_seen: at, revoked_at: null })
          .onConflict((conflict) => conflict.columns(['program', 'key']).doUpdateSet({ app, last_seen: at }))
          .returningAll()
          .executeTakeFirstOrThrow(),
      )
      return toDevice(row)
    },
    device: findDevice,
    async devices(program) {
      const rows = await db.selectFrom('devices').selectAll().where('program', '=', program).orderBy('key').execute()
      return rows.map(toDevice)
    },
    async revokeDevice(program, key, at) {
      await db
        .updateTable('devices')
        .set({ revoked_at: at })
        .where('program', '=', program)
        .where('key', '=', key)
        .where('revoked_at', 'is', null)
        .execute()
    },

    async stream(program, stream) {
      const row = await db
        .selectFrom('streams')
        .selectAll()
        .where('program', '=', program)
        .where('stream', '=', stream)
        .executeTakeFirst()
      return row && toStream(row)
    },
    async streams(program) {
      const rows = await db.selectFrom('streams').selectAll().where('program', '=', program).orderBy('stream').execute()
      return rows.map(toStream)
    },

    async append(program, segment) {
      checkSegment(segment)
      return await transact(async (tx) => {
        if (!(await advance(tx, program, segment))) return false
        await insertLines(tx, text, program, segment)
        await insertHeads(tx, program, segment)
        return true
      })
    },
    async positions(program, stream, from, to) {
      const rows = await db
        .selectFrom('records')
        .select(['seq', 'line_hash', 'hash', 'verdict'])
        .where('program', '=', program)
        .where('stream', '=', stream)
        .where('seq', '>=', from)
        .where('seq', '<=', to)
        .orderBy('seq')
        .execute()
      return rows.map(({ seq, line_hash, hash, verdict }) => ({
        seq,
        lineHash: toHex(line_hash),
        hash: toHex(hash),
        verdict,
      }))
    },

    async addForks(program, lines) {
      for (const batch of batches(lines)) {
        const rows = batch.map(({ stream, seq, lineHash, line, receivedAt }) => ({
          program,
          stream,
          seq,
          line_hash: toBlob(lineHash),
          line: text.toColumn(line),
          received_at: receivedAt,
          above: 0,
        }))
        await db
          .insertInto('forks')
          .values(rows)
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      }
    },
    async forks(program, limit) {
      const rows = await db
        .selectFrom('forks')
        .select(['stream', 'seq', 'line_hash', 'line', 'received_at as receivedAt'])
        .where('program', '=', program)
        .orderBy('received_at', 'desc')
        .orderBy('stream', 'desc')
        .orderBy('seq', 'desc')
        .limit(limit)
        .execute()
      return rows.map(({ line_hash, line, ...row }) => ({
        ...row,
        line: text.fromColumn(line),
        lineHash: toHex(line_hash),
      }))
    },

    records: (program, { since, limit }) => arrivals(program, 'asc', limit, since),
    newest: (program, { before, limit }) => arrivals(program, 'desc', limit, before),
    async count(program) {
      // Sequences have no holes: the tips are the count, without a walk over every record.
      const { total } = await db
        .selectFrom('streams')
        .select(sql<number>`coalesce(sum(tip), 0)`.as('total'))
        .where('program', '=', program)
        .executeTakeFirstOrThrow()
      return Number(total)
    },
    totals: (program) => readTotals(db, program),

    async lackingBlobs(program, streams, limit) {
      if (streams.length === 0) return []
      const rows = await db
        .selectFrom('attachments')
        .select('sha256')
        .where('program', '=', program)
        .where('stream', 'in', streams)
        // The flag alone can be late, when a blob was finished while the record that names it was being written.
        .where('whole', '=', sql.lit(0))
        .where(({ not, ...eb }) => not(isWhole(eb as ExpressionBuilder<Tables, 'attachments'>)))
        .orderBy('stream')
        .orderBy('seq')
        .limit(limit)
        .execute()
      return [...new Set(rows.map(({ sha256 }) => toHex(sha256)))]
    },
    async namedBlob(program, sha256) {
      const row = await db
        .selectFrom('attachments')
        .select((eb) => ['type', isWhole(eb).as('whole')])
        .where('program', '=', program)
        .where('sha256', '=', toBlob(sha256))
        .limit(1)
        .executeTakeFirst()
      return row && { type: row.type, whole: Boolean(row.whole) }
    },
    async addBlob(program, { sha256, bytes, at }) {
      const hash = toBlob(sha256)
      await db
        .insertInto('blobs')
        .values({ program, sha256: hash, bytes, completed_at: at, above: 0 })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      const naming = await db
        .selectFrom('attachments')
        .select('stream')
        .where('program', '=', program)
        .where('sha256', '=', hash)
        .where('whole', '=', 0)
        .execute()
      for (const { stream } of naming) {
        await db
          .updateTable('attachments')
          .set({ whole: 1 })
          .where('program', '=', program)
          .where('stream', '=', stream)
          .where('sha256', '=', hash)
          .execute()
      }
    },
    ...createSqlForwarding(db, text),
    ...createSqlAccess(db),
    ...createSqlChanges(db, text),
    async setting(name) {
      const row = await db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst()
      return row?.value
    },
    async setSetting(name, value) {
      await db
        .insertInto('settings')
        .values({ name, value })
        .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
        .execute()
    },
    async claimSetting(name, value) {
      await db
        .insertInto('settings')
        .values({ name, value })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
      const { value: stands } = await db
        .selectFrom('settings')
        .select('value')
        .where('name', '=', name)
        .executeTakeFirstOrThrow()
      return stands
    },
    close: () => db.destroy(),
  }
}
