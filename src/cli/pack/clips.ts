import { join } from 'node:path'
import type { Bytes } from '../../lib/bytes.ts'
import { soundType } from '../../lib/sound-type.ts'
import { missingBytes } from '../../packs/layout.ts'
import { clipLanguages, clipPaths, MAX_CLIP_BYTES, saidIn } from '../../protocol/clips.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Manifest } from '../../protocol/manifest.ts'
import type { PackSource } from '../../protocol/pack-source.ts'
import { readBytesIfThere } from '../files.ts'
import { kilobytes } from '../text.ts'

/** Files that are often taken for sound, by what they begin with. */
const OTHERS: readonly (readonly [what: string, begins: string])[] = [
  ['a PNG picture', '\x89PNG'],
  ['a JPEG picture', '\xff\xd8\xff'],
  ['FLAC, which not every phone plays', 'fLaC'],
  ['Ogg, but not Opus', 'OggS'],
  ['WebM or Matroska, but not Opus', '\x1a\x45\xdf\xa3'],
  ['a web page', '<'],
  ['AIFF', 'FORM'],
  ['AMR', '#!AMR'],
]

function whatItIs(bytes: Bytes): string {
  if (bytes.length === 0) return 'an empty file'
  const text = String.fromCharCode(...bytes.subarray(0, 8))
  const known = OTHERS.find(([, begins]) => text.startsWith(begins))
  const hex = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  return known?.[0] ?? `a file that begins with ${hex}`
}

/**
 * Reads what pack.json names as recorded, one language after the other, so that the recordings of one lie side by side
 * in the blob and come in one piece.
 * @throws JikoError `pack/bad-clip` naming the file: missing, too large, or not of a kind that phones play
 */
export async function readClips(folder: string, source: PackSource): Promise<Map<string, Bytes>> {
  const contents = new Map<string, Bytes>()
  for (const language of clipLanguages(source))
    for (const path of clipPaths(source, language)) contents.set(path, await readClip(join(folder, path)))
  return contents
}

async function readClip(path: string): Promise<Bytes> {
  const bytes = await readBytesIfThere(path)
  if (!bytes) throw new JikoError('pack/bad-clip', `${path} is missing: pack.json names it as a recording.`)
  if (bytes.length > MAX_CLIP_BYTES) {
    throw new JikoError(
      'pack/bad-clip',
      `${path} has ${kilobytes(bytes.length)}, more than the ${kilobytes(MAX_CLIP_BYTES)} that a recording may have: make it Opus, mono, 16 kbit/s (docs/packs.md).`,
    )
  }
  if (soundType(bytes)) return bytes
  throw new JikoError(
    'pack/bad-clip',
    `${path} is ${whatItIs(bytes)}: a recording must be Opus in Ogg or WebM, MP3, AAC (.aac, .m4a) or WAV.`,
  )
}

/** What a phone fetches for the recordings of one language. */
export const clipBytes = (manifest: Manifest, language: string): number =>
  missingBytes(manifest, clipPaths(manifest, language), new Set())

/** A line a language: how much is recorded, and what it costs whoever has no voice that speaks it. */
export const describeClips = (manifest: Manifest): string[] =>
  clipLanguages(manifest).map((language) => {
    const said = saidIn(manifest, language)
    const silent = manifest.labels.filter(({ id }) => !said.some((one) => typeof one === 'object' && one.label === id))
    const others = said.filter((one) => typeof one === 'string')
    return [
      `recorded in ${language}: ${kilobytes(clipBytes(manifest, language))}`,
      `${manifest.labels.length - silent.length} of ${manifest.labels.length} labels`,
      ...(silent.length > 0 ? [`not ${silent.map(({ id }) => id).join(', ')}`] : []),
      ...others.map((one) => `"${one}"`),
    ].join(', ')
  })
