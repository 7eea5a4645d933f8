import { headlineOf } from '../../protocol/answer.ts'
import { recordId } from '../../protocol/log.ts'
import { isAbout, parseRecord, type ResultBody } from '../../protocol/record.ts'
import { type Change, type Corrected, corrected } from '../../store/corrected.ts'
import type { HubStore, HubStream } from '../store/store.ts'
import { ACCEPTED } from '../verdict.ts'

const PAGE = 500

/** A result with all that was said about it since. */
export interface ExportedResult {
  id: string
  device: string
  receivedAt: number
  body: ResultBody
  said: Corrected
}

/** What is said about records of a stream, in it and elsewhere, by the number of the record. */
async function saidAbout(store: HubStore, program: string, { stream }: HubStream): Promise<Map<number, Change[]>> {
  const all = new Map<string, Change & { about: number }>()
  const note = (from: string, seq: number, line: string, target: number): void => {
    all.set(recordId(from, seq), { stream: from, seq, body: parseRecord(line), about: target })
  }
  for (let from = 1; ; from += PAGE) {
    const lines = await store.lines(program, stream, from, PAGE)
    for (const { seq, line, verdict } of lines) {
      if (verdict !== ACCEPTED) continue
      const body = parseRecord(line)
      if (!isAbout(body)) continue
      const [target, number] = body.ref.split('/')
      if (target === stream) note(stream, seq, line, Number(number))
    }
    if (lines.length < PAGE) break
  }
  const known: Record<string, number> = {}
  for (;;) {
    const changes = await store.changes(program, stream, { known, limit: PAGE })
    for (const change of changes) {
      note(change.stream, change.seq, change.line, change.targetSeq)
      known[change.stream] = Math.max(known[change.stream] ?? 0, change.seq)
    }
    if (changes.length < PAGE) break
  }
  return Map.groupBy(all.values(), ({ about }) => about)
}

/** Accepted results, log by log: what was erased, or never accepted, is not among them. Only one log's corrections are held at a time. */
export async function* exportedResults(store: HubStore, program: string): AsyncGenerator<ExportedResult> {
  for (const known of await store.streams(program)) {
    const said = await saidAbout(store, program, known)
    for (let from = 1; ; from += PAGE) {
      const lines = await store.lines(program, known.stream, from, PAGE)
      for (const { seq, line, verdict, receivedAt } of lines) {
        if (verdict !== ACCEPTED) continue
        const body = parseRecord(line)
        if (body.kind !== 'result') continue
        const id = recordId(known.stream, seq)
        yield { id, device: known.device, receivedAt, body, said: corrected(said.get(seq) ?? []) }
      }
      if (lines.length < PAGE) break
    }
  }
}

export type Cell = string | number | boolean | undefined

/** Milliseconds since 1970 as people and spreadsheets read them; a phone may say any time at all. */
const isoTime = (milliseconds: number): string => {
  const date = new Date(milliseconds)
  return Number.isNaN(date.getTime()) ? '' : date.toISOString()
}

const listed = (values: readonly unknown[]): string => values.map(String).join(' | ')

/** The columns of a table of results: a name, and what stands there. */
export const COLUMNS: readonly (readonly [string, (result: ExportedResult) => Cell])[] = [
  ['id', ({ id }) => id],
  ['device', ({ device }) => device.slice(-6)],
  ['actor', ({ body }) => body.actor],
  ['received_at', ({ receivedAt }) => isoTime(receivedAt)],
  ['phone_says_at', ({ body }) => isoTime(body.at.wall)],
  ['phone_zone_minutes', ({ body }) => body.at.zone],
  ['latitude', ({ body }) => body.place?.latitude],
  ['longitude', ({ body }) => body.place?.longitude],
  ['accuracy_metres', ({ body }) => body.place?.accuracy],
  ['task', ({ body }) => body.task],
  [
    'answer',
    ({ body }) => {
      const { labels, text } = headlineOf(body.answer)
      return listed([...labels.map(({ id, count }) => (count > 1 ? `${count} × ${id}` : id)), text].filter(Boolean))
    },
  ],
  ['score', ({ body }) => headlineOf(body.answer).score],
  ['sure', ({ body }) => headlineOf(body.answer).sure],
  ['corrected', ({ said }) => said.label],
  ['conflicting_corrections', ({ said }) => listed(said.conflicts.label ?? [])],
  ['taken_back', ({ said }) => said.retracted],
  ['notes', ({ said }) => listed(said.notes)],
  ['threshold', ({ body }) => body.threshold],
  ['pack', ({ body }) => body.pack.name],
  ['pack_version', ({ body }) => body.pack.version],
  ['pack_digest', ({ body }) => body.pack.digest],
  ['variant', ({ body }) => body.variant],
  ['backend', ({ body }) => body.backend],
  ['milliseconds', ({ body }) => body.ms],
  ['faces_hidden', ({ body }) => body.faces?.hidden],
  ['photo_not_kept', ({ body }) => body.faces?.unkept],
  ['attachments', ({ body }) => listed(body.attachments.map(({ sha256 }) => sha256))],
]
