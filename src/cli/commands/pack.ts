import { join } from 'node:path'
import { Command, Option } from 'commander'
import type { Method } from '../../onnx/quantise/calibrate.ts'
import { createEngines } from '../engines.ts'
import { cacheFolder, readRepository } from '../hugging-face/read-repository.ts'
import { isRepository, PUBLIC_ENDPOINT, parseEndpoint, parseRepository } from '../hugging-face/repository.ts'
import { interruptSignal } from '../interrupt.ts'
import { wholeNumber } from '../options.ts'
import { brotliLength, comparison } from '../pack/brotli.ts'
import { buildPack, type Quantise } from '../pack/build-pack.ts'
import { prepareModel } from '../pack/prepare-model.ts'
import { deltasFrom } from '../pack/previous.ts'
import { readSourceFolder, type SourceFolder } from '../pack/source.ts'
import { type ModelOptions, sourceFromModel } from '../pack/source-from-model.ts'
import { isQuantised } from '../pack/variant.ts'
import { bytesOf, writePack } from '../pack/write-pack.ts'
import { createProgress } from '../progress.ts'
import { loadReleaseKey } from '../release-key.ts'
import { kilobytes } from '../text.ts'
import { budgetOption, measure, methodOption, samplesOption } from './calibrate.ts'

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
  quantize: Quantise
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
      new Option('--quantize <precision>', 'what the phone runs').choices(['int8', 'fp16', 'none']).default('int8'),
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
        { out, calibrate: data, method, samples, budget, quantize, compare, previous, ...options }: PackOptions,
      ) => {
        const signal = interruptSignal()
        const engines = createEngines()
        const folder = await readSource(path, options, signal)
        const prepared = await prepareModel(folder, engines.open, signal)
        const fresh =
          data && !isQuantised(prepared.graph)
            ? await measure(folder, prepared, data, engines, {
                method,
                signal,
                ...(samples && { samples }),
                ...(budget && { budget }),
              })
            : folder.calibration
        const { signer } = await loadReleaseKey()
        const pack = await buildPack(
          { ...folder, calibration: fresh },
          { engines, signer, quantise: quantize, prepared, signal },
        )
        const { deltas, notes } = await deltasFrom([join(out, pack.manifest.name), ...previous], pack)
        await writePack(out, pack, deltas)
        for (const note of [...pack.notes, ...notes]) console.error(`jiko: ${pack.manifest.name}: ${note}`)
        console.log(
          summary(pack.manifest.name, pack.manifest.version, pack.digest, bytesOf(pack.manifest), pack.blob.length),
        )
        if (compare) console.log(comparison(bytesOf(pack.manifest), await brotliLength(folder)))
      },
    )
}

async function readSource(
  path: string,
  { hfEndpoint, revision, cache = cacheFolder(), file, ...options }: SourceOptions,
  signal: AbortSignal,
): Promise<SourceFolder> {
  if (!isRepository(path) && !path.endsWith('.onnx')) return readSourceFolder(path)
  const { folder, guessed } = isRepository(path)
    ? await fetching((onProgress) =>
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

async function fetching<T>(work: (onProgress: (done: number, total: number) => void) => Promise<T>): Promise<T> {
  const progress = createProgress('fetching')
  try {
    return await work(progress.update)
  } finally {
    progress.stop()
  }
}

export const summary = (name: string, version: string, digest: string, phone: number, all: number): string =>
  `${name} ${version} ${digest.slice(0, 12)}: ${kilobytes(phone)} for a phone, ${kilobytes(all)} in all`
