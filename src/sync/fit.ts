import type { Bytes } from '../lib/bytes.ts'
import { MAX_PUSH_LINES, MAX_SYNC_INFLATED_BYTES, type SentLine } from '../protocol/hub.ts'
import type { Pace } from './pace.ts'

export interface Fitted {
  /** Compressed. */
  body: Bytes
  lines: number
}

/** Text is escaped and wrapped on its way into the request: stay well clear of the hub's limit. */
const MOST_TEXT = MAX_SYNC_INFLATED_BYTES / 4

/** As many lines as fit the pace, and never less than one: a record longer than the pace goes alone. */
export async function fitLines(
  read: (count: number) => Promise<readonly SentLine[]>,
  pack: (lines: readonly SentLine[]) => Promise<Bytes>,
  { bytes, perLine }: Pick<Pace, 'bytes' | 'perLine'>,
): Promise<Fitted> {
  const guess = Math.min(MAX_PUSH_LINES, Math.max(1, Math.ceil(bytes / perLine)))
  let lines = await read(guess)
  let text = 0
  const most = lines.findIndex((line) => {
    text += line.toString().length
    return text > MOST_TEXT
  })
  if (most >= 0) lines = lines.slice(0, Math.max(1, most))
  for (;;) {
    const body = await pack(lines)
    // A little over is better than packing twice.
    if (lines.length <= 1 || body.length <= bytes * 1.25) return { body, lines: lines.length }
    lines = lines.slice(0, Math.max(1, Math.min(lines.length - 1, Math.floor((lines.length * bytes) / body.length))))
  }
}
