import * as v from 'valibot'
import { parseJson, parseWith } from './parse.ts'
import { Count, InnerPath, LocalText, PositiveCount, Probability, Sha256, Slug } from './primitives.ts'

export const MANIFEST_FORMAT = 'jiko-pack/1'
/** Chunks larger than this are refused: memory on the phone is bounded by it. */
export const MAX_CHUNK_BYTES = 1 << 20
/** The manifest is read whole before anything is verified, so it has a limit. */
export const MAX_MANIFEST_BYTES = 1 << 20

/** One piece of the blob: where it ends follows from the lengths before it. */
export const Chunk = v.strictObject({
  /** Bytes as stored and sent (raw deflate). */
  length: v.pipe(PositiveCount, v.maxValue(MAX_CHUNK_BYTES)),
  /** Bytes after decompression. */
  size: v.pipe(PositiveCount, v.maxValue(MAX_CHUNK_BYTES)),
  /** SHA-256 of the bytes as stored: checked before anything is decompressed. */
  sha256: Sha256,
})
export type Chunk = v.InferOutput<typeof Chunk>

/** A file of the pack: its bytes are those chunks, decompressed, one after the other. */
const PackFile = v.strictObject({ path: InnerPath, size: Count, chunks: v.array(Count) })
export type PackFile = v.InferOutput<typeof PackFile>

/** How an image becomes a tensor: `(pixel - mean) / std` per channel, pixels 0-255. */
export const ImageInput = v.strictObject({
  kind: v.literal('image'),
  /** Name of the graph's input. Its shape is [1, 3, height, width] for `nchw`, [1, height, width, 3] for `nhwc`. */
  tensor: v.string(),
  width: v.pipe(PositiveCount, v.maxValue(4096)),
  height: v.pipe(PositiveCount, v.maxValue(4096)),
  /** `cover`: scale to fill, crop the centre. `contain`: scale to fit, pad. `stretch`: ignore the aspect ratio. */
  fit: v.picklist(['cover', 'contain', 'stretch']),
  /** Turn the picture a quarter clockwise first when its long side is the other one. */
  orient: v.optional(v.picklist(['landscape', 'portrait'])),
  layout: v.picklist(['nchw', 'nhwc']),
  order: v.picklist(['rgb', 'bgr']),
  mean: v.tuple([v.number(), v.number(), v.number()]),
  std: v.pipe(
    v.tuple([v.number(), v.number(), v.number()]),
    v.check((std) => std.every((value) => value !== 0), 'expected no zero'),
  ),
  /** Colour of the padding of `contain`, RGB 0-255. */
  pad: v.optional(v.tuple([v.number(), v.number(), v.number()])),
})
export type ImageInput = v.InferOutput<typeof ImageInput>

export const Label = v.strictObject({ id: Slugish(), name: LocalText, advice: v.optional(LocalText) })
export type Label = v.InferOutput<typeof Label>

function Slugish() {
  return v.pipe(
    v.string(),
    v.maxLength(64),
    v.regex(/^[a-z0-9][a-z0-9_-]*$/, 'expected lower-case letters, digits, "_" and "-"'),
  )
}

/** Figures measured on the shipped variant with the runtime that the phone uses. */
export const Accuracy = v.strictObject({
  data: v.string(),
  split: v.string(),
  metric: v.string(),
  value: Probability,
  count: PositiveCount,
  runtime: v.string(),
})

/** An executable form of a variant; listed in order of preference. */
const Program = v.variant('engine', [
  v.strictObject({ engine: v.literal('nano'), plan: InnerPath }),
  v.strictObject({ engine: v.literal('onnx'), model: InnerPath, weights: v.optional(InnerPath) }),
])
export type Program = v.InferOutput<typeof Program>

/** An input made from a seed (see `runtime/golden.ts`) and what every right backend answers to it. */
const Golden = v.strictObject({
  seed: Count,
  output: v.record(v.string(), v.pipe(v.array(v.number()), v.maxLength(4096))),
  /** Largest absolute difference that still counts as right. */
  tolerance: v.pipe(v.number(), v.minValue(0)),
})
export type Golden = v.InferOutput<typeof Golden>

const Output = v.strictObject({ tensor: v.string(), activation: v.picklist(['logits', 'probabilities']) })
const Decision = v.strictObject({ temperature: v.pipe(v.number(), v.gtValue(0)), threshold: Probability })

/** What figures and records call a variant: its precision (`fp32`, `fp16`, `int8`, `int4`), or `small-int8` where there are two. */
export const VariantName = v.pipe(Slugish(), v.maxLength(32))

const Variant = v.strictObject({
  name: VariantName,
  /**
   * `first`: a smaller model with the same labels. On a slow link it is fetched before the others and answers until one
   * of those is here. Without a role it is one of the others, of which the pack prefers the first.
   */
  role: v.optional(v.literal('first')),
  /** Where this variant's model is fed, read or judged otherwise than the pack says. */
  input: v.optional(ImageInput),
  output: v.optional(Output),
  decision: v.optional(Decision),
  programs: v.pipe(v.array(Program), v.minLength(1)),
  golden: v.pipe(v.array(Golden), v.minLength(1)),
  accuracy: v.optional(v.array(Accuracy)),
})
export type Variant = v.InferOutput<typeof Variant>

