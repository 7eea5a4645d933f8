import { basename, join } from 'node:path'
import { Command, Option } from 'commander'
import type { Method } from '../../onnx/quantise/calibrate.ts'
import type { JudgedSamples } from '../../onnx/quantise/measure.ts'
import type { Calibration } from '../../protocol/calibration.ts'
import { faceFinderOf } from '../../protocol/face-finder.ts'
import { createWeighingEngines } from '../engines.ts'
import { cacheFolder, readRepository } from '../hugging-face/read-repository.ts'
import { isRepository, PUBLIC_ENDPOINT, parseEndpoint, parseRepository } from '../hugging-face/repository.ts'
import { interruptSignal } from '../interrupt.ts'
import { wholeNumber } from '../options.ts'
import { chooseAutomatically, USUAL_BUDGET, type Weighed, type Work } from '../pack/auto.ts'
import { brotliLength, comparison } from '../pack/brotli.ts'
import { buildPack } from '../pack/build-pack.ts'
import { type CalibrateOptions, calibrate } from '../pack/calibrate.ts'
import { type PreparedModel, prepareModel } from '../pack/prepare-model.ts'
import { deltasFrom } from '../pack/previous.ts'
import { seededSamples } from '../pack/samples.ts'
import { BITS, isQuantised, type Precision } from '../pack/shrink.ts'
import { readSourceFolder, type SourceFolder } from '../pack/source.ts'
import { type ModelOptions, sourceFromModel } from '../pack/source-from-model.ts'
import { bytesOf, writePack } from '../pack/write-pack.ts'
import { createProgress } from '../progress.ts'
import { loadReleaseKey } from '../release-key.ts'
import { kilobytes, table } from '../text.ts'
import { budgetOption, methodOption, samplesFrom, samplesOption, withProgress } from './calibrate.ts'

interface SourceOptions extends ModelOptions {
  hfEndpoint: string
  revision?: string
  file?: string
  cache?: string
}

interface PackOptions extends SourceOptions {
  out: string
  calibrate?: string
  method: Method | 'auto'
  samples?: number
  budget?: number
  quantize?: Precision | 'auto'
  compare?: boolean
  previous: string[]
}

export function packCommand(): Command {
  return new Command('pack')
    .description('build a signed pack from a folder with pack.json and a float ONNX model')
    .argument('<source>', 'folder with pack.json (see models/ for an example), an .onnx file, or hf:org/name')
    .requiredOption('--out <folder>', 'where packs go; one folder a pack, and index.json')
    .option('--calibrate <folder>', 'photos to measure ranges on, when there is no calibration.json')
    .addOption(methodOption())
    .addOption(samplesOption())
    .addOption(budgetOption())
    .addOption(
      new Option(
        '--quantize <precision>',
        'what the phone runs, else as pack.json says, else int8; auto takes the smallest within --budget (0.5)',
      ).choices(['auto', 'int8', 'int7', 'int4', 'int3', 'dynamic', 'fp16', 'none']),
    )
    .option(
      '--previous <folders...>',
      'older versions that phones may have, to update from by differences; the one in --out is among them',
      [],
    )
    .option('--compare', 'say too what the plain ONNX file would cost with Brotli 11 (slow)')
    .option('--hf-endpoint <url>', 'where hf:org/name is fetched from', PUBLIC_ENDPOINT)
    .option('--revision <name>', 'of hf:org/name: branch, tag or commit (main)')
    .option('--file <path>', 'of hf:org/name: which ONNX file, when there are several')
    .option('--cache <folder>', 'of hf:org/name: keeps what was fetched (JIKO_CACHE, else ~/.cache/jiko)')
    .option('--task <name>', 'of an .onnx file (image-classification)')
    .option('--labels <file>', 'of an .onnx file: one label a line, in the order of its outputs')
    .option('--name <name>', 'of an .onnx file: what to call the pack')
    .addOption(new Option('--mean <number>', 'of an .onnx file: (pixel - mean) / std').argParser(Number))
    .addOption(new Option('--std <number>', 'of an .onnx file').argParser(Number))
    .addOption(new Option('--width <pixels>', 'of an .onnx file that leaves it open').argParser(wholeNumber))
    .addOption(new Option('--height <pixels>', 'of an .onnx file that leaves it open').argParser(wholeNumber))
    .option('--licence <spdx>', 'of an .onnx file')
    .action(
      async (
        path: string,
        { out, calibrate: data, method, samples: count, budget, quantize, compare, previous, ...options }: PackOptions,
      ) => {
        const signal = interruptSignal()
        const engines = createWeighingEngines()
        const folder = await readSource(path, options, signal)
        const prepared = await prepareModel(folder, engines.open, signal)
        const how: CalibrateOptions = { engines, method, signal, ...(budget && { budget }) }
        const samples =
          data && !isQuantised(prepared.graph) ? await samplesFrom(data, prepared, folder, count) : undefined
        const { precision, calibration } = await decide(
          folder,
          prepared,
          quantize ?? folder.source.precision ?? 'int8',
          samples,
          data,
          how,
        )
        const { signer, former } = await loadReleaseKey()
        const pack = await buildPack(
          { ...folder, calibration },
          { engines, signer, former, precision, prepared, signal },
        )
        const { deltas, notes } = await deltasFrom([join(out, pack.manifest.name), ...previous], pack)
        const listed = await writePack(out, pack, deltas)
        const finder = faceFinderOf(pack.manifest.form)
        if (finder !== undefined && !listed.some(({ name }) => name === finder))
          notes.push(`its form names ${finder} to hide faces, which is not in ${out}: without it phones keep no photo`)
        for (const note of [...pack.notes, ...notes]) console.error(`jiko: ${pack.manifest.name}: ${note}`)
        console.log(
          summary(pack.manifest.name, pack.manifest.version, pack.digest, bytesOf(pack.manifest), pack.blob.length),
        )
        if (compare) console.log(comparison(bytesOf(pack.manifest), await brotliLength(folder)))
      },
    )
}

