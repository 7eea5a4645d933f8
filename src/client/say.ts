import { sha256Hex } from '../lib/sha256.ts'
import type { Moment, RecordBody } from '../protocol/record.ts'
import { corrected } from '../store/corrected.ts'
import type { HistoryItem, NewAttachment, RecordStore } from '../store/store.ts'
import { eraseRecord, removePhoto } from './erase-record.ts'
import type { Kit } from './kit.ts'
import { seen, unseen } from './unseen.ts'

type Body<Kind> = Extract<RecordBody, { kind: Kind }>
type Said = Omit<Body<'correction'>, 'v' | 'at' | 'clock'> | Omit<Body<'note'>, 'v' | 'at' | 'clock'>

export interface SayingDeps {
  store: RecordStore
  moment(): Moment
  /** Called after each new record: there is something to send. */
  onWritten(): void
  changesOf(id: string): Promise<HistoryItem['changes']>
}

/** What people say of records, and have done with them. */
export function createSaying({
  store,
  moment,
  onWritten,
  changesOf,
}: SayingDeps): Pick<Kit['records'], 'correct' | 'note' | 'erase' | 'removePhoto' | 'seen' | 'unseen'> {
  async function say(body: Said, files: readonly NewAttachment[] = []): Promise<void> {
    const at = moment()
    await store.append({ v: 1, at, clock: await store.tick(at.wall), ...body }, files)
    onWritten()
  }

  return {
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
      await eraseRecord(id, { store, moment, changesOf })
      onWritten()
    },
    async removePhoto(id) {
      const next = await removePhoto(id, { store, moment })
      onWritten()
      return next
    },
    async seen(ids) {
      if (await seen(store, ids)) onWritten()
    },
    unseen: (theirs) => unseen(store, theirs),
  }
}
