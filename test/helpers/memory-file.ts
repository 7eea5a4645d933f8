import type { SyncFile } from '../../src/packs/partial.ts'

/** A file with synchronous access that outlives whoever opened it; only one at a time may. */
export function createMemoryFile() {
  let bytes = new Uint8Array(0)
  let busy = false
  return {
    get bytes() {
      return bytes
    },
    /** What the disk forgot. */
    damage(at: number): void {
      if (at < bytes.length) bytes[at] = (bytes[at] ?? 0) ^ 1
    },
    /** A kill lets go of it as well. */
    release(): void {
      busy = false
    },
    async open(): Promise<SyncFile> {
      if (busy) throw new DOMException('another tab has it', 'NoModificationAllowedError')
      busy = true
      return {
        getSize: () => bytes.length,
        read(into, { at }) {
          const part = bytes.subarray(at, at + into.length)
          into.set(part)
          return part.length
        },
        write(from, { at }) {
          const grown = new Uint8Array(Math.max(bytes.length, at + from.length))
          grown.set(bytes)
          grown.set(from, at)
          bytes = grown
          return from.length
        },
        truncate(size) {
          bytes = bytes.slice(0, size)
        },
        close() {
          busy = false
        },
      }
    },
  }
}
