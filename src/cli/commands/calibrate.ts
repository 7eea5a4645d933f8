import { basename, join } from 'node:path'
import { Command, Option } from 'commander'
import { utf8 } from '../../lib/bytes.ts'
import { METHODS, type Method } from '../../onnx/quantise/calibrate.ts'
import type { JudgedSamples } from '../../onnx/quantise/measure.ts'
import type { Calibration } from '../../protocol/calibration.ts'
import { listSamples, spread } from '../data-set.ts'
import { createEngines } from '../engines.ts'
import { writeAtomic } from '../files.ts'
import { interruptSignal } from '../interrupt.ts'
import { positiveNumber, wholeNumber } from '../options.ts'
import { calibrate } from '../pack/calibrate.ts'
import { type PreparedModel, prepareModel } from '../pack/prepare-model.ts'
import { feedSamples } from '../pack/samples.ts'
import { readSourceFolder, type SourceFolder } from '../pack/source.ts'
import { createProgress } from '../progress.ts'
import { createReadInput } from '../read-input.ts'

interface CalibrateOptions {
  data: string
  method: Method | 'auto'
  samples?: number
  budget?: number
  bits?: number
}

export function calibrateCommand(): Command {
  return new Command('calibrate')
    .description('measure on samples what int8 needs to know, and keep it as calibration.json beside the model')
    .argument('<folder>', 'folder with pack.json and the model')
    .requiredOption(
      '--data <folder>',
      'photos, sounds or texts like those that people will give it; never those that accuracy is reported on',
    )
    .addOption(methodOption())
    .addOption(samplesOption())
    .addOption(budgetOption())
    .addOption(
      new Option('--bits <count>', 'bits of weights, in as many nodes as the budget allows')
        .choices(['8', '7', '6', '5', '4', '3'])
        .argParser(Number),
    )
    .action(async (path: string, { data, method, samples, budget, bits }: CalibrateOptions) => {
      const engines = createEngines()
      const signal = interruptSignal()
      const folder = await readSourceFolder(path)
      for (const one of folder.first ? [folder, folder.first] : [folder]) {
        const prepared = await prepareModel(one, engines.open, signal)
        const list = await samplesFrom(data, prepared, one, samples)
        const measured = { model: one.modelDigest, data: basename(data) }
        const made = await withProgress('calibrating', (onProgress) =>
          calibrate(prepared, measured, list, {
            engines,
            method,
            signal,
            onProgress,
            ...(budget && { budget }),
            ...(bits && { bits }),
          }),
        )
        const file = join(path, one.calibrationFile)
        await writeAtomic(file, utf8(formatCalibration(made)))
        console.log(`${file}: ${Object.keys(made.ranges).length} ranges (${made.method}) from ${made.samples} samples`)
      }
    })
}

export const methodOption = (): Option =>
  new Option('--method <method>', 'how ranges are taken from what was seen')
    .choices(['auto', ...METHODS])
    .default('auto')

export const budgetOption = (): Option =>
  new Option(
    '--budget <points>',
    'what shrinking may cost: points of accuracy where the folders are labels of the pack, else hundredths of cosine similarity of the answers, e.g. 0.5',
  ).argParser(positiveNumber)

export const samplesOption = (): Option =>
  new Option('--samples <count>', 'at most this many samples, spread evenly (128)').argParser(wholeNumber)

const SAMPLES = 128

/** One tensor a line: a change in it can be read in a diff. */
export function formatCalibration(calibration: Calibration): string {
  return `${JSON.stringify(calibration, null, 1).replaceAll(/\[\s+([^[\]]+?)\s+\]/g, (_, inner: string) => `[${inner.replaceAll(/\s+/g, ' ')}]`)}\n`
}

/** Samples of a data set, read and fed as the pack says. @throws JikoError `cli/no-samples`, `cli/no-folder` */
export async function samplesFrom(
  data: string,
  prepared: PreparedModel,
  { source }: SourceFolder,
  most = SAMPLES,
): Promise<JudgedSamples> {
  const { kind } = prepared.input
  const samples = await listSamples(data, kind, createReadInput(kind))
  return feedSamples(prepared, spread(samples, most), source.labels)
}

/** Shows progress for as long as the work lasts. */
export async function withProgress<T>(
  what: string,
  work: (onProgress: (done: number, total: number) => void) => Promise<T>,
): Promise<T> {
  const progress = createProgress(what)
  try {
    return await work(progress.update)
  } finally {
    progress.stop()
  }
}
