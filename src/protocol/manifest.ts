import * as v from 'valibot'
import { Golden } from './golden.ts'
import { Constants, Input, inputPaths, inputProblem, State } from './input.ts'
import { needsLabels, Output } from './output.ts'
import { parseJson, parseWith } from './parse.ts'
import {
  Count,
  InnerPath,
  Language,
  LocalText,
  PositiveCount,
  Probability,
  PublicKey,
  Sha256,
  Signature,
  Slug,
} from './primitives.ts'
import { FormerKey, MOST_FORMER } from './succession.ts'

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

/** Recorded speech: a file of the pack by language. `protocol/clips.ts` has who says what, and when. */
const Clips = v.record(Language, InnerPath)
export type Clips = v.InferOutput<typeof Clips>

/** What is said where no label is: that the model is not sure, and that it knows nothing like this. */
export const CommonClips = v.strictObject({ unsure: v.optional(Clips), unknown: v.optional(Clips) })

export const Label = v.strictObject({
  id: Slugish(),
  name: LocalText,
  advice: v.optional(LocalText),
  /** Stands for "none of these": background, silence, an unknown word, not a leaf. Never shown as a finding. */
  none: v.optional(v.boolean()),
  /** Its name and its advice, spoken. */
  clips: v.optional(Clips),
})
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

/** Bytes of WebAssembly memory that it takes, seen when it was packed; on an engine that runs nothing else. */
const Memory = v.optional(PositiveCount)

/** A graph in the form that an engine runs. */
const Plan = { plan: InnerPath }
const Onnx = { model: InnerPath, weights: v.optional(InnerPath) }

/**
 * An executable form of a variant; listed in order of preference. `reader` is a second graph on the same engine, of packs
 * whose output is a `page`; `memory` is that of both.
 */
const Program = v.variant('engine', [
  v.strictObject({ engine: v.literal('nano'), ...Plan, reader: v.optional(v.strictObject(Plan)), memory: Memory }),
  v.strictObject({ engine: v.literal('onnx'), ...Onnx, reader: v.optional(v.strictObject(Onnx)), memory: Memory }),
])
export type Program = v.InferOutput<typeof Program>

/** When an answer counts. Calibrated on the validation split. */
export const Decision = v.strictObject({
  /** Logits are divided by it: a boastful model becomes modest. */
  temperature: v.pipe(v.number(), v.gtValue(0)),
  /** Below it the answer is "not sure". */
  threshold: Probability,
  /** Of classes from logits: where log Σ e^(logit/temperature) is smaller, the input is nothing that the model knows. */
  energy: v.optional(v.pipe(v.number(), v.finite())),
})
export type Decision = v.InferOutput<typeof Decision>

/** What figures and records call a variant: its precision (`fp32`, `fp16`, `int8`, `int7`, `int4`), or `small-int8` where there are two. */
export const VariantName = v.pipe(Slugish(), v.maxLength(32))

const Variant = v.strictObject({
  name: VariantName,
  /**
   * `first`: a smaller model with the same labels. On a slow link it is fetched before the others and answers until one
   * of those is here. Without a role it is one of the others, of which the pack prefers the first.
   */
  role: v.optional(v.literal('first')),
  /** Where this variant's model is fed, read or judged otherwise than the pack says. */
  input: v.optional(Input),
  output: v.optional(Output),
  decision: v.optional(Decision),
  programs: v.pipe(v.array(Program), v.minLength(1)),
  golden: v.pipe(v.array(Golden), v.minLength(1)),
  accuracy: v.optional(v.array(Accuracy)),
})
export type Variant = v.InferOutput<typeof Variant>

interface Described {
  input: Input
  output: Output
  variants: readonly Variant[]
}

const inputsOf = ({ input, variants }: Omit<Described, 'output'>): Input[] => [
  input,
  ...variants.flatMap((variant) => variant.input ?? []),
]

const firstProblem = (described: Described): string | undefined =>
  [...inputsOf(described), ...described.variants.flatMap(({ output = described.output }) => lineOf(output) ?? [])]
    .map(inputProblem)
    .find((problem) => problem !== undefined)

const lineOf = (output: Output): Input | undefined => (output.kind === 'page' ? output.line.input : undefined)

/** A page needs a photo that keeps its shape, and whoever reads it; nothing else has use for a reader. */
const readersFit = ({ input, output, variants }: Described): boolean =>
  variants.every((variant) => {
    const { input: fed = input, output: answered = output, programs } = variant
    const isPage = answered.kind === 'page'
    return (
      programs.every((program) => (program.reader !== undefined) === isPage) &&
      (!isPage || (fed.kind === 'image' && fed.fit === 'contain' && !fed.orient))
    )
  })

export const Manifest = v.pipe(
  v.strictObject({
    format: v.literal(MANIFEST_FORMAT),
    name: Slug,
    version: v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+$/, 'expected a version like 1.2.3')),
    /** What it is for, as people and catalogues call it: `image-classification`, `keyword-spotting`. What is done follows from `input` and `output`. */
    task: Slug,
    title: LocalText,
    description: LocalText,
    labels: v.pipe(v.array(Label), v.maxLength(10_000)),
    input: Input,
    output: Output,
    constants: v.optional(Constants),
    state: v.optional(State),
    decision: Decision,
    clips: v.optional(CommonClips),
    /** Questions that follow an answer, as `protocol/form.ts` has them: whoever builds the pack checks them, and whoever asks them. */
    form: v.optional(v.record(v.string(), v.unknown())),
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
  v.check(
    (described) => firstProblem(described) === undefined,
    ({ input: described }) => `input: ${firstProblem(described)}`,
  ),
  v.check(
    (described) => readersFit(described),
    'variants: an output "page" needs a photo as it is (fit "contain", no "orient") and a reader in each program, others none',
  ),
  v.check(
    ({ labels, output }) => labels.length > 0 || !needsLabels(output),
    'labels: an output of this kind needs at least one',
  ),
  v.check(({ files, variants, card, input, labels, clips = {} }) => {
    const paths = new Set(files.map((file) => file.path))
    const named = [
      ...[...labels.map((label) => label.clips), ...Object.values(clips)].flatMap((by) => Object.values(by ?? {})),
      ...variants.flatMap(({ programs }) => programs.flatMap(programPaths)),
      ...inputsOf({ input, variants }).flatMap(inputPaths),
    ]
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

/** How a model is fed. */
export type Feeding = Pick<Manifest, 'input' | 'constants' | 'state'> & { readonly output?: Output }

/** The files that a program needs. */
export function programPaths(program: Program): string[] {
  const { reader } = program
  const own =
    program.engine === 'nano' ? [program.plan] : [program.model, ...(program.weights ? [program.weights] : [])]
  if (!reader) return own
  const more = 'plan' in reader ? [reader.plan] : [reader.model, ...(reader.weights ? [reader.weights] : [])]
  return [...own, ...more]
}

/** The files that a phone needs to answer with a program of a variant. */
export const neededPaths = (manifest: Pick<Manifest, 'input'>, variant: Variant, program: Program): string[] => [
  ...programPaths(program),
  ...inputPaths(variant.input ?? manifest.input),
]

/** Line 2 of a manifest file: who vouches for line 1. */
const ManifestSignature = v.strictObject({
  alg: v.literal('ES256'),
  /** Who signed. */
  key: PublicKey,
  /** Over the bytes of line 1. */
  signature: Signature,
  /** Keys that signed before, oldest first, each with its word for the next: a phone that trusts one trusts `key`. */
  former: v.optional(v.pipe(v.array(FormerKey), v.maxLength(MOST_FORMER))),
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
