import type { Chunk, Manifest, Program, Variant } from '../protocol/manifest.ts'
import { neededPaths } from '../protocol/manifest.ts'

/** Which files of a pack this device needs now, by path. */
export type Choose = (manifest: Manifest) => readonly string[]
/** The same, where something has to be looked up. */
export type ChooseLater = (manifest: Manifest) => readonly string[] | Promise<readonly string[]>

/** The files of one program of one variant; by default what the pack prefers: the first of each. */
export function pathsOf(manifest: Manifest, variant?: Variant, program?: Program): readonly string[] {
  const of = variant ?? manifest.variants[0]
  const use = program ?? of?.programs[0]
  return of && use ? neededPaths(manifest, of, use) : []
}

/** Indexes into `blob.chunks`, ascending, of all that those files are made of. Each content once, however often it occurs. */
export function chunksOf({ files, blob }: Manifest, paths: readonly string[]): number[] {
  const wanted = new Set(paths)
  const bySha = new Map<string, number>()
  const indexes = files.filter(({ path }) => wanted.has(path)).flatMap(({ chunks }) => chunks)
  for (const index of indexes.sort((a, b) => a - b)) {
    const chunk = blob.chunks[index]
    if (chunk && !bySha.has(chunk.sha256)) bySha.set(chunk.sha256, index)
  }
  return [...bySha.values()]
}

/** Bytes of those files that are not here yet. `here` are the hashes of all chunks in the store. */
export const missingBytes = (manifest: Manifest, paths: readonly string[], here: ReadonlySet<string>): number =>
  chunksOf(manifest, paths).reduce((sum, index) => {
    const chunk = manifest.blob.chunks[index]
    return chunk && !here.has(chunk.sha256) ? sum + chunk.length : sum
  }, 0)

/** Where each chunk begins in the blob. */
export function offsetsOf(chunks: readonly Chunk[]): number[] {
  let at = 0
  return chunks.map(({ length }) => {
    const start = at
    at += length
    return start
  })
}

/** Neighbouring chunks to ask for at once: indexes `first` to `last`, inclusive. */
export interface Run {
  first: number
  last: number
}

/**
 * The run of missing chunks that begins at `first`. Held chunks in between are asked for again when they are smaller
 * than `gap` bytes together: on a slow link another request costs more than those bytes.
 */
export function runFrom(first: number, missing: readonly number[], chunks: readonly Chunk[], gap: number): Run {
  let last = first
  for (const index of missing) {
    if (index <= last) continue
    let between = 0
    for (let held = last + 1; held < index; held++) between += chunks[held]?.length ?? 0
    if (between > gap) break
    last = index
  }
  return { first, last }
}
