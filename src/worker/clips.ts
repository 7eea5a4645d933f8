import { createClips } from '../packs/clips.ts'
import { chunksOf } from '../packs/layout.ts'
import { PACKS_LOCK, type RunExclusive } from '../packs/locks.ts'
import { type NoteStore, previousKey } from '../packs/notes.ts'
import { openPack } from '../packs/open.ts'
import { readable } from '../packs/status.ts'
import type { PackStore } from '../packs/store.ts'
import { clipLanguages, clipPaths } from '../protocol/clips.ts'
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
      const gone = shasOf(manifest, clipPaths(manifest, language))
      for (const text of await everyManifest(store)) {
        const other = readable(text)?.manifest
        // Perhaps a newer app wrote it. What it names cannot be known, so nothing is thrown away.
        if (!other) return
        const needed = pathsBut(other, other.name === name ? language : undefined)
        for (const sha256 of shasOf(other, needed)) gone.delete(sha256)
      }
      for (const sha256 of gone) await store.deleteChunk(sha256)
    }),
})

const shasOf = (manifest: Manifest, paths: readonly string[]): Set<string> =>
  new Set(chunksOf(manifest, paths).flatMap((index) => manifest.blob.chunks[index]?.sha256 ?? []))

/** All files, but those that only speak this language. */
function pathsBut(manifest: Manifest, language: string | undefined): string[] {
  const unwanted = new Set(language === undefined ? [] : clipPaths(manifest, language))
  for (const other of clipLanguages(manifest)) {
    if (other !== language) for (const path of clipPaths(manifest, other)) unwanted.delete(path)
  }
  return manifest.files.flatMap(({ path }) => (unwanted.has(path) ? [] : path))
}

/** Of what is here, what is on its way, and what may have to come back. */
async function everyManifest(store: Store): Promise<string[]> {
  const texts: (string | undefined)[] = []
  for (const name of await store.listPending()) texts.push((await store.getPending(name))?.text)
  for (const name of await store.listManifests())
    texts.push(await store.getNote(previousKey(name)), await store.getManifest(name))
  return texts.filter((text) => text !== undefined)
}
