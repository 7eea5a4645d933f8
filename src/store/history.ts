import type { RecordBody, RecordState } from '../protocol/record.ts'
import type { RecordRow, Tables } from './database.ts'
import { recordsOf, splitId } from './line.ts'
import type { HistoryItem, Page, StoredRecord, StreamState } from './store.ts'

/** How far a record has got, from the marks of its stream alone. */
export function stateIn(
  streams: readonly StreamState[],
  { stream, seq }: { stream: string; seq: number },
): RecordState {
  const state = streams.find((one) => one.stream === stream)
  if (!state || seq > state.held) return 'local'
  return seq > state.final ? 'held' : 'final'
}

/**
 * A page of the log, newest first. Numbers are contiguous, so a page is one range read backwards from a number: no
 * cursor, no scan. Only where records of other kinds lie between does it take another range.
 */
export async function readPage(
  tables: Tables,
  streams: readonly StreamState[],
  { limit = 50, before, kind, actor }: Page & { kind?: RecordBody['kind'] },
): Promise<StoredRecord[]> {
  const newestFirst = [...streams].reverse()
  const start = before === undefined ? undefined : splitId(before)
  if (before !== undefined && !start) return []
  const page: StoredRecord[] = []
  for (const { stream, tip } of start ? newestFirst.slice(indexOf(newestFirst, start[0])) : newestFirst) {
    let below = start?.[0] === stream ? start[1] : tip + 1
    while (below > 1 && page.length < limit) {
      const from = Math.max(1, below - limit)
      const rows = await tables.records(stream, from, below - 1)
      const wanted = recordsOf(rows.reverse())
      page.push(
        ...wanted.filter(
          ({ body }) =>
            (kind === undefined || body.kind === kind) &&
            (actor === undefined || body.actor === undefined || body.actor === actor),
        ),
      )
      below = from
    }
  }
  return page.slice(0, limit)
}

function indexOf(streams: readonly StreamState[], wanted: string): number {
  const index = streams.findIndex(({ stream }) => stream === wanted)
  return index === -1 ? streams.length : index
}

/** A page of results with what was said about each: one more range a stream, over the index of references. */
export async function readHistory(tables: Tables, page: Page): Promise<HistoryItem[]> {
  const streams = await tables.streams()
  const records = await readPage(tables, streams, { ...page, kind: 'result' })
  const changes = new Map<string, RecordRow[]>()
  for (const stream of new Set(records.map((record) => record.stream))) {
    const seqs = records.filter((record) => record.stream === stream).map((record) => record.seq)
    for (const row of await tables.referring(stream, Math.min(...seqs), Math.max(...seqs))) {
      const id = row.ref?.join('/') ?? ''
      changes.set(id, [...(changes.get(id) ?? []), row])
    }
  }
  const born = new Map(streams.map((state) => [state.stream, state.born]))
  const bySaying = (a: RecordRow, b: RecordRow): number =>
    (born.get(a.stream) ?? 0) - (born.get(b.stream) ?? 0) || a.seq - b.seq
  return records.map((record) => ({
    record,
    state: stateIn(streams, record),
    changes: recordsOf((changes.get(`${record.stream}/${record.seq}`) ?? []).sort(bySaying)),
  }))
}
