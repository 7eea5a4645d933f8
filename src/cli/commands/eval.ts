import { basename, dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { utf8 } from '../../lib/bytes.ts'
import { ACCURACY_FORMAT, type AccuracyFile, parseAccuracy } from '../../protocol/accuracy.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Variant } from '../../protocol/manifest.ts'
import { confusionSvg } from '../confusion-svg.ts'
import { listSamples } from '../data-set.ts'
import { createEngines } from '../engines.ts'
import { type Evaluation, evaluate, type Outcome } from '../evaluate.ts'
import { readTextFile, writeAtomic } from '../files.ts'
import { interruptSignal } from '../interrupt.ts'
import { openPack, type RunnablePack } from '../open-pack.ts'
import { ACCURACY_FILE } from '../pack/source.ts'
import { programDigest } from '../pack/variant.ts'
import { bytesOf } from '../pack/write-pack.ts'
import { createProgress } from '../progress.ts'
import { createReadInput } from '../read-input.ts'
import { kilobytes, percent, table } from '../text.ts'

interface EvalOptions {
  data: string
  labels?: string
  variant?: string
  engine?: string
  json?: boolean
  svg?: string
  write?: string
}

export function evalCommand(): Command {
  return new Command('eval')
    .description(
      'measure a pack on labelled photos, sounds or texts: accuracy, per class, confusion, calibration, latency, bytes',
    )
    .argument('<pack>', 'name of a built pack, or its folder')
    .requiredOption(
      '--data <folder>',
      'files, each in a folder named by its label; texts also as a table (.csv, .tsv) with columns text and label',
    )
    .option('--labels <file>', 'CSV with columns path and label (or class), instead of folders')
    .option('--variant <name>', 'which precision')
    .option('--engine <name>', 'only this engine: nano or onnx')
    .option('--json', 'the figures as one JSON object')
    .option('--svg <file>', 'draw the confusion matrix')
    .option('--write <folder>', 'keep the figures as accuracy.json beside the model, for the next build of the pack')
    .action(async (name: string, options: EvalOptions) => {
      const { variant, engine } = options
      const engines = createEngines()
      const runnable = await openPack(name, { engines, ...(variant && { variant }), ...(engine && { engine }) })
      try {
        const outcomes = await runAll(runnable, options, interruptSignal())
        const labels = runnable.pack.manifest.labels.map(({ id }) => id)
        const figures = evaluate(outcomes, labels)
        if (options.svg) await writeAtomic(options.svg, utf8(confusionSvg(labels, figures.confusion)))
        if (options.write) await keep(options.write, runnable, figures, options.data)
        console.log(options.json ? JSON.stringify(asJson(runnable, figures)) : asText(runnable, figures))
      } finally {
        await runnable.dispose()
      }
    })
}

async function runAll(runnable: RunnablePack, { data, labels }: EvalOptions, signal: AbortSignal): Promise<Outcome[]> {
  const { kind } = runnable.pack.manifest.input
  const samples = await listSamples(data, kind, createReadInput(kind), labels)
  const known = new Set(runnable.pack.manifest.labels.map(({ id }) => id))
  const strange = samples.find(({ label }) => !known.has(label ?? ''))
  if (strange) {
    throw new JikoError(
      'cli/unknown-label',
      `${strange.name} is labelled "${strange.label}", which the pack does not know; it knows ${[...known].slice(0, 12).join(', ')}.`,
    )
  }
  const progress = createProgress('measuring')
  try {
    const outcomes: Outcome[] = []
    for (const { read, label = '' } of samples) {
      signal.throwIfAborted()
      const { answer, ms } = await runnable.run(await read())
      if (answer.kind !== 'classes')
        throw new JikoError('cli/no-classes', 'Only packs that answer with labels can be measured.')
      outcomes.push({ truth: label, label: answer.label, score: answer.score, sure: answer.sure, ms })
      progress.update(outcomes.length, samples.length)
    }
    return outcomes
  } finally {
    progress.stop()
  }
}

/** Graph and weights of the variant, which are what a figure belongs to, whichever engine ran it. */
async function digestOf({ pack, variant }: RunnablePack): Promise<string> {
  const onnx = pack.manifest.variants
    .find(({ name }) => name === variant.name)
    ?.programs.find((program) => program.engine === 'onnx')
  if (onnx?.engine !== 'onnx')
    throw new JikoError('cli/no-onnx', `Variant ${variant.name} has no ONNX program to name.`)
  return programDigest(await pack.read(onnx.model), onnx.weights ? await pack.read(onnx.weights) : new Uint8Array())
}

async function keep(folder: string, runnable: RunnablePack, figures: Evaluation, data: string): Promise<void> {
  const path = join(folder, ACCURACY_FILE)
  const old = await readTextFile(path)
  const where = { data: basename(dirname(resolve(data))), split: basename(resolve(data)) }
  const common = { ...where, count: figures.count, runtime: runnable.opened.backend }
  const measured: [string, number][] = [
    ['accuracy', figures.accuracy],
    ['balanced accuracy', figures.balancedAccuracy],
    ['share above the threshold', figures.sure.share],
  ]
  if (figures.sure.accuracy !== null) measured.push(['accuracy above the threshold', figures.sure.accuracy])
  const entry: AccuracyFile['variants'][number] = {
    name: runnable.variant.name satisfies Variant['name'],
    program: await digestOf(runnable),
    figures: measured.map(([metric, value]) => ({ ...common, metric, value: round(value) })),
    calibrationError: round(figures.calibrationError),
    perClass: Object.fromEntries(
      Object.entries(figures.perClass).map(([label, one]) => [
        label,
        { count: one.count, recall: round(one.recall), precision: round(one.precision) },
      ]),
    ),
    confusion: figures.confusion,
  }
  const others = old === undefined ? [] : parseAccuracy(old).variants.filter(({ name }) => name !== entry.name)
  const file: AccuracyFile = { format: ACCURACY_FORMAT, variants: [...others, entry] }
  await writeAtomic(path, utf8(`${JSON.stringify(file, null, 1)}\n`))
}

const round = (share: number): number => Number(share.toFixed(4))

const asJson = ({ pack, opened }: RunnablePack, figures: Evaluation) => ({
  pack: pack.manifest.name,
  version: pack.manifest.version,
  digest: pack.digest,
  variant: opened.variant,
  backend: opened.backend,
  refused: opened.refused,
  bytes: bytesOf(pack.manifest),
  ...figures,
})

function asText({ pack, opened }: RunnablePack, figures: Evaluation): string {
  const { manifest } = pack
  const { count, accuracy, balancedAccuracy, sure, calibrationError, perClass, latency } = figures
  const lines = [
    `${manifest.name} ${manifest.version} ${opened.variant} on ${opened.backend}, ${count} samples`,
    ...opened.refused.map((reason) => `passed over: ${reason}`),
    `accuracy ${percent(accuracy)}, balanced ${percent(balancedAccuracy)}, calibration error ${percent(calibrationError)}`,
    `sure of ${percent(sure.share)}${sure.accuracy === null ? '' : `, right in ${percent(sure.accuracy)} of those`}`,
    `${latency.median.toFixed(1)} ms each (95 %: ${latency.p95.toFixed(1)} ms), ${kilobytes(bytesOf(manifest))} for a phone`,
  ]
  const rows = Object.entries(perClass)
    .filter(([, one]) => one.count > 0)
    .map(([label, one]) => [label, percent(one.recall), percent(one.precision), String(one.count)])
  return [...lines, '', table([['', 'recall', 'precision', 'count'], ...rows])].join('\n')
}
