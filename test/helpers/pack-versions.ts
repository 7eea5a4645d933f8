import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createEngines } from '../../src/cli/engines.ts'
import { buildPack } from '../../src/cli/pack/build-pack.ts'
import { readSourceFolder } from '../../src/cli/pack/source.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import { loadReleaseKey } from '../../src/cli/release-key.ts'
import { type Bytes, utf8 } from '../../src/lib/bytes.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import { formatSignedManifest, type Manifest } from '../../src/protocol/manifest.ts'
import { parsePackIndex } from '../../src/protocol/pack-index.ts'
import { temporaryFolder } from './temporary-folder.ts'

const BUILT = 'dist/packs'

/** Packs of the build, copied, as the only ones on offer; the leaf's alone is what a hub has at first. */
export async function copyPacks(folder: string, ...names: string[]): Promise<void> {
  const wanted = names.length > 0 ? names : ['coffee-leaf']
  for (const name of wanted) await cp(join(BUILT, name), join(folder, name), { recursive: true })
  const { packs } = parsePackIndex(await readFile(join(BUILT, 'index.json'), 'utf8'))
  const only = packs.filter((pack) => wanted.includes(pack.name))
  await writeFile(join(folder, 'index.json'), JSON.stringify({ packs: only }))
}

/**
 * Publishes the next version of coffee-leaf as `jiko pack` would: one range of the calibration is a little wider.
 * @param edit changes the manifest before it is signed.
 */
export async function publishNext(
  folder: string,
  version: string,
  edit: (manifest: Manifest) => void = () => undefined,
): Promise<Manifest> {
  const source = await readSourceFolder('models/coffee-leaf')
  const { calibration } = source
  const [last] = Object.entries(calibration?.ranges ?? {}).slice(-1)
  if (!calibration || !last) throw new Error('coffee-leaf has no calibration to change')
  const [name, [low, high]] = last
  const { signer } = await loadReleaseKey()
  const pack = await buildPack(
    {
      ...source,
      source: { ...source.source, version },
      calibration: { ...calibration, ranges: { ...calibration.ranges, [name]: [low * 1.01, high * 1.01] } },
    },
    { engines: createEngines(), signer },
  )
  const manifest = structuredClone(pack.manifest)
  edit(manifest)
  const line = JSON.stringify(manifest)
  const signature = { alg: 'ES256', key: signer.key, signature: await signer.sign(utf8(line)) } as const
  const text = formatSignedManifest(line, signature)
  await writePack(folder, { ...pack, manifest, text, digest: await sha256Hex(utf8(line)) })
  return manifest
}

/**
 * Publishes coffee-leaf with recordings, as a programme would: files beside its pack.json, which names them.
 * @param record what is said of a label in a language; undefined for nothing
 */
export async function publishRecorded(
  folder: string,
  languages: readonly string[],
  record: (label: string, language: string) => Bytes | undefined,
): Promise<Manifest> {
  const source = temporaryFolder()
  await cp('models/coffee-leaf', source, { recursive: true })
  const path = join(source, 'pack.json')
  const json = JSON.parse(await readFile(path, 'utf8')) as { labels: { id: string; clips?: Record<string, string> }[] }
  for (const label of json.labels) {
    for (const language of languages) {
      const bytes = record(label.id, language)
      if (!bytes) continue
      const clip = `clips/${label.id}.${language}`
      label.clips = { ...label.clips, [language]: clip }
      await mkdir(dirname(join(source, clip)), { recursive: true })
      await writeFile(join(source, clip), bytes)
    }
  }
  await writeFile(path, JSON.stringify(json))
  const { signer } = await loadReleaseKey()
  const pack = await buildPack(await readSourceFolder(source), { engines: createEngines(), signer })
  await writePack(folder, pack)
  return pack.manifest
}
