import { utf8 } from '../lib/bytes.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import { recordId } from '../protocol/log.ts'
import { attachmentsOf, type RecordBody } from '../protocol/record.ts'
import { corrected } from './corrected.ts'
import type { Database, RecordRow, Tables } from './database.ts'
import { formatLine, recordsOf, splitId } from './line.ts'
import { removeText } from './remove.ts'
import type { EraseOrder, StoredRecord } from './store.ts'

/** A line to be written, and what it says. */
interface Writing {
  line: string
  body: RecordBody
}

/** What is written at once: at least one line. */
export type Lines = readonly [Writing, ...Writing[]]

/** Appends lines to the log, told where the first of them goes, with whatever else belongs into the same transaction. */
export type Append = (
  compose: (stream: string, seq: number) => Lines,
  also: (tables: Tables) => Promise<unknown>,
) => Promise<StoredRecord>

const writing = (body: RecordBody): Writing => ({ line: formatLine(body), body })

/** One's own line that is to go. */
interface Doomed {
  position: [string, number]
  hash: string
}

const doomed = async ({ stream, seq, line = '' }: RecordRow): Promise<Doomed> => ({
  position: [stream, seq],
  hash: await sha256Hex(utf8(line)),
})

async function textOf(database: Database, id: string): Promise<RecordRow> {
  const position = splitId(id)
  const row = position && (await database.transact('read', (tables) => tables.record(...position)))
  if (row?.line !== undefined) return row
  throw new JikoError('log/unknown-record', `there is no record ${id} to erase: read the list again`)
}

const orderFor = ({ position, hash }: Doomed, order: EraseOrder): Writing =>
  writing({ v: 1, kind: 'erase', ...order, ref: recordId(...position), hash })

const remove = (tables: Tables, { position, hash }: Doomed): Promise<number> =>
  removeText(tables, position, { why: 'erased', hash })

/** @see RecordStore.erase */
export async function erase(database: Database, append: Append, id: string, order: EraseOrder): Promise<void> {
  const gone = await doomed(await textOf(database, id))
  await append(
    () => [orderFor(gone, order)],
    (tables) => remove(tables, gone),
  )
}

/** What was said of a record by anybody, said of another one, in as few lines as hold it. */
function saidOf(ref: string, about: readonly StoredRecord[], order: EraseOrder): RecordBody[] {
  const { fields, notes, retracted } = corrected(about)
  const common = { v: 1 as const, ...order, ref }
  const named = new Set(Object.values(fields))
  const files = about.flatMap(({ body }) => attachmentsOf(body)).filter(({ sha256 }) => named.has(sha256))
  const attachments = [...new Map(files.map((file) => [file.sha256, file])).values()]
  const patch = { ...common, base: [], patch: fields, ...(attachments.length > 0 && { attachments }) }
  return [
    ...(Object.keys(fields).length > 0 ? [{ kind: 'correction' as const, ...patch }] : []),
    ...notes.map((text) => ({ kind: 'note' as const, ...common, text })),
    ...(retracted ? [{ kind: 'retract' as const, ...common }] : []),
  ]
}

/** @see RecordStore.replace */
export async function replace(
  database: Database,
  append: Append,
  id: string,
  body: RecordBody,
  order: EraseOrder,
): Promise<StoredRecord> {
  const old = await textOf(database, id)
  const { own, rows } = await database.transact('read', async (tables) => ({
    own: new Set((await tables.streams()).map(({ stream }) => stream)),
    rows: await tables.referring(old.stream, old.seq, old.seq),
  }))
  const about = recordsOf(rows)
  const mine = about.filter(({ stream, body }) => own.has(stream) && body.kind !== 'erase')
  const gone = await Promise.all([...mine, old].map(doomed))
  return append(
    (stream, seq) => [
      writing(body),
      ...saidOf(recordId(stream, seq), about, order).map(writing),
      ...gone.map((one) => orderFor(one, order)),
    ],
    async (tables) => {
      for (const one of gone) await remove(tables, one)
    },
  )
}
