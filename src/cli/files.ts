import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'

/** No such file, or a file where a folder of it should be. */
const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

/** Undefined when there is no such file. @throws JikoError `cli/cannot-read` */
export async function readBytesIfThere(path: string): Promise<Bytes | undefined> {
  try {
    // A copy: Node's Buffer may be a part of a pool that codecs and hashes must not see.
    return new Uint8Array(await readFile(path))
  } catch (cause) {
    if (isMissing(cause)) return undefined
    throw new JikoError('cli/cannot-read', `Cannot read ${path}: ${(cause as Error).message}`, { cause })
  }
}

/** @throws JikoError `cli/no-file`, `cli/cannot-read` */
export async function readBytes(path: string): Promise<Bytes> {
  const bytes = await readBytesIfThere(path)
  if (bytes) return bytes
  throw new JikoError('cli/no-file', `There is no file ${path}.`)
}

/** Undefined when there is no such file. */
export async function readTextFile(path: string): Promise<string | undefined> {
  const bytes = await readBytesIfThere(path)
  return bytes && new TextDecoder().decode(bytes)
}

/**
 * A file is there whole or not at all: written beside its place, synced, then renamed.
 * @throws JikoError `cli/cannot-write`
 */
export async function writeAtomic(path: string, bytes: Bytes): Promise<void> {
  const temporary = `${path}.${process.pid}.part`
  try {
    await mkdir(dirname(path), { recursive: true })
    const file = await open(temporary, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    // What went wrong first is what counts.
    await rm(temporary, { force: true }).catch(() => undefined)
    throw new JikoError('cli/cannot-write', `Cannot write ${path}: ${(cause as Error).message}`, { cause })
  }
}
