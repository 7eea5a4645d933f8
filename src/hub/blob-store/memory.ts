import { type Bytes, concat } from '../../lib/bytes.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import { type BlobStore, checkBlobName, checkOffset } from './blob-store.ts'

/** All that it keeps: plain data, so that `structuredClone` of it is a backup. */
export interface MemoryBlobs {
  whole: Map<string, Bytes>
  partial: Map<string, Bytes>
  /** When something was last added, ms since 1970. */
  touched: Map<string, number>
}

export const noBlobs = (): MemoryBlobs => ({ whole: new Map(), partial: new Map(), touched: new Map() })

/** For tests and the simulator. */
export function createMemoryBlobs(
  now: () => number = Date.now,
  { whole, partial, touched }: MemoryBlobs = noBlobs(),
): BlobStore {
  function name(program: string, sha256: string): string {
    checkBlobName(program, sha256)
    return `${program}/${sha256}`
  }
  const sizeOf = (key: string): number => (whole.get(key) ?? partial.get(key))?.length ?? 0

  return {
    async status(program, sha256) {
      const key = name(program, sha256)
      return { bytes: sizeOf(key), whole: whole.has(key) }
    },
    async append(program, sha256, offset, piece) {
      const key = name(program, sha256)
      checkOffset(offset, sizeOf(key))
      partial.set(key, concat(partial.get(key) ?? new Uint8Array(0), piece))
      touched.set(key, now())
    },
    flush: async () => undefined,
    async truncate(program, sha256, bytes) {
      const key = name(program, sha256)
      const there = partial.get(key)
      if (bytes === 0) partial.delete(key)
      else if (there) partial.set(key, there.slice(0, bytes))
    },
    async finish(program, sha256) {
      const key = name(program, sha256)
      if (whole.has(key)) return true
      const bytes = partial.get(key) ?? new Uint8Array(0)
      partial.delete(key)
      if ((await sha256Hex(bytes)) !== sha256) return false
      whole.set(key, bytes)
      return true
    },
    async dropPartials(before) {
      const stale = [...partial.keys()].filter((key) => (touched.get(key) ?? 0) < before)
      for (const key of stale) partial.delete(key)
      return stale.length
    },
    async remove(program, sha256) {
      whole.delete(name(program, sha256))
      partial.delete(name(program, sha256))
    },
    async read(program, sha256) {
      const bytes = whole.get(name(program, sha256))
      return bytes && { bytes: bytes.length, stream: () => new Blob([bytes]).stream() }
    },
  }
}
