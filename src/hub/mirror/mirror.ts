import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Bytes, fromUtf8, utf8 } from '../../lib/bytes.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import { type DownloadDeps, download } from '../../packs/download.ts'
import { besideManifest, type CheckedManifest, checkManifest, compareVersions } from '../../packs/fetch-manifest.ts'
import { openStream, readWhole, statusError } from '../../packs/link.ts'
import { parseDelta, type Update, updatesOf, withUpdates } from '../../protocol/delta.ts'
import { JikoError } from '../../protocol/error.ts'
import { type Chunk, MAX_MANIFEST_BYTES, parseSignedManifest } from '../../protocol/manifest.ts'
import { type PackIndex, parsePackIndex } from '../../protocol/pack-index.ts'
import { openBlobFile } from './blob-file.ts'

type Entry = PackIndex['packs'][number]

export interface MirrorOptions {
  /** Address of the hub above. */
  upstream: string
  /** Where the copies are kept, laid out as `docs/hosting.md` says. */
  folder: string
  fetch: DownloadDeps['fetch']
  sleep?: DownloadDeps['sleep']
}

/** What one look at the hub above brought. */
export interface Mirrored {
  /** Names and versions that were fetched. */
  fetched: string[]
  /** What could not be had, and why; the next look tries again. */
  failed: { name: string; error: JikoError }[]
}

const MANIFEST = 'manifest.ndjson'
const INDEX = 'index.json'
const MAX_INDEX_BYTES = 1 << 20
/** Names that a file of a pack may have here: nothing that leads out of its folder. */
const OURS = /^[A-Za-z0-9][\w.-]*$/

/**
 * Copies the packs of the hub above, so that phones of a village fetch them over the village's own network. Only chunks
 * that are not here come over the link, and a run that was cut off goes on where it was. A copy is exact: phones verify it
 * as if it came from above, and this hub believes nothing that is not signed by the key that it names.
 */
