import { createMemo } from '../lib/memo.ts'
import type { Backend } from '../runtime/backend.ts'
import { createHeaps } from './heaps.ts'
import type { Operation } from './operation.ts'
import type { LoadedPack, PackRoom } from './pack-room.ts'

export interface LoadedPacksDeps {
  packs: PackRoom
  /** All that may have loaded something. */
  backends: readonly Backend[]
  /** This worker had better be replaced: it holds memory for nobody. */
  onSpent(): void
}

/** Packs that are loaded, as many as may be in memory together. */
export interface LoadedPacks {
  /** The session of a pack, loaded when it is not. To be called in turn: packs that have to make way are not running then. */
  get(name: string, operation: Operation): Promise<LoadedPack>
  peek(name: string): Promise<LoadedPack> | undefined
  names(): string[]
  /** Takes a session out without waiting for what it does: the caller disposes of it. */
  forget(name: string): void
  /** After a run: asks to be replaced when there is reason to. */
  tellIfSpent(): Promise<void>
}

export function createLoadedPacks({ packs, backends, onSpent }: LoadedPacksDeps): LoadedPacks {
  const sessions = createMemo<string, LoadedPack>()
  /** Bytes that each takes, the one used last at the end. */
  const held = new Map<string, number>()
  const heaps = createHeaps(backends)

  function forget(name: string): void {
    sessions.forget(name)
    held.delete(name)
  }

  /** Of packs in memory together those used longest ago go first. */
  async function admit(name: string, bytes: number): Promise<void> {
    held.delete(name)
    for (const other of [...held.keys()]) {
      const all = [...held.values()].reduce((sum, its) => sum + its, bytes)
      if (all <= packs.verdicts.limit) break
      const loaded = sessions.peek(other)
      forget(other)
      await loaded?.then(({ session }) => session.dispose()).catch(() => undefined)
    }
    held.set(name, bytes)
  }

  return {
    async get(name, operation) {
      const loaded = await sessions.get(name, () => packs.load(name, operation, (bytes) => admit(name, bytes)))
      const bytes = held.get(name)
      held.delete(name)
      if (bytes !== undefined) held.set(name, bytes)
      return loaded
    },
    peek: sessions.peek,
    names: () => [...held.keys()],
    forget,
    async tellIfSpent() {
      const loaded = await Promise.all([...held.keys()].map((name) => sessions.peek(name)))
      if (heaps.areSpent(new Set(loaded.flatMap((one) => one?.choice.backend ?? [])))) onSpent()
    },
  }
}
