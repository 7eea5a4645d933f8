import { Kysely, PostgresDialect } from 'kysely'
import { type ClientBase, Pool, types } from 'pg'
import { JikoError } from '../../protocol/error.ts'
import { migratePostgres, type Partitions } from './postgres-migrations.ts'
import type { Tables } from './schema.ts'
import { createSqlStore } from './sql.ts'
import type { HubStore } from './store.ts'
import { UTF8_BYTES } from './text.ts'

/** Of one hub. PostgreSQL allows 100 in all unless told otherwise: a few hubs have room. */
const CONNECTIONS = 16
/** Milliseconds to wait for a connection: longer than a server takes to start anew. */
const PATIENCE = 15_000

const INT8 = 20
const NUMERIC = 1700

export interface PostgresOptions {
  /** Of a database that is made now; one that exists keeps its own. */
  partitions?: Partitions
  /** Takes what happens to connections that nobody waits for. */
  report?: (line: string) => void
}

/** The address as it may be shown: without its password. */
export function describeDatabase(url: string): string {
  const parsed = URL.parse(url)
  if (!parsed) return 'the address in DATABASE_URL'
  return `${parsed.protocol}//${parsed.username && `${parsed.username}@`}${parsed.host}${parsed.pathname}`
}

/** Nothing here is larger than JavaScript's exact numbers: sequences, milliseconds, sums of bytes. */
const asNumbers = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    oid === INT8 || oid === NUMERIC ? Number : types.getTypeParser(oid, format as 'text'),
}

/** The address can turn it off; then a receipt would say more than is true. */
async function checkSyncs(client: ClientBase): Promise<void> {
  const { rows } = await client.query('show synchronous_commit')
  if (rows[0]?.synchronous_commit === 'off') throw new Error('synchronous_commit is off: leave it on in its address')
}

/** Setting of a database that a hub is being moved to. */
export const MOVING = 'moving'

async function checkWhole(client: ClientBase): Promise<void> {
  const { rows } = await client.query('select value from settings where name = $1', [MOVING])
  if (rows.length === 0) return
  throw new JikoError(
    'hub/half-moved',
    `a hub was being moved here from ${rows[0]?.value} and that did not end: run jiko hub move again`,
  )
}

/**
 * Opens the database and brings its tables up to date. Any number of hubs may do so at once, and work on it together.
 * An acknowledged record survives a power cut of the server, as far as the server syncs: `synchronous_commit=on`.
 * @throws JikoError `hub/database` when it cannot be reached, `hub/newer-database`, `hub/half-moved`.
 */
export async function openPostgresStore(
  url: string,
  { partitions = 1, report = console.error }: PostgresOptions = {},
): Promise<HubStore> {
  const pool = new Pool({
    connectionString: url,
    max: CONNECTIONS,
    connectionTimeoutMillis: PATIENCE,
    keepAlive: true,
    options: '-c synchronous_commit=on -c client_min_messages=warning',
    types: asNumbers as typeof types,
  })
  // An idle connection that breaks is replaced at the next question; unheard, its error would end the process.
  pool.on('error', (error) => report(`the database closed a connection: ${error.message}`))
  try {
    const client = await pool.connect()
    try {
      await checkSyncs(client)
      await migratePostgres(client, partitions)
      await checkWhole(client)
    } finally {
      client.release()
    }
  } catch (cause) {
    await pool.end()
    if (cause instanceof JikoError) throw cause
    const reason = cause instanceof Error ? cause.message || String(cause) : String(cause)
    throw new JikoError('hub/database', `the database ${describeDatabase(url)} cannot be opened: ${reason}`, { cause })
  }
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  // Commits at once on several connections share a sync of the server's own accord.
  const store = createSqlStore(db, UTF8_BYTES, (job) => db.transaction().execute(job))
  return {
    ...store,
    async close() {
      await store.close()
      // Kysely ends only what it has begun to use.
      if (!pool.ended) await pool.end()
    },
  }
}