export function createMirror({ upstream, folder, fetch, sleep }: MirrorOptions) {
  const index = new URL('packs/index.json', upstream.endsWith('/') ? upstream : `${upstream}/`).href
  const link: Omit<DownloadDeps, 'store'> = { fetch, ...(sleep && { sleep }) }

  async function get(url: string, limit: number, signal: AbortSignal | undefined): Promise<Bytes> {
    const incoming = await openStream(url, { cache: 'no-store' }, link, signal)
    try {
      if (incoming.response.status !== 200) throw statusError(url, incoming.response)
      return await readWhole(incoming, limit)
    } finally {
      incoming.close()
    }
  }

  async function getText(url: string, limit: number, signal: AbortSignal | undefined): Promise<string> {
    const bytes = await get(url, limit, signal)
    try {
      return fromUtf8(bytes)
    } catch (cause) {
      throw new JikoError('pack/bad-manifest', `${url} is not UTF-8 text.`, { cause })
    }
  }

  /** A file of chunks; those that an older file has are copied from there. */
  async function copyBlob(
    url: string,
    path: string,
    chunks: readonly Chunk[],
    old: ReadonlyMap<string, Bytes>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const file = await openBlobFile(path, chunks)
    try {
      const here = new Set(await file.listChunks())
      for (const { sha256 } of chunks) {
        const known = here.has(sha256) ? undefined : old.get(sha256)
        if (known) await file.putChunk(sha256, known)
      }
      const wanted = chunks.map((_, i) => i)
      await download({ chunks, wanted, mirrors: [url] }, { ...link, store: file }, signal ? { signal } : {})
      await file.finish()
    } finally {
      await file.close()
    }
  }

  /** Chunks of the version that is here, by hash. */
  async function chunksHere(name: string): Promise<Map<string, Bytes>> {
    const found = new Map<string, Bytes>()
    const text = await textIfThere(join(folder, name, MANIFEST))
    if (text === undefined) return found
    const { blob } = parseSignedManifest(text).manifest
    const bytes = await bytesIfThere(join(folder, name, blob.path))
    let at = 0
    for (const { length, sha256 } of blob.chunks) {
      const chunk = bytes?.slice(at, at + length)
      if (chunk && (await sha256Hex(chunk)) === sha256) found.set(sha256, chunk)
      at += length
    }
    return found
  }

  /** The differences that lead to this version; one that cannot be had is left out, which costs phones bytes and no more. */
  async function copyUpdates(
    url: string,
    { text, digest, signed }: CheckedManifest,
    signal: AbortSignal | undefined,
  ): Promise<{ updates: Update[]; files: string[] }> {
    const updates: Update[] = []
    const files: string[] = []
    const { name } = signed.manifest
    for (const update of updatesOf(text)) {
      try {
        const table = await get(besideManifest(url, update.path), update.length, signal)
        const delta = parseDelta(fromUtf8(table))
        const fits = (await sha256Hex(table)) === update.sha256 && delta.to === digest
        if (!fits || !OURS.test(update.path) || !OURS.test(delta.blob.path)) continue
        const target = join(folder, name, delta.blob.path)
        await copyBlob(besideManifest(url, delta.blob.path), target, delta.blob.chunks, new Map(), signal)
        await putFile(join(folder, name, update.path), table)
        updates.push(update)
        files.push(update.path, delta.blob.path)
      } catch (error) {
        if (signal?.aborted || !(error instanceof JikoError || error instanceof TypeError)) throw error
      }
    }
    return { updates, files }
  }

  async function copyPack(entry: Entry, signal: AbortSignal | undefined): Promise<void> {
    const url = new URL(entry.url, index).href
    const text = await getText(url, MAX_MANIFEST_BYTES, signal)
    const { signature } = parseSignedManifest(text)
    const checked = await checkManifest(text, [signature.key])
    const { manifest } = checked.signed
    const { name, blob } = manifest
    if (name !== entry.name || checked.digest !== entry.digest || !OURS.test(blob.path)) {
      throw new JikoError('pack/bad-manifest', `${url} is not the pack ${entry.name} that the list there names.`)
    }
    await copyBlob(
      besideManifest(url, blob.path),
      join(folder, name, blob.path),
      blob.chunks,
      await chunksHere(name),
      signal,
    )
    const { updates, files } = await copyUpdates(url, checked, signal)
    const lines = text.split('\n').slice(0, 2).join('\n')
    await putFile(join(folder, name, MANIFEST), utf8(withUpdates(`${lines}\n`, updates)))
    await list({ ...entry, url: `${name}/${MANIFEST}` })
    const named = new Set([MANIFEST, blob.path, ...files])
    for (const file of await readdir(join(folder, name))) {
      if (!named.has(file)) await rm(join(folder, name, file), { recursive: true, force: true })
    }
  }

  const listed = async (): Promise<readonly Entry[]> => {
    const text = await textIfThere(join(folder, INDEX))
    return text === undefined ? [] : parsePackIndex(text).packs
  }

  /** Last of all: before it nobody asks for the files. */
  async function list(entry: Entry): Promise<void> {
    const others = (await listed()).filter(({ name }) => name !== entry.name)
    const packs = [...others, entry].sort((a, b) => (a.name < b.name ? -1 : 1))
    await putFile(join(folder, INDEX), utf8(`${JSON.stringify({ packs } satisfies PackIndex)}\n`))
  }

  return {
    /**
     * Looks once at the hub above and fetches what is new. One pack that fails stops no other.
     * @throws JikoError `download/...`, `pack/bad-index` when there is no list; the signal's reason.
     */
    async run({ signal }: { signal?: AbortSignal } = {}): Promise<Mirrored> {
      const { packs } = parsePackIndex(await getText(index, MAX_INDEX_BYTES, signal))
      const mine = await listed()
      const result: Mirrored = { fetched: [], failed: [] }
      for (const entry of packs) {
        const known = mine.find(({ name }) => name === entry.name)
        if (known?.digest === entry.digest || (known && compareVersions(entry.version, known.version) < 0)) continue
        try {
          await copyPack(entry, signal)
          result.fetched.push(`${entry.name} ${entry.version}`)
        } catch (error) {
          if (signal?.aborted || !(error instanceof JikoError)) throw error
          result.failed.push({ name: entry.name, error })
        }
      }
      return result
    },
  }
}
export type Mirror = ReturnType<typeof createMirror>

async function bytesIfThere(path: string): Promise<Bytes | undefined> {
  try {
    return new Uint8Array(await readFile(path))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const textIfThere = async (path: string): Promise<string | undefined> => {
  const bytes = await bytesIfThere(path)
  return bytes && fromUtf8(bytes)
}

/** Whole or not at all, and on the disk before it has its name. */
async function putFile(path: string, bytes: Bytes): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(`${path}.part~`, 'w')
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(`${path}.part~`, path)
}
