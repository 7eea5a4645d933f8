import { type Bytes, concat } from '../../lib/bytes.ts'
import { deflate } from '../../lib/deflate.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import type { Chunk, PackFile } from '../../protocol/manifest.ts'

/** Small enough that a killed download loses little, large enough that deflate finds its patterns. */
export const CHUNK_SIZE = 64 * 1024

export interface ChunkedFiles {
  readonly files: PackFile[]
  readonly chunks: Chunk[]
  /** All chunks as stored, in order. */
  readonly blob: Bytes
}

/**
 * Cuts files into pieces and deflates each on its own, so that one can be checked, fetched again and reused alone.
 * Equal pieces are stored once. Deflate runs in JavaScript: the same bytes on every machine.
 * @param files path to contents, in the order in which a phone needs them.
 */
export async function chunkFiles(files: ReadonlyMap<string, Bytes>): Promise<ChunkedFiles> {
  const entries: PackFile[] = []
  const chunks: Chunk[] = []
  const parts: Bytes[] = []
  const known = new Map<string, number>()
  for (const [path, contents] of files) {
    const indexes: number[] = []
    for (let at = 0; at < contents.length; at += CHUNK_SIZE) {
      const plain = contents.subarray(at, at + CHUNK_SIZE)
      const packed = deflate(plain)
      const sha256 = await sha256Hex(packed)
      const index = known.get(sha256) ?? chunks.length
      if (index === chunks.length) {
        known.set(sha256, index)
        chunks.push({ length: packed.length, size: plain.length, sha256 })
        parts.push(packed)
      }
      indexes.push(index)
    }
    entries.push({ path, size: contents.length, chunks: indexes })
  }
  return { files: entries, chunks, blob: concat(...parts) }
}
