import { join } from 'node:path'
import { Command, Option } from 'commander'
import { utf8 } from '../../lib/bytes.ts'
import { METHODS, type Method } from '../../onnx/quantise/calibrate.ts'
import type { Calibration } from '../../protocol/calibration.ts'
import { createImageDecoder } from '../decode-image.ts'
import type { Engines } from '../engines.ts'
import { createEngines } from '../engines.ts'
import { writeAtomic } from '../files.ts'
import { interruptSignal } from '../interrupt.ts'
import { positiveNumber, wholeNumber } from '../options.ts'
import { calibrate } from '../pack/calibrate.ts'
import { type PreparedModel, prepareModel } from '../pack/prepare-model.ts'
import { CALIBRATION_FILE, readSourceFolder, type SourceFolder } from '../pack/source.ts'
import { createProgress } from '../progress.ts'

interface CalibrateOptions {
  data: string
  method: Method | 'auto'
  samples?: number
  budget?: number
}

export function calibrateCommand(): Command {
  return new Command('calibrate')
    .description('measure on photos what int8 needs to know, and keep it as calibration.json beside the model')
    .argument('<folder>', 'folder with pack.json and the model')
    .requiredOption(
      '--data <folder>',
      'photos like those that people will take; never those that accuracy is reported on',
    )
    .addOption(methodOption())
    .addOption(samplesOption())
    .addOption(budgetOption())
    .action(async (path: string, { data, method, samples, budget }: CalibrateOptions) => {
      const engines = createEngines()
      const signal = interruptSignal()
      const folder = await readSourceFolder(path)
      const prepared = await prepareModel(folder, engines.open, signal)
      const made = await measure(folder, prepared, data, engines, {
        method,
        signal,
        ...(samples && { samples }),
        ...(budget && { budget }),
      })
      await writeAtomic(join(path, CALIBRATION_FILE), utf8(formatCalibration(made)))
      console.log(
        `${join(path, CALIBRATION_FILE)}: ${Object.keys(made.ranges).length} ranges (${made.method}) from ${made.samples} photos`,
      )
    })
}

export const methodOption = (): Option =>
  new Option('--method <method>', 'how ranges are taken from what was seen')
    .choices(['auto', ...METHODS])
    .default('auto')

export const budgetOption = (): Option =>
  new Option(
    '--budget <error>',
    'keep nodes float until the squared error of the answers is at most this part of them, e.g. 0.001',
  ).argParser(positiveNumber)

export const samplesOption = (): Option =>
  new Option('--samples <count>', 'at most this many photos, spread evenly (128)').argParser(wholeNumber)

/** One tensor a line: a change in it can be read in a diff. */
export function formatCalibration(calibration: Calibration): string {
  return `${JSON.stringify(calibration, null, 1).replaceAll(/\[\s+([^[\]]+?)\s+\]/g, (_, inner: string) => `[${inner.replaceAll(/\s+/g, ' ')}]`)}\n`
}

export async function measure(
  folder: SourceFolder,
  prepared: PreparedModel,
  data: string,
  engines: Engines,
  options: { method: Method | 'auto'; samples?: number; budget?: number; signal: AbortSignal },
): Promise<Calibration> {
  const progress = createProgress('calibrating')
  try {
    const decode = createImageDecoder()
    return await calibrate(prepared, folder.modelDigest, data, {
      engines,
      decode,
      ...options,
      onProgress: progress.update,
    })
  } finally {
    progress.stop()
  }
}
