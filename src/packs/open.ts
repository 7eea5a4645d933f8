import { type Bytes, concat, utf8 } from '../lib/bytes.ts'
import { decompress } from '../lib/compress.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import { type Chunk, parseSignedManifest, type SignedManifest } from '../protocol/manifest.ts'
import { checkManifest, type TrustedKeys } from './fetch-manifest.ts'
import type { PackStore } from './store.ts'

export interface OpenedPack {
  signed: SignedManifest
  digest: string
  /**
   * A whole file, decompressed. Every chunk is hashed again: flash memory forgets and browsers evict.
   * @throws JikoError `pack/damaged` naming the chunks to fetch again, `pack/no-file`, `pack/bad-chunk`.
   */
  readFile(path: string): Promise<Bytes>
}

type Chunks = Pick<PackStore, 'getChunk' | 'deleteChunk'>

/** Chunks that are read side by side, each of them twice in memory for a moment: stored and inflated. */
const AT_ONCE = 16
const EMPTY: Bytes = new Uint8Array()

/** @throws JikoError `pack/absent` when it is not installed; with `trusted` also what `checkManifest` throws. */
export async function openPack(store: PackStore, name: string, trusted?: TrustedKeys): Promise<OpenedPack> {
  const text = await store.getManifest(name)
  if (text === undefined) {
    throw new JikoError('pack/absent', `The pack ${name} is not installed: install it first.`, { detail: { name } })
  }
  if (trusted) {
    const { signed, digest } = await checkManifest(text, trusted)
    return readerOf(store, signed, digest)
  }
  const signed = parseSignedManifest(text)
  return readerOf(store, signed, await sha256Hex(utf8(signed.line)))
}

/** Reads the files of a manifest, installed or not, from the chunks that are here. */
export function readerOf(store: Chunks, signed: SignedManifest, digest: string): OpenedPack {
  const { manifest } = signed
  return {
    signed,
    digest,
    async readFile(path) {
      const file = manifest.files.find((each) => each.path === path)
      if (!file) {
        throw new JikoError('pack/no-file', `${manifest.name} ${manifest.version} has no file ${path}.`, {
          detail: { name: manifest.name, path },
        })
      }
      const damaged: number[] = []
      const read = async (index: number): Promise<Bytes> => {
        const chunk = manifest.blob.chunks[index] as Chunk
        const stored = await readChunk(store, chunk)
        // Looks at the rest all the same: one repair should fetch everything that is wrong.
        if (!stored) damaged.push(index)
        return stored && damaged.length === 0 ? inflateChunk(stored, chunk, index, manifest.name) : EMPTY
      }
      const parts: Bytes[] = []
      // Several at once: each waits longer for the browser's storage than it computes.
      for (let at = 0; at < file.chunks.length; at += AT_ONCE)
        parts.push(...(await Promise.all(file.chunks.slice(at, at + AT_ONCE).map(read))))
      if (damaged.length > 0)
        throw damagedChunks(
          manifest.name,
          path,
          damaged.sort((a, b) => a - b),
        )
      return concat(...parts)
    },
  }
}

/** Indexes of chunks that are missing or wrong; wrong ones are deleted, so that a repair fetches them. */
export async function findDamage(
  store: Chunks,
  chunks: readonly Chunk[],
  wanted: readonly number[],
): Promise<number[]> {
  const damaged: number[] = []
  for (const index of wanted) {
    const chunk = chunks[index]
    if (chunk && !(await readChunk(store, chunk))) damaged.push(index)
  }
  return damaged
}

/** A chunk with the right hash. One with another is deleted, so that a repair fetches it. */
export async function readChunk(store: Chunks, chunk: Chunk): Promise<Bytes | undefined> {
  const stored = await store.getChunk(chunk.sha256)
  if (!stored) return undefined
  if (stored.length === chunk.length && (await sha256Hex(stored)) === chunk.sha256) return stored
  await store.deleteChunk(chunk.sha256)
  return undefined
}

/** @throws JikoError `pack/bad-chunk` */
export async function inflateChunk(stored: Bytes, { size }: Chunk, index: number, name: string): Promise<Bytes> {
  try {
    const plain = await decompress(stored, 'deflate-raw', size)
    if (plain.length !== size) throw new RangeError(`${plain.length} bytes instead of ${size}`)
    return plain
  } catch (cause) {
    throw new JikoError('pack/bad-chunk', `Chunk ${index} of ${name} was packed wrongly (${String(cause)}).`, {
      cause,
      detail: { name, chunk: index },
    })
  }
}

export function damagedChunks(name: string, path: string, damaged: readonly number[]): JikoError {
  return new JikoError(
    'pack/damaged',
    `${damaged.length} pieces of ${path} in ${name} are missing or damaged on this device: fetch them again.`,
    { detail: { name, path, count: damaged.length, chunks: damaged.join(',') } },
  )
}
