import type { RecordRow, Tables } from './database.ts'
import { namedIn } from './line.ts'

const PAGE = 200

/** Whether a record other than this one names an attachment; the same photo twice is rare, and looked for only when one goes. */
async function isNamedElsewhere(tables: Tables, sha256: string, [stream, seq]: [string, number]): Promise<boolean> {
  for (const { stream: own, tip } of await tables.streams()) {
    for (let from = 1; from <= tip; from += PAGE) {
      for (const row of await tables.records(own, from, Math.min(tip, from + PAGE - 1))) {
        if (own === stream && row.seq === seq) continue
        if (row.line?.includes(sha256) && namedIn(row).includes(sha256)) return true
      }
    }
  }
  return false
}

/**
 * Takes the text of a line away and, where nothing else names them, its attachments; what is left keeps the chain whole.
 * What others said about a pruned record goes too.
 * @returns roughly how many bytes went.
 */
export async function removeText(
  tables: Tables,
  [stream, seq]: [string, number],
  gone: NonNullable<RecordRow['gone']>,
): Promise<number> {
  const row = await tables.record(stream, seq)
  if (row?.line === undefined) return 0
  const { line, ...left } = row
  let bytes = line.length
  for (const sha256 of namedIn(row)) {
    const attachment = await tables.attachment(sha256)
    // A walk through the log for each photo of a season would hold up whoever saves meanwhile.
    if (!attachment?.alone && (await isNamedElsewhere(tables, sha256, [stream, seq]))) continue
    bytes += attachment?.bytes.byteLength ?? 0
    await tables.deleteAttachment(sha256)
    await tables.deleteUpload(sha256)
  }
  await tables.putRecord({ ...left, gone })
  return bytes
}
