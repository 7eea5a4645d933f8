import { join } from 'node:path'
import { type Bytes, utf8 } from '../../lib/bytes.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import type { PassReport } from '../../onnx/simplify.ts'
import { JikoError } from '../../protocol/error.ts'
import { inputPaths } from '../../protocol/input.ts'
import {
  formatSignedManifest,
  MANIFEST_FORMAT,
  Manifest,
  type ManifestSignature,
  type Variant,
} from '../../protocol/manifest.ts'
import { parseWith } from '../../protocol/parse.ts'
import type { Signer } from '../../protocol/sign.ts'
import type { FormerKey } from '../../protocol/succession.ts'
import { prepareFor } from '../../tasks/table.ts'
import type { Engines } from '../engines.ts'
import { readBytes } from '../files.ts'
import { chunkFiles } from './chunk.ts'
import { describeClips, readClips } from './clips.ts'
import { type PreparedModel, prepareModel } from './prepare-model.ts'
import { isQuantised, type Precision, shrink } from './shrink.ts'
import type { SourceFolder } from './source.ts'
import { type BuiltVariant, buildVariant, withReader } from './variant.ts'

/** A pack in memory: the text of `manifest.ndjson` and the blob that stands beside it. */
export interface BuiltPack {
  readonly manifest: Manifest
  /** SHA-256 of line 1: the pack's identity. */
  readonly digest: string
  readonly text: string
  readonly blob: Bytes
  readonly reports: readonly PassReport[]
  /** What was left out or looks wrong, for a person to read. */
  readonly notes: readonly string[]
}

export interface BuildOptions {
  engines: Engines
  signer: Signer
  /** Keys that signed before this one. */
  former?: readonly FormerKey[]
  precision?: Precision
  /** When the model was prepared before, for calibration. */
  prepared?: PreparedModel
  signal?: AbortSignal
}

const CARD = 'card.md'

/**
 * Builds a pack. Same inputs give the same line 1 and the same blob; only the signature on line 2 differs.
 * @throws JikoError `pack/not-calibrated`, `pack/...`, `model/...`
 */
export async function buildPack(
  folder: SourceFolder,
  {
    engines,
    signer,
    former = [],
    precision = folder.source.precision ?? 'int8',
    prepared: known,
    signal,
  }: BuildOptions,
): Promise<BuiltPack> {
  const prepared = known ?? (await prepareModel(folder, engines.open, signal))
  const { input, output, constants, state, reports } = prepared
  signal?.throwIfAborted()
  // A tokenizer that cannot be used is told here, not on a phone.
  await prepareFor(input, (path) => readBytes(join(folder.folder, path)))
  const { name: variantName, graph } = shrink(prepared, precision, folder)
  const single = await buildVariant(variantName, graph, prepared, engines)
  const built = folder.reader ? await addReader(single, folder.reader, prepared, precision, engines, signal) : single
  const notes: string[] = [...lossOf(variantName, folder)]
  const variants = [describe(folder, built, reports, notes)]
  const contents = new Map(built.files)
  if (folder.first && folder.source.first) {
    const { first } = folder
    const smaller = await prepareModel(first, engines.open, signal)
    const quick = await buildVariant(
      folder.source.first.name,
      shrink(smaller, precision, first).graph,
      smaller,
      engines,
    )
    const described = describe(first, quick, smaller.reports, notes)
    variants.push({ ...described, role: 'first', output: smaller.output, decision: first.source.decision })
    for (const [path, bytes] of quick.files) contents.set(path, bytes)
  }
  for (const path of inputPaths(input)) contents.set(path, await readBytes(join(folder.folder, path)))
  for (const [path, bytes] of await readClips(folder.folder, folder.source)) contents.set(path, bytes)
  if (folder.card) contents.set(CARD, folder.card)
  const { files, chunks, blob } = await chunkFiles(contents)
  const { name, version, task, title, description, labels, decision, clips, licence, attribution, sources } =
    folder.source
  const manifest = parseWith(
    Manifest,
    {
      format: MANIFEST_FORMAT,
      name,
      version,
      task,
      title,
      description,
      labels,
      input,
      output,
      ...(constants && { constants }),
      ...(state && { state }),
      decision,
      ...(clips && { clips }),
      ...(folder.form && { form: folder.form }),
      variants,
      blob: { path: `${await sha256Hex(blob)}.bin`, length: blob.length, chunks },
      files,
      licence,
      attribution,
      ...(sources && { sources }),
      ...(folder.card && { card: CARD }),
    },
    'pack/bad-manifest',
    'the manifest that was built',
  )
  const line = JSON.stringify(manifest)
  const signature: ManifestSignature = {
    alg: 'ES256',
    key: signer.key,
    signature: await signer.sign(utf8(line)),
    ...(former.length > 0 && { former: [...former] }),
  }
  return {
    manifest,
    digest: await sha256Hex(utf8(line)),
    text: formatSignedManifest(line, signature),
    blob,
    reports,
    notes: [...notes, ...describeClips(manifest)],
  }
}

