import type { Bytes } from '../lib/bytes.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { inflateChunk, readChunk } from './open.ts'
import type { PackStore } from './store.ts'

/** Reads bytes of a pack's file from an offset on; what lies before or after the file counts as 0. */
export type ReadAt = (path: string, offset: number, size: number) => Promise<Bytes | undefined>

/**
 * Reads parts of the files of a pack that is here, with no more than two chunks of it in memory. Undefined when a chunk
 * that is needed is missing or damaged, or the pack has no such file.
 */
export function createOldFile(store: Pick<PackStore, 'getChunk' | 'deleteChunk'>, manifest: Manifest): ReadAt {
  let recent: { index: number; plain: Bytes }[] = []

  async function plainChunk(index: number): Promise<Bytes | undefined> {
    const known = recent.find((one) => one.index === index)
    if (known) return known.plain
    const chunk = manifest.blob.chunks[index]
    const stored = chunk && (await readChunk(store, chunk))
    if (!stored) return undefined
    const plain = await inflateChunk(stored, chunk, index, manifest.name)
    recent = [...recent.slice(-1), { index, plain }]
    return plain
  }

  return async (path, offset, size) => {
    const file = manifest.files.find((each) => each.path === path)
    if (!file) return undefined
    const out = new Uint8Array(size)
    let at = 0
    for (const index of file.chunks) {
      const length = manifest.blob.chunks[index]?.size ?? 0
      const [from, to] = [Math.max(at, offset), Math.min(at + length, offset + size)]
      if (from < to) {
        const plain = await plainChunk(index)
        if (!plain) return undefined
        out.set(plain.subarray(from - at, to - at), from - offset)
      }
      at += length
    }
    return out
  }
}