/** Measures what the precision needs, or which one it shall be. */
async function decide(
  { modelDigest, calibration: known }: SourceFolder,
  prepared: PreparedModel,
  quantize: Precision | 'auto',
  samples: JudgedSamples | undefined,
  data: string | undefined,
  options: CalibrateOptions,
): Promise<{ precision: Precision; calibration: Calibration | undefined }> {
  const measured = { model: modelDigest, data: basename(data ?? 'seeded inputs') }
  if (quantize !== 'auto') {
    if (!samples || !(quantize === 'int8' || quantize in BITS)) return { precision: quantize, calibration: known }
    const bits = BITS[quantize] ?? 8
    const calibration = await withProgress('calibrating', (onProgress) =>
      calibrate(prepared, measured, samples, { ...options, bits, onProgress }),
    )
    return { precision: quantize, calibration }
  }
  if (isQuantised(prepared.graph)) return { precision: 'int8', calibration: known }
  const judged = samples ?? seededSamples(prepared, SEEDED)
  const budget = options.budget ?? USUAL_BUDGET
  let bar = createProgress('weighing')
  const given = { judged, ...(samples && { samples }), ...(known && { known }) }
  const { best, tried, refused } = await chooseAutomatically(prepared, measured, given, {
    ...options,
    onWork(work) {
      const ahead = describeWork(work, budget)
      if (ahead) console.error(ahead)
    },
    onTry(precision, at, of) {
      bar.stop()
      console.error(`jiko: auto tries ${precision} (${at} of ${of})`)
      bar = createProgress(precision)
    },
    onProgress: (done, total) => bar.update(done, total),
  }).finally(() => bar.stop())
  for (const why of refused) console.error(`jiko: not tried, ${why}`)
  console.error(describeChoice(best, tried, budget, judged.right !== undefined))
  return { precision: best.precision, calibration: best.calibration }
}

/** Inputs made from seeds that precisions are compared on where no data is given. */
const SEEDED = 16

/** Whoever waits so long is told what for. */
const LONG_MS = 60_000

/** Why it will take long, where it may. */
export function describeWork({ runs, ms, nodes }: Work, budget: number): string | undefined {
  if (runs * ms < LONG_MS) return undefined
  const minutes = Math.ceil((runs * ms) / 60_000)
  return (
    `jiko: auto may take ${minutes} minutes and more: it runs the model up to ${runs} times, ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms each, ` +
    `since a precision that loses more than ${budget} is tried node by node (${nodes} nodes). ` +
    'Fewer samples (--samples) or one precision (--quantize int8) take less.'
  )
}

function describeChoice(best: Weighed, tried: readonly Weighed[], budget: number, labelled: boolean): string {
  const unit = labelled ? 'points of accuracy' : 'hundredths of cosine similarity'
  const rows = tried.map((one) => [
    one === best ? `-> ${one.precision}` : `   ${one.precision}`,
    kilobytes(one.bytes),
    one.lost.toFixed(3),
  ])
  return `${table([['', 'bytes', 'lost'], ...rows])}\njiko: the smallest that loses at most ${budget} ${unit}`
}

async function readSource(
  path: string,
  { hfEndpoint, revision, cache = cacheFolder(), file, ...options }: SourceOptions,
  signal: AbortSignal,
): Promise<SourceFolder> {
  if (!isRepository(path) && !path.endsWith('.onnx')) return readSourceFolder(path)
  const { folder, guessed } = isRepository(path)
    ? await withProgress('fetching', (onProgress) =>
        readRepository(
          parseRepository(path, revision),
          { ...options, cache, ...(file && { file }) },
          { endpoint: parseEndpoint(hfEndpoint), signal },
          onProgress,
        ),
      )
    : await sourceFromModel(path, options)
  // Some of it was written by strangers.
  console.error(`jiko: guessed: ${guessed.join('; ').replace(/\p{Cc}+/gu, ' ')}`)
  return folder
}

export const summary = (name: string, version: string, digest: string, phone: number, all: number): string =>
  `${name} ${version} ${digest.slice(0, 12)}: ${kilobytes(phone)} for a phone, ${kilobytes(all)} in all`
