import { basename, dirname } from 'node:path'
import { sha256Hex } from '../../lib/sha256.ts'
import { createGraph, type Graph } from '../../onnx/graph.ts'
import { readModel } from '../../onnx/read.ts'
import { JikoError } from '../../protocol/error.ts'
import type { ImageInput, Input } from '../../protocol/input.ts'
import type { Label } from '../../protocol/manifest.ts'
import { needsLabels, type Output } from '../../protocol/output.ts'
import type { PackSource } from '../../protocol/pack-source.ts'
import { readBytes, readTextFile } from '../files.ts'
import { CALIBRATION_FILE, externalIn, type SourceFolder } from './source.ts'

/** What a bare ONNX file does not say of itself. */
export interface ModelOptions {
  name?: string
  task?: string
  /** A file with one label a line, in the order of the outputs. */
  labels?: string
  /** Instead of a file: the labels themselves. */
  names?: readonly string[]
  /** What a file beside the model says of its input; the options below count more. */
  image?: Partial<Pick<ImageInput, 'width' | 'height' | 'fit' | 'layout' | 'order' | 'mean' | 'std'>>
  /** `(pixel - mean) / std`, pixels 0-255. */
  mean?: number
  std?: number
  width?: number
  height?: number
  licence?: string
  /** What files beside the model say of how it is fed and read, where it is no photo. */
  reading?: (graph: Graph) => { input: Input; output: Output; said: readonly string[] }
}

const TASK = 'image-classification'
/** What most nets are fed: pixels from -1 to 1. */
const HALF = 127.5

const slug = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 64)

/**
 * Makes up a source from an ONNX file and options; `guessed` says what nobody has said.
 * @throws JikoError `pack/unsupported-task`, `model/not-an-image`, `model/not-a-classifier`, `pack/bad-source`, `cli/no-file`
 */
export async function sourceFromModel(
  path: string,
  options: ModelOptions,
): Promise<{ folder: SourceFolder; guessed: string[] }> {
  const { task = TASK, reading } = options
  if (task !== TASK && !reading)
    throw new JikoError(
      'pack/unsupported-task',
      `A bare model says nothing of how to feed it for "${task}"; write a pack.json beside it (see models/), or give one for ${TASK}.`,
    )
  const model = await readBytes(path)
  const external = externalIn(dirname(path))
  const graph = createGraph(readModel(model, external))
  const guessed: string[] = []
  const read = reading?.(graph)
  guessed.push(...(read?.said ?? []))
  const fed = read ? { input: read.input, output: read.output } : { image: guessImage(graph, options, guessed) }
  if (!read) checkOutputs(graph)
  const labels = read && !needsLabels(read.output) ? [] : labelled(options.names ?? (await readLabels(options.labels)))
  const name = options.name ?? slug(basename(path, '.onnx'))
  if (!options.name) guessed.push(`name ${name}`)
  const source: PackSource = {
    name,
    version: '1.0.0',
    task,
    title: { en: name },
    description: { en: `Made from ${basename(path)}` },
    labels,
    ...fed,
    decision: { temperature: 1, threshold: 0 },
    model: basename(path),
    licence: options.licence ?? 'LicenseRef-unknown',
    attribution: 'unknown',
  }
  if (!options.licence) guessed.push('no licence: find out before you pass the pack on')
  const folder = {
    folder: dirname(path),
    source,
    model,
    modelDigest: await sha256Hex(model),
    external,
    calibration: undefined,
    calibrationFile: CALIBRATION_FILE,
    accuracy: undefined,
    card: undefined,
  }
  return { folder, guessed }
}

function guessImage(
  graph: Graph,
  { mean, std, width, height, image = {} }: ModelOptions,
  guessed: string[],
): NonNullable<PackSource['image']> {
  const [input, ...others] = graph.inputs
  if (!input || others.length > 0) {
    const names = graph.inputs.map((one) => `"${one.name}"`).join(', ')
    throw new JikoError(
      'model/not-an-image',
      `The model has ${graph.inputs.length} inputs (${names}); ${TASK} has one, a picture.`,
    )
  }
  const shape = `${input.type ?? '?'} [${input.dims?.map((dim) => dim ?? '?').join(', ') ?? '?'}]`
  const [, a, b, c] = input.dims ?? []
  // Exporters leave the channels open too; then only a file beside the model can say where they are.
  const layout = a === 3 ? 'nchw' : c === 3 ? 'nhwc' : typeof a !== 'number' ? image.layout : undefined
  if (input.type !== 'float32' || input.dims?.length !== 4 || !layout) {
    throw new JikoError(
      'model/not-an-image',
      `The model's input "${input.name}" is ${shape}, not a colour picture; ${TASK} needs float32 [1, 3, height, width].`,
    )
  }
  const [rows, columns] = layout === 'nchw' ? [b, c] : [a, b]
  const pick = (asked: number | undefined, fixed: number | string | null | undefined, told: number | undefined) =>
    asked ?? (typeof fixed === 'number' && fixed > 0 ? fixed : told)
  const size = { width: pick(width, columns, image.width), height: pick(height, rows, image.height) }
  if (size.width === undefined || size.height === undefined || size.width < 1 || size.height < 1) {
    throw new JikoError(
      'model/open-shape',
      `The model leaves its input size open (${shape}); say it with --width and --height.`,
    )
  }
  const triple = (value: number): [number, number, number] => [value, value, value]
  const [means, stds] = [
    mean === undefined ? (image.mean ?? triple(HALF)) : triple(mean),
    std === undefined ? (image.std ?? triple(HALF)) : triple(std),
  ]
  const { fit = 'cover', order = 'rgb' } = image
  if (mean === undefined || std === undefined) guessed.push(`(pixel - ${shown(means)}) / ${shown(stds)}`)
  const how = fit === 'stretch' ? 'stretched' : 'cropped'
  guessed.push(`${layout}, ${order.toUpperCase()}, ${how} to ${size.width} x ${size.height}`)
  return { tensor: input.name, width: size.width, height: size.height, fit, layout, order, mean: means, std: stds }
}

const shown = (values: readonly number[]): string =>
  new Set(values).size === 1 ? String(values[0]) : `[${values.map((value) => Number(value.toPrecision(5))).join(', ')}]`

function checkOutputs({ outputs }: Graph): void {
  if (outputs.length === 1) return
  const names = outputs.map(({ name }) => `"${name}"`).join(', ')
  throw new JikoError(
    'model/not-a-classifier',
    `The model has ${outputs.length} outputs (${names}), as detectors do; ${TASK} has one, a number for each label.`,
  )
}

async function readLabels(path: string | undefined): Promise<string[]> {
  if (path === undefined)
    throw new JikoError(
      'pack/bad-source',
      'A model does not say what its outputs mean: give --labels, one label a line.',
    )
  const text = await readTextFile(path)
  if (text === undefined) throw new JikoError('cli/no-file', `There is no file ${path}.`)
  const lines = text.split(/\r?\n/).map((line) => line.trim())
  while (lines.at(-1) === '') lines.pop()
  return lines
}

function labelled(lines: readonly string[]): Label[] {
  const used = new Map<string, number>()
  return lines.map((name, i) => {
    const wish = slug(name).slice(0, 56) || `class-${i}`
    const times = (used.get(wish) ?? 0) + 1
    used.set(wish, times)
    return { id: times === 1 ? wish : `${wish}-${times}`, name: { en: name || wish } }
  })
}
