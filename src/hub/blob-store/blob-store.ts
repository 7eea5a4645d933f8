import type { Bytes } from '../../lib/bytes.ts'
import { JikoError } from '../../protocol/error.ts'

/** Milliseconds that a half-sent attachment is kept: a phone may be out of reach for a season's month. */
export const PARTIAL_LIFE = 30 * 24 * 3_600_000

/** How much of an attachment is here. `whole` only after its hash was checked. */
export interface BlobStatus {
  bytes: number
  whole: boolean
}

/**
 * Attachments of programs, named by SHA-256 (64 hex digits). One piece after the other makes a partial, `finish` makes it
 * whole. One writer at a time for each blob: the caller sees to that.
 */
export interface BlobStore {
  status(program: string, sha256: string): Promise<BlobStatus>
  /** Writes a piece at `offset`, which must be where the partial ends. @throws JikoError `hub/wrong-offset`. */
  append(program: string, sha256: string, offset: number, piece: Bytes): Promise<void>
  /** Resolves when what was appended is there for other processes too: before anybody is told so. */
  flush(program: string, sha256: string): Promise<void>
  /** Shortens a partial; 0 drops it. A whole blob stays as it is. */
  truncate(program: string, sha256: string, bytes: number): Promise<void>
  /** Checks the hash and makes the partial whole, durably, or drops it: false. */
  finish(program: string, sha256: string): Promise<boolean>
  /** Drops partials that nothing was added to since `before` (milliseconds since 1970); returns how many. */
  dropPartials(before: number): Promise<number>
  /** Removes all of it; what is not there is as good. */
  remove(program: string, sha256: string): Promise<void>
  /** The bytes of a whole blob. */
  read(program: string, sha256: string): Promise<{ bytes: number; stream(): ReadableStream<Uint8Array> } | undefined>
}

/** Names become paths and keys: anything else than these never reaches a store. @throws JikoError `hub/bad-request`. */
export function checkBlobName(program: string, sha256: string): void {
  if (/^[a-z0-9][a-z0-9-]{0,63}$/.test(program) && /^[0-9a-f]{64}$/.test(sha256)) return
  throw new JikoError(
    'hub/bad-request',
    `not the name of an attachment: ${JSON.stringify(`${program}/${sha256}`.slice(0, 80))}`,
  )
}

export function checkOffset(offset: number, there: number): void {
  if (offset === there) return
  throw new JikoError('hub/wrong-offset', `the next piece begins at ${there}, not at ${offset}`, {
    detail: { offset: there },
  })
}
