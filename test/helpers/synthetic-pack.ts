import { type Bytes, concat, utf8 } from '../../src/lib/bytes.ts'
import { deflate } from '../../src/lib/deflate.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import type { Chunk, Manifest, PackFile } from '../../src/protocol/manifest.ts'
import { formatSignedManifest } from '../../src/protocol/manifest.ts'
import { createSigner, generateKeyPair, type Signer } from '../../src/protocol/sign.ts'
import type { FormerKey } from '../../src/protocol/succession.ts'

/** A small generator with a seed, so that a failing run can be had again (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Bytes that hardly compress, as weights do. */
export function noise(length: number, seed: number): Bytes {
  const random = seeded(seed)
  return Uint8Array.from({ length }, () => Math.floor(random() * 256))
}

export interface SyntheticPack {
  manifest: Manifest
  /** Text of `manifest.ndjson`. */
  text: string
  blob: Bytes
  digest: string
  key: string
  /** The files as they must come out again. */
  files: Map<string, Bytes>
  chunkBytes: Bytes[]
}

export interface SyntheticOptions {
  name?: string
  version?: string
  signer?: Signer
  former?: FormerKey[]
  /** Path to contents; `model.plan`, or else the first, is the plan of the int8 variant, `full.onnx` becomes an fp32 variant, `small.plan` one for a first answer. */
  files?: Record<string, Bytes>
  /** Bytes of a file that go into one chunk before compression. */
  chunkSize?: number
  edit?: (manifest: Manifest) => void
}

export const throwAwaySigner = async (): Promise<Signer> => createSigner(await generateKeyPair(false))

export const KEEP = 'model.plan'
export const SMALL = 'small.plan'

/** A pack that is right in every way: signed, its chunks deflated. Its "weights" are noise. */
export async function syntheticPack({
  name = 'leaf',
  version = '1.0.0',
  signer,
  former,
  files = { [KEEP]: noise(50_000, 1), 'card.md': utf8('# A card\n'.repeat(40)) },
  chunkSize = 8192,
  edit,
}: SyntheticOptions = {}): Promise<SyntheticPack> {
  const by = signer ?? (await throwAwaySigner())
  const chunks: Chunk[] = []
  const chunkBytes: Bytes[] = []
  const entries: PackFile[] = []
  for (const [path, contents] of Object.entries(files)) {
    const indexes: number[] = []
    for (let at = 0; at < contents.length; at += chunkSize) {
      const plain = contents.subarray(at, at + chunkSize)
      const packed = deflate(plain)
      indexes.push(chunks.length)
      chunkBytes.push(packed)
      chunks.push({ length: packed.length, size: plain.length, sha256: await sha256Hex(packed) })
    }
    entries.push({ path, size: contents.length, chunks: indexes })
  }
  const blob = concat(...chunkBytes)
  const golden = [{ seed: 1, output: { scores: [0.25, 0.75] }, tolerance: 0.01 }]
  const manifest: Manifest = {
    format: 'jiko-pack/1',
    name,
    version,
    task: 'image-classification',
    title: { en: 'Leaf' },
    description: { en: 'A synthetic pack' },
    labels: [
      { id: 'healthy', name: { en: 'Healthy' } },
      { id: 'rust', name: { en: 'Rust' } },
    ],
    input: {
      kind: 'image',
      tensor: 'input',
      width: 8,
      height: 8,
      fit: 'cover',
      layout: 'nchw',
      order: 'rgb',
      mean: [0, 0, 0],
      std: [1, 1, 1],
    },
    output: { kind: 'classes', tensor: 'scores', activation: 'logits' },
    decision: { temperature: 1, threshold: 0.5 },
    variants: [
      { name: 'int8', programs: [{ engine: 'nano', plan: KEEP in files ? KEEP : (entries[0]?.path ?? KEEP) }], golden },
      ...('full.onnx' in files
        ? [{ name: 'fp32', programs: [{ engine: 'onnx' as const, model: 'full.onnx' }], golden }]
        : []),
      ...(SMALL in files
        ? [
            {
              name: 'small-int8',
              role: 'first' as const,
              programs: [{ engine: 'nano' as const, plan: SMALL }],
              golden,
              decision: { temperature: 1, threshold: 0.8 },
            },
          ]
        : []),
    ],
    blob: { path: 'chunks.bin', length: blob.length, chunks },
    files: entries,
    licence: 'MIT',
    attribution: 'nobody',
  }
  edit?.(manifest)
  const line = JSON.stringify(manifest)
  const signature = {
    alg: 'ES256' as const,
    key: by.key,
    signature: await by.sign(utf8(line)),
    ...(former && { former }),
  }
  return {
    manifest,
    text: formatSignedManifest(line, signature),
    blob,
    digest: await sha256Hex(utf8(line)),
    key: by.key,
    files: new Map(Object.entries(files)),
    chunkBytes,
  }
}
