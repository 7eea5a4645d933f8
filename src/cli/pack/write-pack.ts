import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { utf8 } from '../../lib/bytes.ts'
import { clipLanguages } from '../../protocol/clips.ts'
import { withUpdates } from '../../protocol/delta.ts'
import { faceFinderOf } from '../../protocol/face-finder.ts'
import { type Manifest, neededPaths } from '../../protocol/manifest.ts'
import { type PackIndex, parsePackIndex } from '../../protocol/pack-index.ts'
import { readTextFile, writeAtomic } from '../files.ts'
import type { BuiltPack } from './build-pack.ts'
import { clipBytes } from './clips.ts'
import type { BuiltDelta } from './delta.ts'

const INDEX = 'index.json'
const MANIFEST = 'manifest.ndjson'

/** What a phone downloads: the chunks of the program that the pack, or the variant of that name, prefers. */
export function bytesOf(manifest: Manifest, name?: string): number {
  const { variants, files, blob } = manifest
  const variant = name === undefined ? variants[0] : variants.find((one) => one.name === name)
  const program = variant?.programs[0]
  const paths = new Set(variant && program ? neededPaths(manifest, variant, program) : [])
  const wanted = new Set(files.filter(({ path }) => paths.has(path)).flatMap(({ chunks }) => chunks))
  return [...wanted].reduce((sum, index) => sum + (blob.chunks[index]?.length ?? 0), 0)
}

/**
 * Writes a pack and lists it in the index: first the blob and the differences to older versions, then the manifest that
 * names them, last the index, so that whoever reads at any moment sees the old pack or the new one. Files that no manifest
 * names any more go afterwards.
 * @returns what is on offer there now
 */
export async function writePack(
  out: string,
  { manifest, digest, text, blob }: BuiltPack,
  deltas: readonly BuiltDelta[] = [],
): Promise<PackIndex['packs']> {
  const folder = join(out, manifest.name)
  const files = new Map([[manifest.blob.path, blob]])
  for (const { update, delta, table, blob: differences } of deltas) {
    files.set(delta.blob.path, differences)
    files.set(update.path, table)
  }
  for (const [path, bytes] of files) await writeAtomic(join(folder, path), bytes)
  const whole = utf8(
    withUpdates(
      text,
      deltas.map(({ update }) => update),
    ),
  )
  await writeAtomic(join(folder, MANIFEST), whole)
  const { name, version, title, description } = manifest
  const bytes = whole.length + bytesOf(manifest)
  const clips = Object.fromEntries(clipLanguages(manifest).map((language) => [language, clipBytes(manifest, language)]))
  const finder = faceFinderOf(manifest.form)
  const listed = await addToIndex(out, {
    name,
    version,
    digest,
    url: `${name}/${MANIFEST}`,
    bytes,
    ...(Object.keys(clips).length > 0 && { clips }),
    title,
    description,
    ...(finder !== undefined && { finder }),
  })
  for (const file of await readdir(folder)) {
    if (/^[0-9a-f]{64}\.(bin|json)$/.test(file) && !files.has(file)) await rm(join(folder, file))
  }
  return listed
}

async function addToIndex(out: string, entry: PackIndex['packs'][number]): Promise<PackIndex['packs']> {
  const path = join(out, INDEX)
  const text = await readTextFile(path)
  const others = text === undefined ? [] : parsePackIndex(text).packs.filter(({ name }) => name !== entry.name)
  const packs = [...others, entry].sort((a, b) => (a.name < b.name ? -1 : 1))
  await writeAtomic(path, utf8(`${JSON.stringify({ packs } satisfies PackIndex, null, 1)}\n`))
  return packs
}
