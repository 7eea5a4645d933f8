import { join } from 'node:path'
import { parseDelta, updatesOf } from '../../protocol/delta.ts'
import { JikoError } from '../../protocol/error.ts'
import { readBytes, readTextFile } from '../files.ts'
import { kilobytes } from '../text.ts'
import { allTrustedKeys } from '../trusted-keys.ts'
import type { BuiltPack } from './build-pack.ts'
import { type BuiltDelta, buildDelta } from './delta.ts'
import { blobReader, openFolder } from './open-folder.ts'

/**
 * The differences from older versions that phones may have. One that cannot be read is no reason to fail: phones that
 * have it fetch the changed chunks whole.
 */
export async function deltasFrom(
  folders: readonly string[],
  pack: BuiltPack,
): Promise<{ deltas: BuiltDelta[]; notes: string[] }> {
  const next = { ...pack, read: blobReader(pack.manifest, pack.blob) }
  const deltas: BuiltDelta[] = []
  const notes: string[] = []
  for (const folder of folders) {
    const text = await readTextFile(join(folder, 'manifest.ndjson'))
    if (text === undefined) continue
    try {
      const old = await openFolder(folder, await allTrustedKeys())
      if (old.manifest.name !== pack.manifest.name) continue
      // Built again: what led to it before still does.
      if (old.digest === pack.digest) deltas.push(...(await keptDeltas(folder, text)))
      if (old.digest === pack.digest || deltas.some(({ update }) => update.from === old.digest)) continue
      const built = await buildDelta(old, next)
      if (!built) continue
      deltas.push(built)
      const bytes = built.table.length + built.blob.length
      notes.push(`an update from ${old.manifest.version} is ${kilobytes(bytes)} as differences`)
    } catch (error) {
      if (!(error instanceof JikoError)) throw error
      notes.push(`no differences from the version in ${folder}: ${error.message}`)
    }
  }
  return { deltas, notes }
}

const keptDeltas = (folder: string, manifestText: string): Promise<BuiltDelta[]> =>
  Promise.all(
    updatesOf(manifestText).map(async (update) => {
      const table = await readBytes(join(folder, update.path))
      const delta = parseDelta(new TextDecoder().decode(table))
      return { update, table, delta, blob: await readBytes(join(folder, delta.blob.path)) }
    }),
  )
