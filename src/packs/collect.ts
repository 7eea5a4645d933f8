import { JikoError } from '../protocol/error.ts'
import { parseSignedManifest } from '../protocol/manifest.ts'
import { type NoteStore, previousKey } from './notes.ts'
import type { PackStore } from './store.ts'

/** What collecting took away. */
export interface Collected {
  chunks: number
  bytes: number
}

type Store = PackStore & Pick<NoteStore, 'getNote'>

/** Deletes the chunks that no installed and no pending pack names, nor a version that may have to come back. */
export async function collect(store: Store): Promise<Collected> {
  const texts: string[] = []
  // Installed ones last: what is committed while this looks was pending when it began, and so is seen at least once.
  for (const name of await store.listPending()) texts.push((await store.getPending(name))?.text ?? '')
  for (const name of await store.listManifests()) {
    texts.push((await store.getNote(previousKey(name))) ?? '', (await store.getManifest(name)) ?? '')
  }
  const named = new Set<string>()
  for (const text of texts.filter((each) => each !== '')) {
    try {
      for (const { sha256 } of parseSignedManifest(text).manifest.blob.chunks) named.add(sha256)
    } catch (error) {
      if (!(error instanceof JikoError)) throw error
      // Perhaps a newer app wrote it. What it names cannot be known, so nothing is thrown away.
      return { chunks: 0, bytes: 0 }
    }
  }
  const gone: Collected = { chunks: 0, bytes: 0 }
  for (const sha256 of await store.listChunks()) {
    if (named.has(sha256)) continue
    gone.bytes += (await store.getChunk(sha256))?.length ?? 0
    await store.deleteChunk(sha256)
    gone.chunks++
  }
  return gone
}

/** Takes a pack away, with what was pending of it and the chunks that nothing else names. Only under the packs lock. */
export async function removePack(store: Store, name: string): Promise<void> {
  // The mark that it is installed goes first: chunks without it are only rubbish, it without chunks would be damage.
  await store.deleteManifest(name)
  await store.deletePending(name)
  await collect(store)
}
