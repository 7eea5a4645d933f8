import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { JikoError } from '../../protocol/error.ts'
import { migrate } from './migrations.ts'
import { createNodeSqliteDialect } from './node-sqlite.ts'
import type { Tables } from './schema.ts'
import { createSqlStore } from './sql.ts'
import type { HubStore } from './store.ts'

/** Milliseconds to wait for another process that writes, such as `jiko hub export` beside a running hub. */
const BUSY_TIMEOUT = 5000

/**
 * Opens the database and brings its tables up to date. An acknowledged record survives a power cut: WAL with
 * `synchronous=FULL` syncs at every commit.
 * @throws JikoError `hub/database` when the file cannot be opened, `hub/newer-database`.
 */
export function openSqliteStore(path: string): HubStore {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT, enableForeignKeyConstraints: true })
    database.exec('pragma journal_mode = wal')
    database.exec('pragma synchronous = full')
    migrate(database)
  } catch (cause) {
    database?.close()
    if (cause instanceof JikoError) throw cause
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new JikoError('hub/database', `the database ${path} cannot be opened: ${reason}`, { cause })
  }
  return createSqlStore(new Kysely<Tables>({ dialect: createNodeSqliteDialect(database) }))
}
