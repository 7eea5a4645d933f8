import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import { CHUNK_CACHE } from '../protocol/service-worker.ts'
import type { NoteStore } from './notes.ts'
import type { PackStore } from './store.ts'

/** Same-origin addresses that no server answers: dot folders cannot collide with a pack's name. */
const CHUNKS = '/packs/.chunks/'
const MANIFESTS = '/packs/.manifests/'
const PENDING = '/packs/.pending/'
const NOTES = '/packs/.notes/'

export interface CacheStoreDeps {
  caches: CacheStorage
  /** `navigator.storage.estimate`: figures for the message when the device is full. */
  estimate?: () => Promise<{ usage?: number; quota?: number }>
}

/**
 * The pack store of browsers. Every chunk is a complete response of its own: Cache Storage refuses a 206 and ignores
 * `Range`, and one large entry could neither be resumed nor repaired.
 * @throws JikoError `storage/quota` when full, `storage/failed` for anything else; both say what to do.
 */
export function createCacheStore({ caches, estimate }: CacheStoreDeps): PackStore & NoteStore {
  // Opened anew each time: a handle kept over "clear site data" writes into a cache that nobody can see any more. What is
  // read is found by the cache's name: one question to the browser where a handle takes two.
  const open = (): Promise<Cache> => caches.open(CHUNK_CACHE)

  async function get(path: string): Promise<Response | undefined> {
    return attempt('read', () => caches.match(path, { cacheName: CHUNK_CACHE }))
  }

  async function put(path: string, body: Bytes | string, type: string): Promise<void> {
    const size = body.length
    try {
      await (await open()).put(path, new Response(body, { headers: { 'content-type': type } }))
    } catch (cause) {
      if (!isQuota(cause)) throw failed('write', cause)
      const { usage, quota } = await room()
      throw new JikoError(
        'storage/quota',
        `No room for ${size} bytes more: free space on the device or remove a pack.`,
        {
          cause,
          detail: { bytes: size, ...(usage !== undefined && { usage }), ...(quota !== undefined && { quota }) },
        },
      )
    }
  }

  async function room(): Promise<{ usage?: number; quota?: number }> {
    try {
      return (await estimate?.()) ?? {}
    } catch {
      return {}
    }
  }

  const remove = (path: string): Promise<void> =>
    attempt('delete', async () => {
      await (await open()).delete(path)
    })

  const list = (prefix: string): Promise<string[]> =>
    attempt('list', async () => {
      const paths = (await (await open()).keys()).map(({ url }) => new URL(url).pathname)
      return paths
        .filter((path) => path.startsWith(prefix))
        .map((path) => decodeURIComponent(path.slice(prefix.length)))
    })

  const text = async (path: string): Promise<string | undefined> => {
    const response = await get(path)
    return response && attempt('read', () => response.text())
  }

  return {
    async getChunk(sha256) {
      const response = await get(CHUNKS + sha256)
      return response && attempt('read', async () => new Uint8Array(await response.arrayBuffer()))
    },
    putChunk: (sha256, bytes) => put(CHUNKS + sha256, bytes, 'application/octet-stream'),
    hasChunk: async (sha256) => (await get(CHUNKS + sha256)) !== undefined,
    deleteChunk: (sha256) => remove(CHUNKS + sha256),
    listChunks: () => list(CHUNKS),
    getManifest: (name) => text(MANIFESTS + name),
    putManifest: (name, manifest) => put(MANIFESTS + name, manifest, 'application/x-ndjson'),
    deleteManifest: (name) => remove(MANIFESTS + name),
    listManifests: () => list(MANIFESTS),
    async getPending(name) {
      const found = await text(PENDING + name)
      if (found === undefined) return undefined
      // First line the address, the rest the manifest file as it came: nothing here needs a parser that can fail.
      const end = found.indexOf('\n')
      return { url: found.slice(0, end), text: found.slice(end + 1) }
    },
    putPending: (name, pending) => put(PENDING + name, `${pending.url}\n${pending.text}`, 'text/plain'),
    deletePending: (name) => remove(PENDING + name),
    listPending: () => list(PENDING),
    getNote: (key) => text(NOTES + encodeURIComponent(key)),
    putNote: (key, note) => put(NOTES + encodeURIComponent(key), note, 'text/plain'),
    deleteNote: (key) => remove(NOTES + encodeURIComponent(key)),
  }
}

/** The browser's error for a full device; its class differs between browsers and years, its name does not. */
const isQuota = (error: unknown): boolean => error instanceof Error && error.name === 'QuotaExceededError'

const failed = (verb: string, cause: unknown): JikoError =>
  new JikoError(
    'storage/failed',
    `The browser could not ${verb} the pack store (${cause instanceof Error ? cause.message : String(cause)}): reload, or restart the browser.`,
    { cause },
  )

async function attempt<T>(verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    throw failed(verb, cause)
  }
}
