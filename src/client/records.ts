import { lazily } from '../lib/lazy.ts'
import { JikoError } from '../protocol/error.ts'
import { recordId } from '../protocol/log.ts'
import { corrected } from '../store/corrected.ts'
import { splitId } from '../store/line.ts'
import type { HistoryItem } from '../store/store.ts'
import type { HistoryEntry, Kit } from './kit.ts'
import type { SayingDeps } from './say.ts'

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

/** History as the app shows it: results newest first, with what was said about them since. */
export function createRecords({ store, moment, onWritten }: Omit<SayingDeps, 'changesOf'>): Kit['records'] {
  /** All that was said about a record. @throws JikoError `log/unknown-record` when that is no record's id. */
  async function changesOf(id: string): Promise<HistoryItem['changes']> {
    const position = splitId(id)
    if (!position) throw new JikoError('log/unknown-record', `not the id of a record: ${id}`)
    // A page of one that begins just below the next number is this record with all that was said about it.
    const [item] = await store.history({ before: recordId(position[0], position[1] + 1), limit: 1 })
    return item?.changes ?? []
  }
  // Most who look at the history say nothing.
  const saying = lazily(async () => (await import('./say.ts')).createSaying({ store, moment, onWritten, changesOf }))

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
    correct: saying.correct,
    note: saying.note,
    erase: saying.erase,
    removePhoto: saying.removePhoto,
    seen: saying.seen,
    unseen: saying.unseen,
    subscribe: (listener) => store.subscribe(listener),
  }
}
