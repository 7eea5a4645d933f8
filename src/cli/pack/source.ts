import { readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, relative, sep } from 'node:path'
import type { Bytes } from '../../lib/bytes.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import type { ReadExternal } from '../../onnx/read.ts'
import { type AccuracyFile, parseAccuracy } from '../../protocol/accuracy.ts'
import { type Calibration, parseCalibration } from '../../protocol/calibration.ts'
import { JikoError } from '../../protocol/error.ts'
import { type Form, parseForm } from '../../protocol/form.ts'
import { type PackSource, parsePackSource } from '../../protocol/pack-source.ts'
import { readBytesIfThere, readTextFile } from '../files.ts'

/** All that a pack is built from. */
export interface SourceFolder {
  readonly folder: string
  readonly source: PackSource
  readonly model: Bytes
  /** SHA-256 of the model file. */
  readonly modelDigest: string
  readonly external: ReadExternal
  readonly calibration: Calibration | undefined
  /** Where that is kept, beside the model. */
  readonly calibrationFile: string
  readonly accuracy: AccuracyFile | undefined
  readonly card: Bytes | undefined
  readonly form?: Form | undefined
  /** The smaller model that is fetched first, as a source of its own. */
  readonly first?: SourceFolder
  /** The model that reads each line which the other one finds, as a source of its own. */
  readonly reader?: SourceFolder
}

export const CALIBRATION_FILE = 'calibration.json'
export const ACCURACY_FILE = 'accuracy.json'
const CARD_FILE = 'card.md'
const FORM_FILE = 'form.json'

async function required(path: string, what: string): Promise<Bytes> {
  const bytes = await readBytesIfThere(path)
  if (bytes) return bytes
  throw new JikoError('pack/bad-source', `${path} is missing: ${what}`)
}

async function optionalText<T>(path: string, parse: (text: string) => T): Promise<T | undefined> {
  const text = await readTextFile(path)
  return text === undefined ? undefined : parse(text)
}

/**
 * Files beside the model that hold its weights. What lies elsewhere is none of the model's business: its bytes would be
 * handed on in a pack.
 * @throws JikoError `model/bad-external`
 */
export function externalIn(folder: string): ReadExternal {
  return (path) => {
    const file = join(folder, path)
    const inside = relative(folder, file)
    if (isAbsolute(path) || isAbsolute(inside) || inside.split(sep)[0] === '..')
      throw new JikoError('model/bad-external', `The model wants its weights from "${path}", which is not beside it.`)
    return statSync(file, { throwIfNoEntry: false })?.isFile() ? new Uint8Array(readFileSync(file)) : undefined
  }
}

/** A pack that reads lines and nothing else; undefined where no second model is named. */
export function readerSource(source: PackSource): PackSource | undefined {
  const { image: _, reader, output, constants: __, state: ___, ...same } = source
  if (reader === undefined || typeof output !== 'object' || output.kind !== 'page') return undefined
  const { line } = output
  return { ...same, model: reader, input: line.input, output: line.output }
}

/**
 * Reads `pack.json` and what stands beside it.
 * @throws JikoError `pack/bad-source`, `pack/bad-calibration`, `pack/bad-accuracy`, `pack/bad-form`
 */
export async function readSourceFolder(folder: string): Promise<SourceFolder> {
  const text = await required(join(folder, 'pack.json'), 'it says what the pack is; see models/ for an example')
  const source = parsePackSource(new TextDecoder().decode(text))
  const common = {
    folder,
    external: externalIn(folder),
    accuracy: await optionalText(join(folder, ACCURACY_FILE), parseAccuracy),
    card: await readBytesIfThere(join(folder, CARD_FILE)),
    form: await optionalText(join(folder, FORM_FILE), parseForm),
  }
  const readOne = async (source: PackSource, calibrationFile: string): Promise<SourceFolder> => {
    const model = await required(join(folder, source.model), 'pack.json names it as a model')
    const calibration = await optionalText(join(folder, calibrationFile), parseCalibration)
    return { ...common, source, model, modelDigest: await sha256Hex(model), calibration, calibrationFile }
  }
  const full = await readOne(source, CALIBRATION_FILE)
  const reader = readerSource(source)
  if (reader) return { ...full, reader: await readOne(reader, `reader.${CALIBRATION_FILE}`) }
  if (!source.first) return full
  const { name, model, decision = source.decision } = source.first
  return { ...full, first: await readOne({ ...source, model, decision }, `${name}.${CALIBRATION_FILE}`) }
}
