import { utf8 } from '../lib/bytes.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { type AboutBody, isAbout, parseRecord } from '../protocol/record.ts'
import { CLOCK } from './clock.ts'
import type { Database, RecordRow, Tables } from './database.ts'
import { splitId } from './line.ts'
import { removeText } from './remove.ts'
import type { ForeignLine } from './store.ts'

interface Learnt extends ForeignLine {
  body: AboutBody
  target: [string, number]
  /** SHA-256 of the own line that it is about, where it orders that one's end. */
  meant?: string
}

async function read(database: Database, line: ForeignLine): Promise<Learnt | undefined> {
  const body = parseRecord(line.line)
  const target = isAbout(body) && splitId(body.ref)
  if (!isAbout(body) || !target) return undefined
  if (body.kind !== 'erase') return { ...line, body, target }
  const text = (await database.transact('read', (tables) => tables.record(...target)))?.line
  return { ...line, body, target, ...(text !== undefined && { meant: await sha256Hex(utf8(text)) }) }
}

async function take(tables: Tables, own: ReadonlySet<string>, { stream, seq, line, body, target, meant }: Learnt) {
  if (!own.has(target[0])) return
  // A twin (a clone, this phone before a backup was restored) goes on in our stream, where its numbers are not ours.
  const row: RecordRow | undefined = own.has(stream) ? undefined : { stream, seq, line, hash: '', ref: target }
  if (row) await tables.putRecord(row)
  const known = (await tables.known()).find((one) => one.target === target[0] && one.source === stream)
  if (seq > (known?.seq ?? 0)) await tables.putKnown({ target: target[0], source: stream, seq })
  if ('clock' in body && body.clock !== undefined) {
    const latest = Number((await tables.setting(CLOCK)) ?? 0)
    if (body.clock > latest) await tables.putSetting(CLOCK, body.clock)
  }
  // Where a clone wrote another line under this number, the order does not mean ours.
  if (body.kind === 'erase' && meant === body.hash) await removeText(tables, target, { why: 'erased', hash: meant })
}

/** What others said about this device's records. Hashes are made before the transaction, which must not wait for them. */
export async function learn(database: Database, lines: readonly ForeignLine[]): Promise<void> {
  const learnt = (await Promise.all(lines.map((line) => read(database, line)))).filter((one) => one !== undefined)
  await database.transact('write', async (tables) => {
    const own = new Set((await tables.streams()).map(({ stream }) => stream))
    for (const one of learnt) await take(tables, own, one)
  })
}

export function known(database: Database): Promise<Record<string, Record<string, number>>> {
  return database.transact('read', async (tables) => {
    const rows = await tables.known()
    const entries = (await tables.streams()).map(({ stream }) => [
      stream,
      Object.fromEntries(rows.filter(({ target }) => target === stream).map(({ source, seq }) => [source, seq])),
    ])
    return Object.fromEntries(entries)
  })
}
