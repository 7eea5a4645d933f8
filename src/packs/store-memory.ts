import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { NoteStore } from './notes.ts'
import type { PackStore } from './store.ts'

export interface MemoryStoreOptions {
  /** Bytes of chunks that fit; without it as many as memory holds. */
  quota?: number
}

/** The pack store of Node and of tests; forgets everything with the process. */
export function createMemoryStore({
  quota = Number.POSITIVE_INFINITY,
}: MemoryStoreOptions = {}): PackStore & NoteStore {
  const chunks = new Map<string, Bytes>()
  const manifests = new Map<string, string>()
  const pending = new Map<string, { url: string; text: string }>()
  const notes = new Map<string, string>()

  const used = (): number => [...chunks.values()].reduce((sum, { length }) => sum + length, 0)

  return {
    getChunk: async (sha256) => chunks.get(sha256)?.slice(),
    async putChunk(sha256, bytes) {
      const usage = used() - (chunks.get(sha256)?.length ?? 0)
      if (usage + bytes.length > quota) {
        throw new JikoError('storage/quota', `No room for ${bytes.length} bytes more: free space or remove a pack.`, {
          detail: { bytes: bytes.length, usage, quota },
        })
      }
      chunks.set(sha256, bytes.slice())
    },
    hasChunk: async (sha256) => chunks.has(sha256),
    deleteChunk: async (sha256) => void chunks.delete(sha256),
    listChunks: async () => [...chunks.keys()],
    getManifest: async (name) => manifests.get(name),
    putManifest: async (name, text) => void manifests.set(name, text),
    deleteManifest: async (name) => void manifests.delete(name),
    listManifests: async () => [...manifests.keys()],
    getPending: async (name) => pending.get(name),
    putPending: async (name, { url, text }) => void pending.set(name, { url, text }),
    deletePending: async (name) => void pending.delete(name),
    listPending: async () => [...pending.keys()],
    getNote: async (key) => notes.get(key),
    putNote: async (key, text) => void notes.set(key, text),
    deleteNote: async (key) => void notes.delete(key),
  }
}
