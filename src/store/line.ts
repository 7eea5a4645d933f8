import { utf8 } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import { MAX_LINE_BYTES, parseRecord, type RecordBody } from '../protocol/record.ts'
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

export function rowOf(stream: string, seq: number, line: string, body: RecordBody, hash: string): RecordRow {
  const ref = 'ref' in body ? splitId(body.ref) : undefined
  return { stream, seq, line, hash, ...(ref && { ref }) }
}

/** Our own line: it was checked when it was written. */
export const bodyOf = (line: string): RecordBody => JSON.parse(line)

export const recordOf = ({ stream, seq, line, hash }: RecordRow): StoredRecord => ({
  stream,
  seq,
  line,
  body: bodyOf(line),
  hash,
})

/** `stream/seq` as a pair; undefined when it is not a record id. */
export function splitId(id: string): [string, number] | undefined {
  const match = /^([a-z2-7]{16})\/([1-9]\d{0,15})$/.exec(id)
  return match?.[1] && match[2] ? [match[1], Number(match[2])] : undefined
}
