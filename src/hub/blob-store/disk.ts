import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type BlobStore, checkBlobName, checkOffset } from './blob-store.ts'

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return []
    throw error
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Attachments as files: `<program>/<first two digits>/<sha256>`, and `<program>/partial/<sha256>` while they arrive.
 * A file under its own name is always whole: it is renamed there after its hash was checked and its bytes were synced.
 */
export function createDiskBlobs(root: string): BlobStore {
  function paths(program: string, sha256: string): { whole: string; partial: string } {
    checkBlobName(program, sha256)
    return {
      whole: join(root, program, sha256.slice(0, 2), sha256),
      partial: join(root, program, 'partial', sha256),
    }
  }

  return {
    async status(program, sha256) {
      const { whole, partial } = paths(program, sha256)
      const bytes = await sizeOf(whole)
      return bytes === undefined ? { bytes: (await sizeOf(partial)) ?? 0, whole: false } : { bytes, whole: true }
    },
    async append(program, sha256, offset, piece) {
      const { partial } = paths(program, sha256)
      await mkdir(dirname(partial), { recursive: true })
      const handle = await open(partial, 'a')
      try {
        checkOffset(offset, (await handle.stat()).size)
        await handle.appendFile(piece)
      } finally {
        await handle.close()
      }
    },
    flush: async () => undefined,
    async truncate(program, sha256, bytes) {
      const { partial } = paths(program, sha256)
      if (bytes === 0) await rm(partial, { force: true })
      else if (((await sizeOf(partial)) ?? 0) > bytes) await truncate(partial, bytes)
    },
    async finish(program, sha256) {
      const { whole, partial } = paths(program, sha256)
      if ((await sizeOf(whole)) !== undefined) return true
      await mkdir(dirname(partial), { recursive: true })
      // An attachment of no bytes has had no piece that made its file.
      await (await open(partial, 'a')).close()
      const hash = createHash('sha256')
      await pipeline(createReadStream(partial), hash)
      if (hash.digest('hex') !== sha256) {
        await rm(partial, { force: true })
        return false
      }
      await sync(partial)
      await mkdir(dirname(whole), { recursive: true })
      await rename(partial, whole)
      await sync(dirname(whole))
      return true
    },
    async dropPartials(before) {
      let dropped = 0
      for (const program of await namesIn(root)) {
        const folder = join(root, program, 'partial')
        for (const name of await namesIn(folder)) {
          const path = join(folder, name)
          if ((await stat(path)).mtimeMs >= before) continue
          await rm(path, { force: true })
          dropped += 1
        }
      }
      return dropped
    },
    async remove(program, sha256) {
      const { whole, partial } = paths(program, sha256)
      await rm(partial, { force: true })
      await rm(whole, { force: true })
    },
    async read(program, sha256) {
      const { whole } = paths(program, sha256)
      const bytes = await sizeOf(whole)
      if (bytes === undefined) return undefined
      return { bytes, stream: () => Readable.toWeb(createReadStream(whole)) as ReadableStream<Uint8Array> }
    },
  }
}
