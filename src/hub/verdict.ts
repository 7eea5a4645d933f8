import { utf8 } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import { type Attachment, MAX_LINE_BYTES, parseRecord } from '../protocol/record.ts'
import { isDeeperThan } from './depth.ts'

/** Nothing a phone writes nests further; a reader's JSON parser may recurse. */
const MAX_DEPTH = 32
/** A reason is shown to people: long enough to say what is wrong, too short to carry the whole line. */
const MAX_REASON = 200

export const ACCEPTED = 'ok'
const QUARANTINE = 'quarantine: '

/** The reason of a verdict, undefined for an accepted line. */
export const reasonOf = (verdict: string): string | undefined =>
  verdict === ACCEPTED ? undefined : verdict.slice(QUARANTINE.length)

/**
 * Judges one line. A line that is not accepted is stored all the same: one bad record never blocks those behind it.
 * @param refused why it is not accepted whatever it says.
 */
export function judge(
  line: string,
  refused: string | undefined,
): { verdict: string; attachments: readonly Attachment[] } {
  const quarantine = (reason: string) => ({ verdict: QUARANTINE + reason.slice(0, MAX_REASON), attachments: [] })
  if (refused !== undefined) return quarantine(refused)
  if (utf8(line).length > MAX_LINE_BYTES) return quarantine(`longer than ${MAX_LINE_BYTES} bytes`)
  if (/[\n\r]/.test(line)) return quarantine('a line break inside the line')
  if (isDeeperThan(line, MAX_DEPTH)) return quarantine(`nested deeper than ${MAX_DEPTH}`)
  try {
    const body = parseRecord(line)
    return { verdict: ACCEPTED, attachments: body.kind === 'result' ? body.attachments : [] }
  } catch (error) {
    if (error instanceof JikoError) return quarantine(error.message)
    throw error
  }
}
