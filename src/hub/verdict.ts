import { utf8 } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { SentLine } from '../protocol/hub.ts'
import { type Attachment, attachmentsOf, isAbout, MAX_LINE_BYTES, parseRecord } from '../protocol/record.ts'
import { isDeeperThan } from './depth.ts'

/** Nothing a phone writes nests further; a reader's JSON parser may recurse. */
const MAX_DEPTH = 32
/** A reason is shown to people: long enough to say what is wrong, too short to carry the whole line. */
const MAX_REASON = 200

export const ACCEPTED = 'ok'
const QUARANTINE = 'quarantine: '
/** The verdicts of lines of which only the hash is here: `pruned` is a loss, until some hub has the text after all. */
export const GONE = { erased: 'gone: erased', pruned: 'gone: pruned' } as const

/** Why a line is in quarantine, undefined for any other. */
export const reasonOf = (verdict: string): string | undefined =>
  verdict.startsWith(QUARANTINE) ? verdict.slice(QUARANTINE.length) : undefined

/** Why the text of a line is not here, undefined where it is. */
export const goneOf = (verdict: string): keyof typeof GONE | undefined =>
  verdict === GONE.erased ? 'erased' : verdict === GONE.pruned ? 'pruned' : undefined

export interface Judgement {
  verdict: string
  /** What an accepted line names. */
  attachments: readonly Attachment[]
  /** The record that an accepted line is about. */
  about?: About
}

export interface About {
  stream: string
  seq: number
  /** Of an order to erase: the SHA-256 of the line meant. */
  erases?: string
}

/** Cheaply: only where this is true need anybody ask whether the device may say so. */
export const mentionsSupervisor = (sent: SentLine): boolean => typeof sent === 'string' && sent.includes('supervisor')

/** What is kept of a line of which only the hash is left. */
export const judgeGone = (reason: keyof typeof GONE): Judgement => ({ verdict: GONE[reason], attachments: [] })

/**
 * Judges one line. A line that is not accepted is stored all the same: one bad record never blocks those behind it.
 * @param refused why it is not accepted whatever it says.
 * @param maySupervise that its device speaks for a supervisor: whose word goes before a worker's is not for anybody to claim.
 */
export function judge(line: string, refused: string | undefined, maySupervise = true): Judgement {
  const quarantine = (reason: string): Judgement => ({
    verdict: QUARANTINE + reason.slice(0, MAX_REASON),
    attachments: [],
  })
  if (refused !== undefined) return quarantine(refused)
  if (utf8(line).length > MAX_LINE_BYTES) return quarantine(`longer than ${MAX_LINE_BYTES} bytes`)
  if (/[\n\r]/.test(line)) return quarantine('a line break inside the line')
  if (isDeeperThan(line, MAX_DEPTH)) return quarantine(`nested deeper than ${MAX_DEPTH}`)
  try {
    const body = parseRecord(line)
    if (!isAbout(body)) return { verdict: ACCEPTED, attachments: attachmentsOf(body) }
    if (body.role === 'supervisor' && !maySupervise) {
      return quarantine('it says that a supervisor speaks, and its phone is of no reviewer here')
    }
    const [stream = '', seq] = body.ref.split('/')
    const erases = body.kind === 'erase' && { erases: body.hash }
    return { verdict: ACCEPTED, attachments: attachmentsOf(body), about: { stream, seq: Number(seq), ...erases } }
  } catch (error) {
    if (error instanceof JikoError) return quarantine(error.message)
    throw error
  }
}
