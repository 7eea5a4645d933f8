import { parseSignedManifest } from '../protocol/manifest.ts'
import { collect } from './collect.ts'
import { type NoteStore, pinnedKey, previousKey, readNote, usedKey } from './notes.ts'
import type { PackStore } from './store.ts'

export interface PackUse {
  name: string
  /** Milliseconds since 1970 of the last use, 0 when never. */
  used: number
  pinned: boolean
  /** Bytes of its chunks that are here, also those it shares. */
  bytes: number
}

export interface MakeRoomOptions {
  /** Packs that must stay: the one being installed, those open now. */
  keep?: readonly string[]
  /** True when even pinned packs may go: for records, never for another pack. */
  pinned?: boolean
}

export interface GovernorDeps {
  store: PackStore & NoteStore
  now?: () => number
  /** Told what was evicted, to say so. */
  onEvict?: (name: string) => void
}

/**
 * Decides which packs go when the device is full: least recently used first, pinned ones last and only for records.
 * It touches packs only; they can be fetched again, records cannot. Needs no lock: a pack's manifest goes first, and
 * chunks that a running install has counted on are named by what is pending.
 */
export function createGovernor({ store, now = Date.now, onEvict }: GovernorDeps) {
  async function uses(): Promise<PackUse[]> {
    const here = new Set(await store.listChunks())
    const found: PackUse[] = []
    for (const name of await store.listManifests()) {
      const used = (await readNote(store, usedKey(name), Number)) ?? 0
      const pinned = (await store.getNote(pinnedKey(name))) !== undefined
      found.push({ name, used: Number.isFinite(used) ? used : 0, pinned, bytes: await heldBytes(name, here) })
    }
    return found.sort((a, b) => Number(a.pinned) - Number(b.pinned) || a.used - b.used || a.name.localeCompare(b.name))
  }

  /** Only to show: an unreadable manifest counts nothing. */
  async function heldBytes(name: string, here: ReadonlySet<string>): Promise<number> {
    try {
      const { chunks } = parseSignedManifest((await store.getManifest(name)) ?? '').manifest.blob
      return chunks.reduce((sum, { sha256, length }) => sum + (here.has(sha256) ? length : 0), 0)
    } catch {
      return 0
    }
  }

  /** Deletes what nothing names; answers the bytes. */
  async function sweep(): Promise<number> {
    return (await collect(store)).bytes
  }

  return {
    /** In the order in which they would go. */
    uses,
    /** A pack was opened or has answered. */
    touch: (name: string): Promise<void> => store.putNote(usedKey(name), String(now())),
    pin: (name: string, pinned: boolean): Promise<void> =>
      pinned ? store.putNote(pinnedKey(name), '1') : store.deleteNote(pinnedKey(name)),
    /** Frees at least so many bytes if it can; answers how many. Rubbish and former versions go before packs. */
    async makeRoom(bytes: number, { keep = [], pinned = false }: MakeRoomOptions = {}): Promise<number> {
      for (const name of await store.listManifests()) await store.deleteNote(previousKey(name))
      let freed = await sweep()
      for (const use of await uses()) {
        if (freed >= bytes) break
        if (keep.includes(use.name) || (use.pinned && !pinned)) continue
        await store.deleteManifest(use.name)
        freed += await sweep()
        onEvict?.(use.name)
      }
      return freed
    },
  }
}
export type Governor = ReturnType<typeof createGovernor>
