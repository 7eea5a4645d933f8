import type { Bytes } from '../lib/bytes.ts'
import { soundType } from '../lib/sound-type.ts'
import { clipLanguages, clipPath, clipPaths, inLanguage, MAX_CLIP_BYTES, type Said } from '../protocol/clips.ts'
import { JikoError } from '../protocol/error.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { ClipStock } from '../protocol/worker.ts'
import { type ChooseLater, chunksOf, missingBytes } from './layout.ts'
import { type NoteStore, readNote, unspokenKey } from './notes.ts'
import { openPack } from './open.ts'
import type { PackStore } from './store.ts'

/** The language whose recordings come along with a pack. */
const WANTED = 'clips'
const NOTHING: ReadonlySet<string> = new Set()

/** The recordings that a phone fetches with a pack: those of one language, or none. Without them it is whole all the same. */
export async function wantedClips(notes: Pick<NoteStore, 'getNote'>, manifest: Manifest): Promise<readonly string[]> {
  // Most packs have none: nothing is read for those.
  if (clipLanguages(manifest).length === 0) return []
  const language = await notes.getNote(WANTED)
  return language === undefined ? [] : clipPaths(manifest, language)
}

/** What is chosen, and the recordings that come along. */
export const withClips =
  (notes: Pick<NoteStore, 'getNote'>, choose: ChooseLater): ChooseLater =>
  async (manifest) => [...(await choose(manifest)), ...(await wantedClips(notes, manifest))]

/** Of bytes by language, as the list of packs has them: those that come along. */
export async function wantedBytes(
  notes: Pick<NoteStore, 'getNote'>,
  bytes: Readonly<Record<string, number>>,
): Promise<number> {
  return inLanguage(bytes, (await notes.getNote(WANTED)) ?? '') ?? 0
}

/** Indexes of the chunks of what is recorded in some languages. */
export const clipChunks = (manifest: Manifest, languages: readonly string[]): number[] =>
  chunksOf(
    manifest,
    languages.flatMap((language) => clipPaths(manifest, language)),
  )

/** Hashes of the chunks that a pack needs for those languages, and for all that is not recorded speech. */
export function shasWith(manifest: Manifest, languages: readonly string[]): Set<string> {
  const spoken = new Set(clipLanguages(manifest).flatMap((language) => clipPaths(manifest, language)))
  const others = manifest.files.map(({ path }) => path).filter((path) => !spoken.has(path))
  return shasOf(manifest, [...chunksOf(manifest, others), ...clipChunks(manifest, languages)])
}

export const shasOf = (manifest: Manifest, indexes: readonly number[]): Set<string> =>
  new Set(indexes.flatMap((index) => manifest.blob.chunks[index]?.sha256 ?? []))

const unspoken = async (notes: NoteStore, name: string): Promise<readonly string[]> =>
  (await readNote(notes, unspokenKey(name), (value) => (value as unknown[]).map(String))) ?? []

/**
 * Languages whose recordings are kept here: what is only theirs, or all of it, is here, and nobody took them away. What
 * is here for another language alone is not.
 */
export async function keptLanguages(
  notes: NoteStore,
  manifest: Manifest,
  here: ReadonlySet<string>,
): Promise<readonly string[]> {
  const languages = clipLanguages(manifest)
  const gone = await unspoken(notes, manifest.name)
  return languages.filter((language) => {
    if (gone.includes(language)) return false
    const others = shasWith(
      manifest,
      languages.filter((one) => one !== language),
    )
    const all = [...shasOf(manifest, clipChunks(manifest, [language]))]
    return all.some((sha256) => here.has(sha256) && !others.has(sha256)) || all.every((sha256) => here.has(sha256))
  })
}

/** The language is wanted again: what of it is here counts as kept for it. */
export async function claim(notes: NoteStore, name: string, language: string): Promise<void> {
  const gone = await unspoken(notes, name)
  const left = gone.filter((tag) => inLanguage({ [tag]: true }, language) === undefined)
  if (left.length === 0) await notes.deleteNote(unspokenKey(name))
  else if (left.length < gone.length) await notes.putNote(unspokenKey(name), JSON.stringify(left))
}

/** The language is not wanted any more, whatever of it stays for another one. */
export const disclaim = async (notes: NoteStore, name: string, language: string): Promise<void> =>
  notes.putNote(unspokenKey(name), JSON.stringify([...new Set([...(await unspoken(notes, name)), language])]))

/** What is recorded in the packs that are here. */
export function createClips(store: PackStore & NoteStore) {
  return {
    /** From now on packs bring along what they have recorded in this language; nothing without one. True when it was another. */
    async want(language?: string): Promise<boolean> {
      if ((await store.getNote(WANTED)) === language) return false
      if (language === undefined) await store.deleteNote(WANTED)
      else {
        for (const name of await store.listManifests()) await claim(store, name, language)
        await store.putNote(WANTED, language)
      }
      return true
    },

    /** Bytes by language, those of all that is recorded and those that are here. */
    async stock(name: string): Promise<ClipStock> {
      const { manifest } = (await openPack(store, name)).signed
      const here = new Set(await store.listChunks())
      const kept = await keptLanguages(store, manifest, here)
      return Object.fromEntries(
        clipLanguages(manifest).map((language) => {
          const paths = clipPaths(manifest, language)
          const bytes = missingBytes(manifest, paths, NOTHING)
          const have = bytes - missingBytes(manifest, paths, here)
          return [language, { bytes, have, kept: kept.includes(language) }]
        }),
      )
    },

    /**
     * What is said in a language; undefined where that is not recorded, or not here.
     * @throws JikoError `pack/absent`, `pack/bad-clip`
     */
    async read(name: string, said: Said, language: string): Promise<Blob | undefined> {
      const { signed, readFile } = await openPack(store, name)
      const path = clipPath(signed.manifest, said, language)
      if (path === undefined) return undefined
      const { size = 0 } = signed.manifest.files.find((file) => file.path === path) ?? {}
      let bytes: Bytes | undefined
      try {
        bytes = size <= MAX_CLIP_BYTES ? await readFile(path) : undefined
      } catch (error) {
        // Not fetched, or no longer as it was: to be had again either way.
        if (error instanceof JikoError && error.code === 'pack/damaged') return undefined
        throw error
      }
      const type = bytes && soundType(bytes)
      if (bytes && type) return new Blob([bytes], { type })
      throw new JikoError('pack/bad-clip', `${path} of ${name} is no recording that can be played: ${size} bytes.`, {
        detail: { name, path, size },
      })
    },
  }
}