export const Manifest = v.pipe(
  v.strictObject({
    format: v.literal(MANIFEST_FORMAT),
    name: Slug,
    version: v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+$/, 'expected a version like 1.2.3')),
    /** `image-classification` is the first; a task the app does not know is refused when opened. */
    task: Slug,
    title: LocalText,
    description: LocalText,
    labels: v.pipe(v.array(Label), v.minLength(1), v.maxLength(10_000)),
    input: ImageInput,
    /** `tensor` has shape [1, labels]; `logits` pass through softmax with `temperature`. */
    output: Output,
    /** Calibrated on the validation split; below `threshold` the answer is "not sure". */
    decision: Decision,
    variants: v.pipe(
      v.array(Variant),
      v.minLength(1),
      v.check((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two variants have one name'),
      v.check((all) => all.some(({ role }) => role === undefined), 'a variant without the role "first" is missing'),
    ),
    /** One file beside the manifest that holds all chunks in order; `length` is their sum. */
    blob: v.strictObject({
      path: InnerPath,
      length: PositiveCount,
      chunks: v.pipe(v.array(Chunk), v.minLength(1), v.maxLength(65_536)),
    }),
    files: v.pipe(v.array(PackFile), v.minLength(1)),
    /** SPDX identifier. */
    licence: v.string(),
    attribution: v.string(),
    sources: v.optional(v.array(v.string())),
    /** Path of the model card (Markdown) among `files`. */
    card: v.optional(InnerPath),
  }),
  v.check(
    ({ blob }) => blob.chunks.reduce((sum, chunk) => sum + chunk.length, 0) === blob.length,
    'blob: the chunk lengths do not add up to its length',
  ),
  v.check(
    ({ blob, files }) =>
      files.every(
        ({ size, chunks }) => chunks.reduce((sum, i) => sum + (blob.chunks[i]?.size ?? Number.NaN), 0) === size,
      ),
    'files: a file names chunks that are not there or whose sizes do not add up',
  ),
  v.check(({ files, variants, card }) => {
    const paths = new Set(files.map((file) => file.path))
    const named = variants.flatMap(({ programs }) => programs.flatMap(programPaths))
    return paths.size === files.length && [...named, ...(card ? [card] : [])].every((path) => paths.has(path))
  }, 'files: a path is there twice, or a variant names a file that is not in the pack'),
)
export type Manifest = v.InferOutput<typeof Manifest>

/** The manifest as one of its variants has it. */
export const asVariant = (manifest: Manifest, { input, output, decision }: Variant): Manifest => ({
  ...manifest,
  ...(input && { input }),
  ...(output && { output }),
  ...(decision && { decision }),
})

/** The files that a program needs. */
export function programPaths(program: Program): string[] {
  if (program.engine === 'nano') return [program.plan]
  return program.weights ? [program.model, program.weights] : [program.model]
}

/** Line 2 of a manifest file: who vouches for line 1. */
const ManifestSignature = v.strictObject({
  alg: v.literal('ES256'),
  /** Public key: the uncompressed P-256 point (65 bytes) as base64url. */
  key: v.pipe(v.string(), v.regex(/^[\w-]{87}$/, 'expected a P-256 public key as 87 base64url characters')),
  /** ECDSA P-256 with SHA-256 over the bytes of line 1, r‖s (64 bytes) as base64url. */
  signature: v.pipe(v.string(), v.regex(/^[\w-]{86}$/, 'expected a signature as 86 base64url characters')),
})
export type ManifestSignature = v.InferOutput<typeof ManifestSignature>

/** A manifest file as read: the exact text of line 1 is what is hashed (the pack's digest) and signed. */
export interface SignedManifest {
  manifest: Manifest
  line: string
  signature: ManifestSignature
}

/**
 * Reads `manifest.ndjson`: line 1 the manifest, line 2 its signature. The signature is *not* verified here.
 * @throws JikoError `pack/bad-manifest` saying which field is wrong.
 */
export function parseSignedManifest(text: string): SignedManifest {
  const [line = '', second = ''] = text.split('\n')
  return {
    line,
    manifest: parseWith(
      Manifest,
      parseJson(line, 'pack/bad-manifest', 'the manifest'),
      'pack/bad-manifest',
      'the manifest',
    ),
    signature: parseWith(
      ManifestSignature,
      parseJson(second, 'pack/unsigned', 'the manifest signature (line 2)'),
      'pack/unsigned',
      'the manifest signature',
    ),
  }
}

export const formatSignedManifest = (line: string, signature: ManifestSignature): string =>
  `${line}\n${JSON.stringify(signature)}\n`
