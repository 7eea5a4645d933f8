import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { ClientBase } from 'pg'

/** Lines are at most 64 KiB: this many are held in memory. */
const ROWS = 500

/** PostgreSQL's name for an array of each type that the tables have. */
const ARRAYS: Readonly<Record<string, string>> = {
  text: 'text[]',
  int8: 'bigint[]',
  int2: 'smallint[]',
  bytea: 'bytea[]',
}

interface Column {
  name: string
  type: string
}

type Row = Record<string, SQLOutputValue>

function toColumn(value: SQLOutputValue | undefined, { type }: Column): unknown {
  if (value === null || value === undefined) return null
  if (type === 'bytea') return typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value as Uint8Array)
  // Text that an older Jiko let in can hold the one character that PostgreSQL's cannot.
  return typeof value === 'string' ? value.replaceAll('\u0000', '\ufffd') : value
}

/** Copies rows from SQLite to tables of the same names and columns in PostgreSQL. */
export function createTableCopy(source: DatabaseSync, target: ClientBase) {
  async function columnsOf(table: string): Promise<Column[]> {
    const { rows } = await target.query(
      `select column_name as name, udt_name as type from information_schema.columns
       where table_schema = current_schema() and table_name = $1 order by ordinal_position`,
      [table],
    )
    return rows as Column[]
  }

  async function insert(
    table: string,
    columns: readonly Column[],
    rows: readonly Row[],
    conflict: string,
  ): Promise<void> {
    if (rows.length === 0) return
    const names = columns.map(({ name }) => name).join(', ')
    const arrays = columns.map(({ type }, i) => `$${i + 1}::${ARRAYS[type] ?? `${type}[]`}`).join(', ')
    const values = columns.map((column) => rows.map((row) => toColumn(row[column.name], column)))
    await target.query(`insert into ${table} (${names}) select * from unnest(${arrays}) ${conflict}`, values)
  }

  return {
    /** Rows that came to be after `rowid`; answers the last one's. What is there already stays. */
    async append(table: string, rowid: number, onRows: (rows: number) => void): Promise<number> {
      const columns = await columnsOf(table)
      const page = source.prepare(
        `select rowid as source_rowid, * from ${table} where rowid > ? order by rowid limit ${ROWS}`,
      )
      let last = rowid
      for (;;) {
        const rows = page.all(last)
        if (rows.length === 0) return last
        await insert(table, columns, rows, 'on conflict do nothing')
        last = Number(rows.at(-1)?.source_rowid)
        onRows(rows.length)
      }
    },

    /** Rows that changed after they were copied: those that are not `ok`, here or there. Most are, and stay so. */
    async refresh(table: string, verdict: string): Promise<void> {
      const columns = await columnsOf(table)
      const key = ['program', 'stream', 'seq']
      const set = columns.filter(({ name }) => !key.includes(name)).map(({ name }) => `${name} = excluded.${name}`)
      const conflict = `on conflict (${key.join(', ')}) do update set ${set.join(', ')}`
      let batch: Row[] = []
      for (const row of source.prepare(`select * from ${table} where ${verdict} <> 'ok'`).iterate()) {
        batch.push(row)
        if (batch.length < ROWS) continue
        await insert(table, columns, batch, conflict)
        batch = []
      }
      await insert(table, columns, batch, conflict)
      const { rows } = await target.query(`select ${key.join(', ')} from ${table} where ${verdict} <> 'ok'`)
      const one = source.prepare(
        `select * from ${table} where program = ? and stream = ? and seq = ? and ${verdict} = 'ok'`,
      )
      for (const { program, stream, seq } of rows) {
        const row = one.get(program, stream, Number(seq))
        if (row) await insert(table, columns, [row], conflict)
      }
    },

    /** Whole tables, in this order, in place of what is there. */
    async replace(tables: readonly string[]): Promise<void> {
      await target.query(`truncate ${tables.join(', ')}`)
      for (const table of tables) {
        const columns = await columnsOf(table)
        let batch: Row[] = []
        for (const row of source.prepare(`select * from ${table}`).iterate()) {
          batch.push(row)
          if (batch.length < ROWS) continue
          await insert(table, columns, batch, '')
          batch = []
        }
        await insert(table, columns, batch, '')
      }
    },
  }
}
