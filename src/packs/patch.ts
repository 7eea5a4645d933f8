import { type Bytes, fromUtf8, utf8 } from '../lib/bytes.ts'
import { decompress } from '../lib/compress.ts'
import { deflate } from '../lib/deflate.ts'
import { applyDifference } from '../lib/difference.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { type Delta, parseDelta, type Update, updatesOf } from '../protocol/delta.ts'
import { JikoError } from '../protocol/error.ts'
import type { Chunk, Manifest } from '../protocol/manifest.ts'
import type { OnProgress } from '../protocol/worker.ts'
import { type DownloadDeps, download } from './download.ts'
import { besideManifest, type CheckedManifest } from './fetch-manifest.ts'
import { openStream, readWhole, statusError } from './link.ts'
import { type NoteStore, tableKey } from './notes.ts'
import { createOldFile } from './old-file.ts'
import { readable } from './status.ts'
import type { PackStore } from './store.ts'

export interface PatchDeps extends Omit<DownloadDeps, 'store'> {
  store: PackStore & NoteStore
}

/** Failures of the differences, not of the link or of this device: the chunks themselves can be had still. */
const USELESS = /^pack\/|^download\/(not-found|refused|changed|wrong-bytes|bad-range|encoded|too-large)$/

/**
 * Makes what it can of the wanted chunks out of the installed version and the differences that the new one offers.
 * Whatever a difference makes must have the hash that the signed manifest names; a chunk that cannot be made is left for
 * the download. May be aborted or killed at any moment and called again.
 * @throws JikoError `storage/...`, `download/...` when the link or the budget is at its end.
 */
export async function patch(
  { signed: { manifest }, text, digest }: CheckedManifest,
  wanted: readonly number[],
  urls: readonly string[],
  deps: PatchDeps,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: OnProgress } = {},
): Promise<void> {
  const { store } = deps
  const old = readable(await store.getManifest(manifest.name))
  const from = old && (await sha256Hex(utf8(old.line)))
  const update = updatesOf(text).find((each) => each.from === from)
  if (!old || !update) return
  const here = new Set(await store.listChunks())
  const missing = new Set(wanted.filter((index) => !here.has(manifest.blob.chunks[index]?.sha256 ?? '')))
  const lengthOf = (indexes: Iterable<number>): number =>
    [...indexes].reduce((sum, index) => sum + (manifest.blob.chunks[index]?.length ?? 0), 0)
  // The table alone would cost more than it can save.
  if (lengthOf(missing) <= update.length) return
  try {
    const delta = await tableOf(manifest.name, update, digest, urls, deps, signal)
    const pieces = delta.pieces.flatMap(({ chunk }, piece) => (missing.has(chunk) ? piece : []))
    if (pieces.length === 0) return
    const total = lengthOf(wanted)
    const apply = createApply(delta, manifest, old.manifest, store)
    const mirrors = urls.map((url) => besideManifest(url, delta.blob.path))
    // Pieces with the same difference come once and are applied together.
    const once = pieces.filter((piece, i) => pieces.findIndex((other) => sameBytes(delta, piece, other)) === i)
    const applying = {
      listChunks: async () => [],
      async putChunk(sha256: string, packed: Bytes) {
        for (const piece of pieces.filter((each) => delta.blob.chunks[each]?.sha256 === sha256)) {
          const chunk = await apply(piece, packed)
          if (chunk !== undefined) missing.delete(chunk)
        }
        onProgress?.({ phase: 'download', done: total - lengthOf(missing), total })
      },
    }
    const job = { chunks: delta.blob.chunks, wanted: once, mirrors }
    await download(job, { ...deps, store: applying }, signal ? { signal } : {})
  } catch (error) {
    if (!(error instanceof JikoError) || !USELESS.test(error.code)) throw error
  }
}

const sameBytes = ({ blob }: Delta, a: number, b: number): boolean => blob.chunks[a]?.sha256 === blob.chunks[b]?.sha256

/** The list of differences: kept until the update is complete, so that a kill does not cost it again. */
async function tableOf(
  name: string,
  { path, length, sha256, from }: Update,
  to: string,
  urls: readonly string[],
  deps: PatchDeps,
  signal: AbortSignal | undefined,
): Promise<Delta> {
  const { store } = deps
  let text = await store.getNote(tableKey(name))
  if (text === undefined || (await sha256Hex(utf8(text))) !== sha256) {
    text = await fetchTable(urls, path, length, deps, signal)
    if ((await sha256Hex(utf8(text))) !== sha256) {
      throw new JikoError(
        'pack/bad-delta',
        `The list of differences of ${name} is not the one that its manifest names.`,
      )
    }
    await store.putNote(tableKey(name), text)
  }
  const delta = parseDelta(text)
  if (delta.from === from && delta.to === to) return delta
  throw new JikoError('pack/bad-delta', `The differences of ${name} are those of other versions.`)
}

/** From the first mirror that has it. */
async function fetchTable(
  urls: readonly string[],
  path: string,
  length: number,
  link: PatchDeps,
  signal: AbortSignal | undefined,
): Promise<string> {
  let problem: unknown = new JikoError('download/not-found', 'There is no address to fetch the differences from.')
  for (const url of urls) {
    const address = besideManifest(url, path)
    try {
      const incoming = await openStream(address, { cache: 'no-store' }, link, signal)
      try {
        if (incoming.response.status !== 200) throw statusError(address, incoming.response)
        return fromUtf8(await readWhole(incoming, length))
      } finally {
        incoming.close()
      }
    } catch (error) {
      if (error instanceof TypeError)
        problem = new JikoError('pack/bad-delta', `${address} is not text.`, { cause: error })
      else if (!(error instanceof JikoError)) throw error
      else problem = error
    }
  }
  throw problem
}

/** Makes the chunk of a piece and stores it; answers its index, or undefined when it did not come out right. */
function createApply(
  { pieces, blob }: Delta,
  next: Manifest,
  old: Manifest,
  store: PackStore,
): (piece: number, packed: Bytes) => Promise<number | undefined> {
  const readOld = createOldFile(store, old)
  return async (piece, packed) => {
    const { chunk: index, path, offset } = pieces[piece] as Delta['pieces'][number]
    const chunk = next.blob.chunks[index] as Chunk
    const before = await readOld(path, offset, chunk.size)
    if (!before) return undefined
    let made: Bytes
    try {
      const difference = await decompress(packed, 'deflate-raw', blob.chunks[piece]?.size ?? 0)
      made = deflate(applyDifference(before, difference, chunk.size))
    } catch {
      return undefined
    }
    if ((await sha256Hex(made)) !== chunk.sha256) return undefined
    await store.putChunk(chunk.sha256, made)
    return index
  }
}
