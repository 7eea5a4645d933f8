import { open, rename, rm } from 'node:fs/promises'
import { backup, DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { JikoError } from '../../protocol/error.ts'
import { createGroupCommit } from './group-commit.ts'
import { migrate } from './migrations.ts'
import { createNodeSqliteDialect } from './node-sqlite.ts'
import type { Tables } from './schema.ts'
import { createSqlStore } from './sql.ts'
import type { HubStore } from './store.ts'
import { PLAIN_TEXT } from './text.ts'

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
  const opened = database
  const db = new Kysely<Tables>({ dialect: createNodeSqliteDialect(opened) })
  const store = createSqlStore(db, PLAIN_TEXT, createGroupCommit(db))
  return {
    ...store,
    async close() {
      await store.close()
      // Kysely closes only what it has begun to use.
      if (opened.isOpen) opened.close()
    },
  }
}

/** All pages at once: in steps, a hub that goes on writing would make the copy begin anew each time. */
const BACKUP_RATE = 1 << 30

/**
 * Copies the database as it stands at one moment, also while a hub writes to it. The copy is checked, and is at `target`
 * whole or not at all.
 * @throws JikoError `hub/backup` saying why.
 */
export async function backUpSqlite(path: string, target: string): Promise<void> {
  const partial = `${target}.partial`
  let source: DatabaseSync | undefined
  try {
    await rm(partial, { force: true })
    source = new DatabaseSync(path, { timeout: BUSY_TIMEOUT })
    await backup(source, partial, { rate: BACKUP_RATE })
    check(partial)
    const file = await open(partial, 'r+')
    await file.sync().finally(() => file.close())
    await rename(partial, target)
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new JikoError('hub/backup', `${path} could not be backed up to ${target}: ${reason}`, { cause })
  } finally {
    source?.close()
  }
}

function check(path: string): void {
  const copy = new DatabaseSync(path)
  try {
    // One file that can be carried away: without a log beside it.
    copy.exec('pragma journal_mode = delete')
    const found = copy.prepare('pragma quick_check').get()?.quick_check
    if (found !== 'ok') throw new Error(`the copy is damaged: ${found}`)
  } finally {
    copy.close()
  }
}
