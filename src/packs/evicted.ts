import { type NoteStore, readNote } from './notes.ts'
import type { PackStore } from './store.ts'

const KEY = 'evicted'

/** Packs that were taken away to make room, and are not back. */
export async function listEvicted(store: NoteStore & Pick<PackStore, 'listManifests'>): Promise<string[]> {
  const names = (await readNote(store, KEY, parseNames)) ?? []
  const here = names.length > 0 ? await store.listManifests() : []
  return names.filter((name) => !here.includes(name))
}

export async function noteEvicted(store: NoteStore & PackStore, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  await store.putNote(KEY, JSON.stringify([...new Set([...(await listEvicted(store)), ...names])]))
}

function parseNames(value: unknown): string[] {
  if (!Array.isArray(value)) throw new TypeError('not a list of packs')
  return value.map(String)
}
