import { type Kysely, sql } from 'kysely'
import type { Tables } from './schema.ts'
import type { Totals } from './store.ts'

/** The numbers of one program. Sequences have no holes: the tips are the count of records, without a walk over them. */
export async function readTotals(db: Kysely<Tables>, program: string): Promise<Totals> {
  const count = (table: 'devices' | 'forks' | 'records') =>
    db.selectFrom(table).select(sql<number>`count(*)`.as('count')).where('program', '=', program)
  const { streams, records, missing } = await db
    .selectFrom('streams')
    .select([
      sql<number>`count(*)`.as('streams'),
      sql<number>`coalesce(sum(tip), 0)`.as('records'),
      sql<number>`coalesce(sum(case when announced_seq > tip then announced_seq - tip else 0 end), 0)`.as('missing'),
    ])
    .where('program', '=', program)
    .executeTakeFirstOrThrow()
  const { blobs, bytes } = await db
    .selectFrom('blobs')
    .select([sql<number>`count(*)`.as('blobs'), sql<number>`coalesce(sum(bytes), 0)`.as('bytes')])
    .where('program', '=', program)
    .executeTakeFirstOrThrow()
  // Written out as in its index, or the index is not used.
  const quarantined = await count('records')
    .where(sql<boolean>`verdict <> 'ok' and verdict not like 'gone:%'`)
    .executeTakeFirstOrThrow()
  return {
    devices: Number((await count('devices').executeTakeFirstOrThrow()).count),
    streams: Number(streams),
    records: Number(records),
    quarantined: Number(quarantined.count),
    missing: Number(missing),
    forks: Number((await count('forks').executeTakeFirstOrThrow()).count),
    blobs: Number(blobs),
    blobBytes: Number(bytes),
  }
}
