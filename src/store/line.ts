import { utf8 } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { SentLine } from '../protocol/hub.ts'
import { attachmentsOf, MAX_LINE_BYTES, parseRecord, type RecordBody } from '../protocol/record.ts'
import type { RecordRow } from './database.ts'
import type { StoredRecord } from './store.ts'

/**
 * The line of a new record. Read back before it is written: a record that the hub would put in quarantine (a NaN score,
 * a text too long) must fail in front of the person, not months later.
 * @throws JikoError `log/bad-record`
 */
export function formatLine(body: RecordBody): string {
  const line = JSON.stringify(body)
  const size = utf8(line).length
  if (size > MAX_LINE_BYTES) {
    throw new JikoError('log/bad-record', `the record is ${size} bytes, at most ${MAX_LINE_BYTES} fit in a line`)
  }
  parseRecord(line)
  return line
}

export function rowOf(
  stream: string,
  seq: number,
  line: string,
  body: RecordBody,
  hash: string,
): RecordRow & { line: string } {
  const ref = 'ref' in body ? splitId(body.ref) : undefined
  return { stream, seq, line, hash, ...(ref && { ref }) }
}

/** Our own line: it was checked when it was written. */
export const bodyOf = (line: string): RecordBody => JSON.parse(line)

/** Undefined where the text is no more. */
export const recordOf = ({ stream, seq, line, hash }: RecordRow): StoredRecord | undefined =>
  line === undefined ? undefined : { stream, seq, line, body: bodyOf(line), hash }

export const recordsOf = (rows: readonly RecordRow[]): StoredRecord[] =>
  rows.map(recordOf).filter((record) => record !== undefined)

/** What is sent of a row. */
export const sentOf = ({ line, gone }: RecordRow): SentLine => line ?? [gone?.hash ?? '', gone?.why ?? 'erased']

/** `stream/seq` as a pair; undefined when it is not a record id. */
export function splitId(id: string): [string, number] | undefined {
  const match = /^([a-z2-7]{16})\/([1-9]\d{0,15})$/.exec(id)
  return match?.[1] && match[2] ? [match[1], Number(match[2])] : undefined
}

/** The attachments that a line names. */
export function namedIn({ line }: RecordRow): string[] {
  if (line === undefined) return []
  return attachmentsOf(bodyOf(line)).map(({ sha256 }) => sha256)
}
