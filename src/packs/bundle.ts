import { type Bytes, fromUtf8, utf8 } from '../lib/bytes.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import { type Chunk, MAX_MANIFEST_BYTES, type Manifest, parseSignedManifest } from '../protocol/manifest.ts'
import type { HandedOver } from './install.ts'
import { damagedChunks, readChunk } from './open.ts'
import type { PackStore } from './store.ts'

/**
 * A pack as one file, `.jikopack`, to hand from phone to phone:
 *
 *     jiko-bundle/1\n
 *     {"manifest":<bytes of the manifest file>,"chunks":[<index>, ...]}\n
 *     <the manifest file: manifest.ndjson, exact>
 *     <the bytes of those chunks as in the blob, in that order>
 *
 * Nothing in it is believed by itself: the manifest is signed, and it names the hash of every chunk.
 */
const MAGIC = 'jiko-bundle/1'
export const BUNDLE_TYPE = 'application/x-jikopack'
export const BUNDLE_EXTENSION = '.jikopack'
/** Room for the line that lists 65,536 chunks. */
const MAX_HEAD_BYTES = 512 << 10

/** What comes before the chunks. */
export function bundleHead(manifestText: string, chunks: readonly number[]): Bytes {
  const manifest = utf8(manifestText)
  return utf8(`${MAGIC}\n${JSON.stringify({ manifest: manifest.length, chunks })}\n${manifestText}`)
}

/** An installed pack as a stream, with all of it that is here. */
export interface Export {
  /** For the file: name and version. */
  fileName: string
  /** Bytes that the stream will have. */
  size: number
  stream: ReadableStream<Uint8Array>
}

/**
 * @throws JikoError `pack/absent`; the stream fails with `pack/damaged` when a chunk is not what it should be, rather
 * than pass damage on.
 */
export async function exportBundle(store: PackStore, name: string): Promise<Export> {
  const text = await store.getManifest(name)
  if (text === undefined) {
    throw new JikoError('pack/absent', `The pack ${name} is not installed: there is nothing to share.`, {
      detail: { name },
    })
  }
  const { manifest } = parseSignedManifest(text)
  const here = new Set(await store.listChunks())
  const held = manifest.blob.chunks.flatMap(({ sha256 }, index) => (here.has(sha256) ? index : []))
  const head = bundleHead(text, held)
  return {
    fileName: `${manifest.name}-${manifest.version}${BUNDLE_EXTENSION}`,
    size: head.length + lengthOf(manifest, held),
    stream: streamOf(pieces(store, manifest, head, held)),
  }
}

/** The same as a Blob, as the share sheet wants it. Browsers keep large blobs on disk. */
export async function exportBlob(store: PackStore, name: string): Promise<File> {
  const { fileName, stream } = await exportBundle(store, name)
  const parts: Blob[] = []
  const reader = stream.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    // A Blob a chunk, so that no more than one chunk is in script memory.
    parts.push(new Blob([value as Bytes]))
  }
  return new File(parts, fileName, { type: BUNDLE_TYPE })
}

/** As `ReadableStream.from`, which older phones lack. Nothing is read before somebody asks for it. */
function streamOf(source: AsyncGenerator<Bytes>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await source.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => void (await source.return(undefined)),
    },
    { highWaterMark: 0 },
  )
}

async function* pieces(
  store: PackStore,
  manifest: Manifest,
  head: Bytes,
  held: readonly number[],
): AsyncGenerator<Bytes> {
  yield head
  for (const index of held) {
    const bytes = await readChunk(store, manifest.blob.chunks[index] as Chunk)
    if (!bytes) throw damagedChunks(manifest.name, BUNDLE_EXTENSION, [index])
    yield bytes
  }
}

/**
 * Opens a bundle file for an installer's `installFrom`. Its manifest is not verified yet; `obtain` copies what is missing
 * from the file, verifying each chunk, and can be killed and called again.
 * @throws JikoError `pack/bad-bundle` when the file is none, or is cut off in its head; `pack/bad-manifest`.
 */