/** The graph that reads, in the same precision, joined to the one that finds what it is to read. */
async function addReader(
  first: BuiltVariant,
  folder: SourceFolder,
  feeding: PreparedModel,
  precision: Precision,
  engines: Engines,
  signal?: AbortSignal,
): Promise<BuiltVariant> {
  const prepared = await prepareModel(folder, engines.open, signal)
  if ((precision === 'int8' || precision === 'int7') && !folder.calibration && !isQuantised(prepared.graph)) {
    throw new JikoError(
      'pack/not-calibrated',
      `Ranges of a reader are not measured yet, which ${precision} needs; use --quantize dynamic, fp16 or none.`,
    )
  }
  const { graph } = shrink(prepared, precision, folder)
  const reader = await buildVariant(first.name, graph, prepared, engines, 'reader')
  return withReader(first, reader, async (program, read) => engines.weigh?.(program, read, feeding))
}

/** What the manifest says of a variant. */
function describe(folder: SourceFolder, built: BuiltVariant, reports: readonly PassReport[], notes: string[]): Variant {
  notes.push(...reports.filter(({ kept }) => !kept).map(describeDropped), ...built.notes)
  const { name, programs, golden } = built
  const accuracy = figuresFor(folder, built, notes)
  return { name, programs, golden, ...(accuracy && { accuracy }) }
}

/** More than this is no price for bytes any more: something is wrong with the model, the samples or the precision. */
const MUCH = 5

function lossOf(variant: string, { calibration }: SourceFolder): string[] {
  const { lost } = calibration ?? {}
  if (!lost || !variant.startsWith('int') || lost.value <= MUCH) return []
  const unit = lost.of === 'accuracy' ? 'points of accuracy' : 'hundredths of cosine similarity'
  return [`${variant} LOSES ${lost.value} ${unit} on the samples: try --quantize auto, other samples, or fp16`]
}

function describeDropped({ pass, difference, error }: PassReport): string {
  const why = error ?? `it changed the answers by ${(100 * difference).toFixed(3)} %`
  return `the pass "${pass}" was dropped: ${why}`
}

/** Figures of exactly this program; stale ones are never shown. */
function figuresFor(
  { accuracy }: SourceFolder,
  { name, programDigest }: BuiltVariant,
  notes: string[],
): Variant['accuracy'] {
  if (!accuracy) {
    notes.push('there is no accuracy.json: the pack claims no accuracy; measure it with `jiko eval --write`')
    return undefined
  }
  const measured = accuracy.variants.find((variant) => variant.name === name)
  if (measured?.program === programDigest) return measured.figures
  notes.push(
    `accuracy.json was measured on another ${name} program: its figures are LEFT OUT; measure again with \`jiko eval --write\``,
  )
  return undefined
}
