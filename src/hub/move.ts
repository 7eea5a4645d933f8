import { open, readFile, rename } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import { JikoError } from '../protocol/error.ts'
import { databasePath, keyPath, movedPath } from './data-folder.ts'
import { SHARED_KEY } from './identity.ts'
import { MOVED } from './store/follow.ts'
import { migrate } from './store/migrations.ts'
import { describeDatabase, MOVING } from './store/postgres.ts'
import { migratePostgres, type Partitions } from './store/postgres-migrations.ts'
import { createTableCopy } from './store/table-copy.ts'

/** Milliseconds to wait for the running hub to finish a write. */
const PATIENCE = 30_000

export interface MoveOptions {
  /** The hub's data folder. */
  folder: string
  /** Address of the PostgreSQL to move to. */
  to: string
  partitions?: Partitions
  signal?: AbortSignal
  onProgress?: (progress: { done: number; total: number }) => void
}

/** Everything else is small beside the records, or changes; records only come to be, or lose their text. */
const GROWING = 'records'

/**
 * Moves the database of a hub from its folder to PostgreSQL, also while the hub runs: records are copied beside it, then
 * it waits for the rest, and goes on over there. Killed at any moment, nothing is lost, and it can be run again: the old
 * database counts until it refuses writes itself, and by then everything is in the new one.
 * @throws JikoError `hub/not-empty` when another hub lives there, `hub/move`, `hub/newer-database`; AbortError
 */
export async function moveToPostgres({ folder, to, partitions = 1, signal, onProgress }: MoveOptions): Promise<number> {
  const source = new DatabaseSync(databasePath(folder), { timeout: PATIENCE })
  const target = new Client({ connectionString: to })
  // What breaks it, the next query says.
  target.on('error', () => undefined)
  try {
    await target.connect()
    migrate(source)
    await migratePostgres(target, partitions)
    const key = await readFile(keyPath(folder), 'utf8')
    if (isMarked(source)) {
      await complete(target, key, to)
      return countOf(source)
    }
    await claim(target, folder, to)
    const copy = createTableCopy(source, target)
    const total = countOf(source)
    let done = 0
    const report = (rows: number): void => {
      signal?.throwIfAborted()
      done += rows
      onProgress?.({ done: Math.min(done, total), total })
    }
    // Without holding anybody up: most of it.
    const reached = await copy.append(GROWING, 0, report)
    source.exec('begin immediate')
    try {
      await target.query('begin')
      await copy.append(GROWING, reached, report)
      await copy.refresh(GROWING, 'verdict')
      await copy.replace(tablesOf(source))
      await target.query('insert into settings values ($1, $2) on conflict (name) do update set value = $2', [
        SHARED_KEY,
        key,
      ])
      await target.query('insert into settings values ($1, $2)', [MOVING, folder])
      await compareCounts(source, target)
      signal?.throwIfAborted()
      await target.query('commit')
      await writePointer(folder, to)
      mark(source)
      source.exec('commit')
    } catch (error) {
      source.exec('rollback')
      throw error
    }
    await complete(target, key, to)
    return countOf(source)
  } catch (cause) {
    if (cause instanceof JikoError || signal?.aborted) throw cause
    const reason = cause instanceof Error ? cause.message || String(cause) : String(cause)
    throw new JikoError('hub/move', `${folder} could not be moved to ${describeDatabase(to)}: ${reason}`, { cause })
  } finally {
    source.close()
    await target.end()
  }
}

const countOf = (source: DatabaseSync): number =>
  Number(source.prepare('select coalesce(sum(tip), 0) as count from streams').get()?.count)

function tablesOf(source: DatabaseSync): string[] {
  const rows = source.prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'").all()
  const names = rows.map(({ name }) => String(name)).filter((name) => name !== GROWING)
  // Those that others refer to come first.
  const first = ['programs', 'devices']
  return [...first, ...names.filter((name) => !first.includes(name)).sort()]
}

/** From here on the hub that still has it open is refused each write, and looks where to go on. */
function mark(source: DatabaseSync): void {
  for (const table of [GROWING, ...tablesOf(source)]) {
    for (const event of ['insert', 'update', 'delete']) {
      source.exec(
        `create trigger moved_${table}_${event} before ${event} on ${table} begin select raise(abort, '${MOVED}'); end`,
      )
    }
  }
}

const isMarked = (source: DatabaseSync): boolean =>
  source.prepare("select 1 from sqlite_schema where type = 'trigger' and name = 'moved_records_insert'").get() !==
  undefined

/** A database that a move of this folder has begun to fill, or one that is empty. */
async function claim(target: Client, folder: string, to: string): Promise<void> {
  const { rows } = await target.query('select value from settings where name = $1', [MOVING])
  if (rows[0]?.value === folder) return
  const { rows: programs } = await target.query('select program from programs limit 1')
  if (rows.length === 0 && programs.length === 0) return
  throw new JikoError('hub/not-empty', `another hub lives in ${describeDatabase(to)}: name an empty database`)
}

async function complete(target: Client, key: string, to: string): Promise<void> {
  const { rows } = await target.query('select value from settings where name = $1', [SHARED_KEY])
  if (rows[0]?.value !== key) {
    throw new JikoError('hub/not-empty', `this hub was moved already, and not to ${describeDatabase(to)}`)
  }
  await target.query('delete from settings where name = $1', [MOVING])
}

async function compareCounts(source: DatabaseSync, target: Client): Promise<void> {
  for (const table of [GROWING, 'streams', 'attachments', 'blobs']) {
    const here = Number(source.prepare(`select count(*) as count from ${table}`).get()?.count)
    const { rows } = await target.query(`select count(*)::int as count from ${table}`)
    if (rows[0]?.count !== here) throw new Error(`${table} has ${rows[0]?.count} rows there and ${here} here`)
  }
}

/** Written before the old database refuses: a hub that is refused finds it. It may hold a password. */
async function writePointer(folder: string, to: string): Promise<void> {
  const path = movedPath(folder)
  const file = await open(`${path}.partial`, 'w', 0o600)
  try {
    await file.writeFile(`${to}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.partial`, path)
}
