import { backoff } from '../lib/backoff.ts'
import { JikoError } from '../protocol/error.ts'

/** What is known about one address of the blob. */
export interface Mirror {
  url: string
  etag: string | undefined
  /** False after its ETag changed in the middle: then the hashes alone decide. */
  etags: boolean
  /** False after it answered a range wrongly: then the whole file is asked for and what is held is skipped. */
  ranges: boolean
  /** Requests in a row that failed before there was an answer. */
  deaf: number
  /** Answers since the last progress that, said once more, mean that it has not what we want. */
  strikes: number
  /** Why it is not asked again. */
  dead: JikoError | undefined
}

const STRIKES = 2

export const createMirrors = (urls: readonly string[]): Mirror[] =>
  urls.map((url) => ({ url, etag: undefined, etags: true, ranges: true, deaf: 0, strikes: 0, dead: undefined }))

/** The index of the mirror to ask after `turn`: in order, round and round, without the dead ones. */
export function nextAlive(mirrors: readonly Mirror[], turn: number): number {
  for (let step = 1; step <= mirrors.length; step++) {
    const index = (turn + step) % mirrors.length
    if (!mirrors[index]?.dead) return index
  }
  return turn
}

/** Why there is nobody left to ask; that the file changed says more than that a mirror lacks it. */
export function verdict(mirrors: readonly Mirror[]): JikoError {
  const reasons = mirrors.flatMap(({ dead }) => dead ?? [])
  return (
    reasons.find(({ code }) => code === 'download/changed') ??
    reasons[0] ??
    new JikoError('download/not-found', 'There is no address to fetch the pack from.')
  )
}

/** What a failure says about the mirror it came from. */
export function judge(mirror: Mirror, failure: JikoError): void {
  const { code } = failure
  if (code === 'download/not-found' || code === 'download/refused' || code === 'download/changed') {
    // Proxies and restarting servers say so once in passing; who says it again means it.
    if (++mirror.strikes >= STRIKES) mirror.dead = failure
  }
  if (code === 'download/bad-range' || code === 'download/encoded') {
    if (mirror.ranges) mirror.ranges = false
    else mirror.dead = failure
  }
}

/** Milliseconds to wait before the next round: what the server asked for, but at most five minutes. */
export function pause(failure: JikoError | undefined, attempt: number, random: () => number): number {
  const asked = Number(failure?.detail.retryAfter ?? 0) * 1000
  return Math.max(backoff(attempt, { random }), Math.min(asked, 300_000))
}

/** Errors that no other try and no other mirror can mend. */
export const isFinal = (error: JikoError): boolean =>
  error.code.startsWith('storage/') || error.code === 'pack/corrupt' || isPause(error)

/** The person's own limits stopped it: no failure, and not to be tried again now. */
export const isPause = ({ code }: JikoError): boolean => code === 'download/over-budget' || code === 'download/metered'
