import { sha256Hex } from '../lib/sha256.ts'
import { recordedAnswer, recordedScores } from '../protocol/answer.ts'
import { JikoError } from '../protocol/error.ts'
import { recordId } from '../protocol/log.ts'
import type { Moment, RecordBody, ResultBody } from '../protocol/record.ts'
import type { RunResult } from '../protocol/worker.ts'
import { corrected } from '../store/corrected.ts'
import { splitId } from '../store/line.ts'
import type { HistoryItem, NewAttachment, RecordStore } from '../store/store.ts'
import type { Circumstances, HistoryEntry, Kit } from './kit.ts'

export interface PackIdentity {
  name: string
  version: string
  task: string
}

/** The record of a result, with all that is needed to judge it later. */
export function resultBody(
  pack: PackIdentity,
  { answer, packDigest, variant, backend, prep, threshold, ms, faces }: RunResult,
  at: Moment,
  attachments: ResultBody['attachments'],
  circumstances: Circumstances & Pick<ResultBody, 'likeness'> = {},
): ResultBody {
  return {
    v: 1,
    kind: 'result',
    at,
    task: pack.task,
    pack: { name: pack.name, version: pack.version, digest: packDigest },
    variant,
    backend,
    prep,
    answer: recordedAnswer(answer),
    scores: recordedScores(answer),
    threshold,
    ms,
    attachments,
    ...(faces && { faces }),
    ...circumstances,
  }
}

/** Names what a run leaves behind by its content. */
export async function nameAttachments(
  run: Pick<RunResult, 'attachments'>,
): Promise<{ stored: NewAttachment[]; listed: ResultBody['attachments']; likeness?: string }> {
  const named = await Promise.all(
    run.attachments.map(async (attachment) => ({ ...attachment, sha256: await sha256Hex(attachment.bytes) })),
  )
  return {
    stored: named.map(({ sha256, type, bytes, role }) => ({ sha256, type, bytes, preview: role === 'preview' })),
    listed: named.map(({ sha256, type, bytes, role }) => ({ sha256, type, bytes: bytes.length, role })),
    ...named.flatMap(({ likeness }) => (likeness === undefined ? [] : { likeness }))[0],
  }
}

export function toEntry({ record, state, changes }: HistoryItem): HistoryEntry | undefined {
  if (record.body.kind !== 'result') return undefined
  const said = corrected(changes)
  const { label, ...fields } = said.fields
  return {
    id: recordId(record.stream, record.seq),
    body: record.body,
    state,
    ...(said.label !== undefined && { corrected: said.label }),
    ...(Object.keys(fields).length > 0 && { fields }),
    ...(said.notes.length > 0 && { notes: said.notes }),
    ...(said.retracted && { retracted: true }),
    ...(said.conflicts.label && { conflict: said.conflicts.label.map(String) }),
  }
}

type Body<Kind> = Extract<RecordBody, { kind: Kind }>
type Said = Omit<Body<'correction'>, 'v' | 'at' | 'clock'> | Omit<Body<'note'>, 'v' | 'at' | 'clock'>

export interface RecordsOptions {
  store: RecordStore
  moment(): Moment
  /** Called after each new record: there is something to send. */
  onWritten(): void
}

/** History as the app shows it: results newest first, with what was said about them since. */
export function createRecords({ store, moment, onWritten }: RecordsOptions): Kit['records'] {
  /** All that was said about a record. @throws JikoError `log/unknown-record` when that is no record's id. */
  async function changesOf(id: string): Promise<HistoryItem['changes']> {
    const position = splitId(id)
    if (!position) throw new JikoError('log/unknown-record', `not the id of a record: ${id}`)
    // A page of one that begins just below the next number is this record with all that was said about it.
    const [item] = await store.history({ before: recordId(position[0], position[1] + 1), limit: 1 })
    return item?.changes ?? []
  }
  async function say(body: Said, files: readonly NewAttachment[] = []): Promise<void> {
    const at = moment()
    await store.append({ v: 1, at, clock: await store.tick(at.wall), ...body }, files)
    onWritten()
  }

  return {
    async list(options) {
      const items = await store.history(options)
      return items.map(toEntry).filter((entry) => entry !== undefined)
    },
    async alike(ids) {
      const { findAlike, REMEMBERED } = await import('./alike.ts')
      const items = await store.history({ limit: ids.length + REMEMBERED })
      return findAlike(
        ids,
        items.map(toEntry).filter((entry) => entry !== undefined),
      )
    },
    attachment: (sha256) => store.attachment(sha256),
    async correct(id, patch, { files = {}, ...by } = {}) {
      const base = corrected(await changesOf(id)).heads
      const stored: NewAttachment[] = []
      const named: Record<string, string> = {}
      for (const [field, file] of Object.entries(files)) {
        const bytes = new Uint8Array(await file.arrayBuffer())
        const sha256 = await sha256Hex(bytes)
        named[field] = sha256
        stored.push({ sha256, type: file.type, bytes })
      }
      const attachments = stored.map(({ sha256, type, bytes }) => {
        return { sha256, type, bytes: bytes.length, role: 'input' as const }
      })
      const said = { ref: id, base, patch: { ...patch, ...named }, ...(stored.length > 0 && { attachments }), ...by }
      await say({ kind: 'correction', ...said }, stored)
    },
    async note(id, text, by) {
      await changesOf(id)
      await say({ kind: 'note', ref: id, text, ...by })
    },
    async erase(id) {
      const { eraseRecord } = await import('./erase-record.ts')
      await eraseRecord(id, { store, moment, changesOf })
      onWritten()
    },
    async removePhoto(id) {
      const { removePhoto } = await import('./erase-record.ts')
      const next = await removePhoto(id, { store, moment })
      onWritten()
      return next
    },
    subscribe: (listener) => store.subscribe(listener),
  }
}
