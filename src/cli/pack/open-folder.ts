import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bytes, concat } from '../../lib/bytes.ts'
import { decompress } from '../../lib/compress.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import { checkManifest } from '../../packs/fetch-manifest.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Manifest } from '../../protocol/manifest.ts'
import type { ReadFile } from '../../runtime/backend.ts'
import { readBytes, readTextFile } from '../files.ts'

/** A pack on disk, its signature checked; bytes are checked as they are read. */
export interface FolderPack {
  readonly folder: string
  readonly manifest: Manifest
  readonly digest: string
  /** Public key of who signed it. */
  readonly key: string
  /** @throws JikoError `pack/damaged`, `pack/missing-file` */
  readonly read: ReadFile
}

/** Where packs are looked for by name. */
export const packsFolder = (): string => process.env.JIKO_PACKS ?? join('dist', 'packs')

/** A folder that holds a pack: the one given, or the one of that name among the built packs. @throws JikoError `cli/no-pack` */
export async function findPack(nameOrFolder: string): Promise<string> {
  for (const folder of [nameOrFolder, join(packsFolder(), nameOrFolder)]) {
    if (await stat(join(folder, 'manifest.ndjson')).catch(() => undefined)) return folder
  }
  throw new JikoError(
    'cli/no-pack',
    `There is no pack "${nameOrFolder}": neither a folder with a manifest.ndjson nor in ${packsFolder()}; build packs with \`npm run build\`.`,
  )
}

/**
 * @param trusted public keys whose packs are believed.
 * @throws JikoError `pack/untrusted`, `pack/bad-signature`, `pack/bad-manifest`, `cli/no-file`
 */
export async function openFolder(folder: string, trusted: readonly string[]): Promise<FolderPack> {
  const text = await readTextFile(join(folder, 'manifest.ndjson'))
  if (text === undefined) throw new JikoError('cli/no-file', `There is no manifest.ndjson in ${folder}.`)
  const { signed, digest } = await checkManifest(text, trusted)
  const { manifest, signature } = signed
  const blob = await readBytes(join(folder, manifest.blob.path))
  if (blob.length !== manifest.blob.length) {
    throw new JikoError(
      'pack/damaged',
      `${manifest.blob.path} has ${blob.length} bytes instead of ${manifest.blob.length}; fetch or build the pack again.`,
    )
  }
  return { folder, manifest, digest, key: signature.key, read: blobReader(manifest, blob) }
}

/** Reads the files of a pack out of its blob. @throws JikoError `pack/damaged`, `pack/missing-file` when read */
export function blobReader(manifest: Manifest, blob: Bytes): ReadFile {
  const starts = [0]
  for (const { length } of manifest.blob.chunks) starts.push((starts.at(-1) ?? 0) + length)

  async function chunk(index: number): Promise<Bytes> {
    const { sha256 = '', size = 0 } = manifest.blob.chunks[index] ?? {}
    const packed = blob.subarray(starts[index], starts[index + 1])
    if ((await sha256Hex(packed)) !== sha256) {
      throw new JikoError(
        'pack/damaged',
        `Chunk ${index} of ${manifest.name} is damaged; fetch or build the pack again.`,
      )
    }
    const unpacked = await decompress(packed, 'deflate-raw', size).catch(() => undefined)
    if (unpacked?.length === size) return unpacked
    throw new JikoError('pack/damaged', `Chunk ${index} of ${manifest.name} does not unpack to ${size} bytes.`)
  }

  return async (path) => {
    const file = manifest.files.find((one) => one.path === path)
    if (!file) throw new JikoError('pack/missing-file', `${manifest.name} has no file "${path}".`)
    return concat(...(await Promise.all(file.chunks.map(chunk))))
  }
}
