import type { PackStore } from './store.ts'

/** Something outside the pack store that remembers which packs were here: the settings of the records' database. */
export interface Witness {
  get(): Promise<readonly string[] | undefined>
  set(names: readonly string[]): Promise<void>
}

/**
 * Browsers throw away whole stores without a word. Which packs are gone that nobody removed?
 * Call before anything is installed at a start, and tell the person; then `remember`.
 */
export async function findLost(
  store: Pick<PackStore, 'listManifests' | 'listPending'>,
  witness: Witness,
): Promise<string[]> {
  const here = new Set([...(await store.listManifests()), ...(await store.listPending())])
  return [...((await witness.get()) ?? [])].filter((name) => !here.has(name))
}

/** After every install, removal and eviction. */
export async function remember(store: PackStore, witness: Witness): Promise<void> {
  await witness.set((await store.listManifests()).sort())
}
