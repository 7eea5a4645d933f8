import { clipChunks, createClips, disclaim, keptLanguages, shasOf, shasWith } from '../packs/clips.ts'
import { PACKS_LOCK, type RunExclusive } from '../packs/locks.ts'
import { type NoteStore, previousKey } from '../packs/notes.ts'
import { openPack } from '../packs/open.ts'
import { readable } from '../packs/status.ts'
import type { PackStore } from '../packs/store.ts'
import type { Manifest } from '../protocol/manifest.ts'

type Store = PackStore & NoteStore

/** What is recorded in the packs that are here, and how it goes again. */
export const openClips = (store: Store, exclusive: RunExclusive) => ({
  ...createClips(store),

  /**
   * Takes away what an installed pack has recorded in a language, but nothing that something else needs too.
   * @throws JikoError `pack/absent`
   */
  drop: (name: string, language: string): Promise<void> =>
    exclusive(PACKS_LOCK, async () => {
      const { manifest } = (await openPack(store, name)).signed
      for (const sha256 of await onlyFor(store, manifest, language)) await store.deleteChunk(sha256)
      await disclaim(store, name, language)
    }),
})

/** What is here for what a pack says in a language, and for nothing else. */
async function onlyFor(store: Store, manifest: Manifest, language: string): Promise<ReadonlySet<string>> {
  const here = new Set(await store.listChunks())
  const mine = shasOf(manifest, clipChunks(manifest, [language]))
  for (const text of await everyManifest(store)) {
    const other = readable(text)?.manifest
    // Perhaps a newer app wrote it. What it names cannot be known, so nothing is thrown away.
    if (!other) return new Set()
    const kept = await keptLanguages(store, other, here)
    const spoken = other.name === manifest.name ? kept.filter((one) => one !== language) : kept
    for (const sha256 of shasWith(other, spoken)) mine.delete(sha256)
  }
  return mine
}

/** Of what is here, what is on its way, and what may have to come back. */
async function everyManifest(store: Store): Promise<string[]> {
  const texts: (string | undefined)[] = []
  for (const name of await store.listPending()) texts.push((await store.getPending(name))?.text)
  for (const name of await store.listManifests())
    texts.push(await store.getNote(previousKey(name)), await store.getManifest(name))
  return texts.filter((text) => text !== undefined)
}
