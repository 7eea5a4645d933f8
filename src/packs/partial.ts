import { type Bytes, fromUtf8, utf8 } from '../lib/bytes.ts'
import type { Chunk } from '../protocol/manifest.ts'

/** The part of a file with synchronous access (OPFS, in a worker) that is used. */
export interface SyncFile {
  getSize(): number
  read(into: Uint8Array, options: { at: number }): number
  write(from: Uint8Array, options: { at: number }): number
  truncate(size: number): void
  close(): void
}

/** Keeps the bytes of the chunk that is just coming, so that a kill costs what was on the wire and no more. */
export interface PartialFile {
  /** What an earlier life left: the chunk's hash and its bytes so far, verified by nobody yet. */
  left(): { sha256: string; bytes: Bytes } | undefined
  /** `at` bytes of the chunk came before this piece. */
  add(sha256: string, at: number, piece: Uint8Array): void
  close(): void
}

const NAME_BYTES = 64

/**
 * One chunk at a time: its hash in hexadecimal, then its bytes. Not flushed: what the system took is there after a kill,
 * and a phone that loses power only loses a chunk. Undefined where there is no such file, or another tab has it open.
 */
export async function openPartialFile(open: () => Promise<SyncFile>): Promise<PartialFile | undefined> {
  const file = await open().catch(() => undefined)
  if (!file) return undefined
  let broken = false
  return {
    left() {
      const size = file.getSize()
      if (size <= NAME_BYTES) return undefined
      const all = new Uint8Array(size)
      file.read(all, { at: 0 })
      try {
        return { sha256: fromUtf8(all.subarray(0, NAME_BYTES)), bytes: all.slice(NAME_BYTES) }
      } catch {
        return undefined
      }
    },
    add(sha256, at, piece) {
      if (broken) return
      try {
        if (at === 0) {
          file.truncate(0)
          file.write(utf8(sha256), { at: 0 })
        }
        file.write(piece, { at: NAME_BYTES + at })
      } catch {
        // A full device: the chunk itself will say so, if there is no room for that either.
        broken = true
      }
    },
    close: () => file.close(),
  }
}

/** The chunk that the last connection died in: its bytes so far are kept for the next one. */
export interface Partial {
  index: number
  buffer: Bytes
  filled: number
}

/** What an earlier life had of a chunk that is still missing. */
export function restorePartial(
  left: ReturnType<PartialFile['left']>,
  chunks: readonly Chunk[],
  missing: ReadonlySet<number>,
): Partial | undefined {
  const index = chunks.findIndex(({ sha256 }, i) => sha256 === left?.sha256 && missing.has(i))
  const length = chunks[index]?.length ?? 0
  if (!left || left.bytes.length > length) return undefined
  const buffer = new Uint8Array(length)
  buffer.set(left.bytes)
  // It was killed while a whole one was being stored: its last byte is asked for again, and all goes its usual way.
  return { index, buffer, filled: Math.min(left.bytes.length, length - 1) }
}
