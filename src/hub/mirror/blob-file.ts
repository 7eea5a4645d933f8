import { mkdir, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Bytes } from '../../lib/bytes.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import { offsetsOf } from '../../packs/layout.ts'
import type { Chunk } from '../../protocol/manifest.ts'

/** A blob that comes in chunk by chunk. What an earlier run has written is found again by its hashes. */
export interface BlobFile {
  listChunks(): Promise<string[]>
  putChunk(sha256: string, bytes: Bytes): Promise<void>
  /** To its place, once all of it is on the disk. */
  finish(): Promise<void>
  close(): Promise<void>
}

/** @param path where it will be; until then it has `.part` behind its name, which no path of a URL can have. */
export async function openBlobFile(path: string, chunks: readonly Chunk[]): Promise<BlobFile> {
  const part = `${path}.part~`
  await mkdir(dirname(path), { recursive: true })
  const file = await open(part, 'a').then(async (made) => {
    await made.close()
    return open(part, 'r+')
  })
  const offsets = offsetsOf(chunks)
  const here = new Set<string>()
  for (const [index, { length, sha256 }] of chunks.entries()) {
    const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, offsets[index])
    if (bytesRead === length && (await sha256Hex(buffer)) === sha256) here.add(sha256)
  }
  return {
    listChunks: async () => [...here],
    async putChunk(sha256, bytes) {
      for (const [index, chunk] of chunks.entries()) {
        if (chunk.sha256 === sha256) await file.write(bytes, 0, bytes.length, offsets[index])
      }
      here.add(sha256)
    },
    async finish() {
      await file.truncate(chunks.reduce((sum, { length }) => sum + length, 0))
      await file.sync()
      await rename(part, path)
    },
    close: () => file.close(),
  }
}
