import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import type { Moment } from '../protocol/record.ts'
import { RANK, type Tables, type UploadRow } from './database.ts'
import type { AttachmentCounts, NewAttachment } from './store.ts'

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

/** It may be sent, and waits for that behind those that came before it. */
export const sendable = (row: UploadRow): UploadRow => ({
  ...row,
  order: [row.preview ? RANK.preview : RANK.full, row.order[1], row.order[2]],
})

/** From now on it may be sent. True where it might not before. */
export async function release(tables: Tables, sha256: string): Promise<boolean> {
  const row = await tables.upload(sha256)
  if (row?.order[0] !== RANK.unseen) return false
  await tables.putUpload(sendable(row))
  return true
}

/** @param from [born, seq] of the record that brings it; `at` when that was written. */
export async function putFile(
  tables: Tables,
  { sha256, type, bytes, preview = false, unseen }: NewAttachment,
  [born, seq]: [number, number],
  at: Moment,
): Promise<void> {
  // The same photo twice is one photo, and where it has got to stays as it is; but for what one record may send no other waits.
  if (await tables.hasAttachment(sha256)) {
    if (!unseen) await release(tables, sha256)
    return noteShared(tables, sha256)
  }
  await tables.putAttachment({ sha256, type, bytes: bytes.slice().buffer, alone: true })
  const row: UploadRow = { sha256, type, size: bytes.length, preview, order: [RANK.unseen, born, seq] }
  await tables.putUpload(unseen ? { ...row, since: at } : sendable(row))
}

export const countAttachments = async (tables: Tables): Promise<AttachmentCounts> => ({
  previews: await tables.countUploads(RANK.preview, RANK.preview),
  full: await tables.countUploads(RANK.full, RANK.full),
  held: await tables.countUploads(RANK.held, RANK.held),
  unseen: await tables.countUploads(RANK.unseen, RANK.unseen),
})
