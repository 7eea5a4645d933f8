import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import { type Database, RANK, type Tables } from './database.ts'
import type { NewAttachment, RecordStore } from './store.ts'

/** A file under a wrong name would be refused at the end of every upload, for ever. */
export async function checkFile({ sha256, bytes }: NewAttachment): Promise<void> {
  const got = await sha256Hex(bytes)
  if (got === sha256) return
  throw new JikoError('log/bad-attachment', `an attachment is named ${sha256} but its bytes hash to ${got}`)
}

/** Another record names it too: from now on it is looked for before it goes. */
export async function noteShared(tables: Tables, sha256: string): Promise<void> {
  const row = await tables.attachment(sha256)
  if (row?.alone) await tables.putAttachment({ ...row, alone: false })
}

/** @param from [born, seq] of the record that brings it. */
export async function putFile(tables: Tables, file: NewAttachment, from: [number, number]): Promise<void> {
  const { sha256, type, bytes, preview = false } = file
  // The same photo twice is one photo, and where it has got to stays as it is.
  if (await tables.hasAttachment(sha256)) return noteShared(tables, sha256)
  await tables.putAttachment({ sha256, type, bytes: bytes.slice().buffer, alone: true })
  const rank = preview ? RANK.preview : RANK.full
  await tables.putUpload({ sha256, type, size: bytes.length, preview, order: [rank, ...from] })
}

type Uploads = Pick<
  RecordStore,
  | 'attachment'
  | 'waitingAttachments'
  | 'countAttachments'
  | 'attachmentHeld'
  | 'heldAttachments'
  | 'attachmentsFinal'
  | 'attachmentWanted'
>

/** The attachments of a store: from here to a hub, from there to the root. */
export function createUploads(database: Database, changed: () => void): Uploads {
  return {
    async attachment(sha256) {
      const row = await database.transact('read', (tables) => tables.attachment(sha256))
      return row && new Blob([row.bytes], { type: row.type })
    },
    async waitingAttachments(limit, which = 'all') {
      const last = which === 'all' ? RANK.full : RANK.preview
      const rows = await database.transact('read', (tables) => tables.uploads(RANK.preview, last, limit))
      return rows.map(({ sha256, type, size }) => ({ sha256, type, size }))
    },
    countAttachments: () =>
      database.transact('read', async (tables) => ({
        previews: await tables.countUploads(RANK.preview, RANK.preview),
        full: await tables.countUploads(RANK.full, RANK.full),
        held: await tables.countUploads(RANK.held, RANK.held),
      })),
    async attachmentHeld(sha256) {
      await database.transact('write', async (tables) => {
        const row = await tables.upload(sha256)
        if (row) await tables.putUpload({ ...row, order: [RANK.held, row.order[1], row.order[2]] })
      })
      changed()
    },
    async heldAttachments(limit) {
      const rows = await database.transact('read', (tables) => tables.uploads(RANK.held, RANK.held, limit))
      return rows.map(({ sha256 }) => sha256)
    },
    async attachmentsFinal(sha256s) {
      if (sha256s.length === 0) return
      await database.transact('write', async (tables) => {
        for (const sha256 of sha256s) await tables.deleteUpload(sha256)
      })
      changed()
    },
    async attachmentWanted(sha256, evenFinal = false) {
      const outcome = await database.transact('write', async (tables) => {
        const known = await tables.upload(sha256)
        if (known && known.order[0] !== RANK.held) return 'same'
        if (!known && !evenFinal) return 'absent'
        const row = await tables.attachment(sha256)
        if (!row) return 'absent'
        const { preview = false, order } = known ?? {}
        const rank = preview ? RANK.preview : RANK.full
        const size = row.bytes.byteLength
        await tables.putUpload({
          sha256,
          type: row.type,
          size,
          preview,
          order: [rank, order?.[1] ?? 0, order?.[2] ?? 0],
        })
        return 'moved'
      })
      if (outcome === 'moved') changed()
      return outcome !== 'absent'
    },
  }
}