export async function openBundle(file: Blob, store: Pick<PackStore, 'listChunks' | 'putChunk'>): Promise<HandedOver> {
  const start = new Uint8Array(await file.slice(0, MAX_HEAD_BYTES).arrayBuffer())
  const first = start.indexOf(10)
  const second = start.indexOf(10, first + 1)
  if (first < 0 || second < 0 || fromAscii(start.subarray(0, first)) !== MAGIC) {
    throw new JikoError(
      'pack/bad-bundle',
      `This file is not a ${BUNDLE_EXTENSION} file: choose one that Jiko exported.`,
    )
  }
  const { manifest: manifestBytes, chunks: held } = parseHead(fromAscii(start.subarray(first + 1, second)))
  const textEnd = second + 1 + manifestBytes
  const text = await readText(file, second + 1, textEnd)
  const { manifest } = parseSignedManifest(text)
  const places = placesOf(manifest, held, textEnd)
  return {
    text,
    held: new Set([...places.keys()].map((index) => manifest.blob.chunks[index]?.sha256 ?? '')),
    async obtain(checked, wanted, { signal, onProgress }) {
      const { chunks } = checked.signed.manifest.blob
      const lacking = wanted.filter((index) => !places.has(index))
      const here = new Set(await store.listChunks())
      const absent = lacking.filter((index) => !here.has(chunks[index]?.sha256 ?? ''))
      if (absent.length > 0) {
        throw new JikoError(
          'pack/incomplete-bundle',
          `This file lacks ${absent.length} pieces that this device needs.`,
          {
            detail: { name: manifest.name, count: absent.length },
          },
        )
      }
      const total = lengthOf(manifest, [...places.keys()])
      let done = 0
      for (const [index, at] of places) {
        signal?.throwIfAborted()
        const { length, sha256 } = chunks[index] as Chunk
        if (!here.has(sha256)) {
          const bytes = new Uint8Array(await file.slice(at, at + length).arrayBuffer())
          if (bytes.length !== length || (await sha256Hex(bytes)) !== sha256) {
            throw new JikoError('pack/corrupt', `The file is damaged or cut off at byte ${at}: copy it again.`, {
              detail: { chunk: index, at },
            })
          }
          await store.putChunk(sha256, bytes)
        }
        done += length
        onProgress?.({ phase: 'download', done, total })
      }
    },
  }
}

/** Where in the file each chunk begins. */
function placesOf(manifest: Manifest, held: readonly number[], start: number): Map<number, number> {
  const places = new Map<number, number>()
  let at = start
  for (const index of held) {
    const chunk = manifest.blob.chunks[index]
    if (!chunk || places.has(index)) throw badHead(`chunk ${index}`)
    places.set(index, at)
    at += chunk.length
  }
  return places
}

function parseHead(line: string): { manifest: number; chunks: number[] } {
  try {
    const { manifest, chunks } = JSON.parse(line) as Record<string, unknown>
    const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
    if (isCount(manifest) && manifest <= MAX_MANIFEST_BYTES && Array.isArray(chunks) && chunks.every(isCount)) {
      return { manifest, chunks }
    }
  } catch (cause) {
    throw badHead('not JSON', cause)
  }
  throw badHead('a field is wrong')
}

async function readText(file: Blob, start: number, end: number): Promise<string> {
  try {
    return fromUtf8(new Uint8Array(await file.slice(start, end).arrayBuffer()))
  } catch (cause) {
    throw badHead('the manifest is not text', cause)
  }
}

const badHead = (what: string, cause?: unknown): JikoError =>
  new JikoError('pack/bad-bundle', `The head of this ${BUNDLE_EXTENSION} file is damaged (${what}): copy it again.`, {
    cause,
  })

const lengthOf = ({ blob }: Manifest, indexes: readonly number[]): number =>
  indexes.reduce((sum, index) => sum + (blob.chunks[index]?.length ?? 0), 0)

const fromAscii = (bytes: Uint8Array): string => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
