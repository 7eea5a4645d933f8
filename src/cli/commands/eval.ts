import { Command } from 'commander'
import { utf8 } from '../../lib/bytes.ts'
import { JikoError } from '../../protocol/error.ts'
import type { TaskInput } from '../../protocol/task.ts'
import { startCalls } from '../../runtime/feeding.ts'
import { openTokens } from '../../tasks/tokens.ts'
import { confusionSvg } from '../confusion-svg.ts'
import { listSamples, type Sample } from '../data-set.ts'
import { createEngines } from '../engines.ts'
import { evaluate, evaluateReading, type Outcome } from '../evaluate.ts'
import { evaluateWriting, type Foretold, foretell } from '../evaluate-writing.ts'
import { asJson, asText, type Figures, keepFigures, type Strangers } from '../figures.ts'
import { writeAtomic } from '../files.ts'
import { interruptSignal } from '../interrupt.ts'
import { openPack, type RunnablePack } from '../open-pack.ts'
import { createProgress } from '../progress.ts'
import { createReadInput } from '../read-input.ts'
import { reliabilitySvg } from '../reliability-svg.ts'

interface EvalOptions {
  data: string
  labels?: string
  variant?: string
  engine?: string
  json?: boolean
  svg?: string
  reliability?: string
  strangers: string[]
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
    .option('--reliability <file>', 'draw how right the answers are beside how sure they are, as SVG')
    .option('--strangers <folders...>', 'input that is none of the labels: how often is the answer "not sure"?', [])
    .option('--write <folder>', 'keep the figures as accuracy.json beside the model, for the next build of the pack')
    .action(async (name: string, options: EvalOptions) => {
      const { variant, engine } = options
      const engines = createEngines()
      const runnable = await openPack(name, { engines, ...(variant && { variant }), ...(engine && { engine }) })
      try {
        const signal = interruptSignal()
        const measured = await measure(runnable, options, signal)
        const strangers = []
        for (const folder of options.strangers) strangers.push(await meet(runnable, folder, signal))
        const { figures } = measured
        if (options.svg && 'confusion' in figures) {
          const labels = runnable.pack.manifest.labels.map(({ id }) => id)
          await writeAtomic(options.svg, utf8(confusionSvg(labels, figures.confusion)))
        }
        if (options.reliability) await writeAtomic(options.reliability, utf8(reliabilitySvg(figures.reliability)))
        if (options.write) await keepFigures(options.write, runnable, { ...measured, strangers })
        console.log(options.json ? asJson(runnable, figures, strangers) : asText(runnable, figures, strangers))
      } finally {
        await runnable.dispose()
      }
    })
}

async function measure(
  runnable: RunnablePack,
  { data, labels }: EvalOptions,
  signal: AbortSignal,
): Promise<{ figures: Figures; data: string }> {
  const { input, output, labels: all } = runnable.pack.manifest
  const samples = await listSamples(data, input.kind, createReadInput(input.kind), labels)
  if (output.kind === 'generate') return { figures: evaluateWriting(await readAll(runnable, samples, signal)), data }
  const reads = output.kind === 'text' || output.kind === 'page'
  const known = new Set(all.map(({ id }) => id))
  const strange = reads ? undefined : samples.find(({ label }) => !known.has(label ?? ''))
  if (strange) {
    throw new JikoError(
      'cli/unknown-label',
      `${strange.name} is labelled "${strange.label}", which the pack does not know; it knows ${[...known].slice(0, 12).join(', ')}.`,
    )
  }
  const outcomes = await runAll(runnable, samples, signal)
  return { figures: reads ? evaluateReading(outcomes) : evaluate(outcomes, [...known]), data }
}

/** What a pack that writes would have written, held against what is written. */
async function readAll(
  { pack: { manifest, read }, opened }: RunnablePack,
  samples: readonly Sample[],
  signal: AbortSignal,
): Promise<Foretold[]> {
  const { input, output } = manifest
  if (output.kind !== 'generate' || input.kind !== 'text' || input.features.kind !== 'tokens')
    throw new JikoError(
      'cli/no-classes',
      'Of packs that write, only those that write token after token can be measured.',
    )
  const { features } = input
  const tokens = await openTokens(features, read)
  return each(samples, signal, async (sample) => {
    const { text } = sample as Extract<TaskInput, { kind: 'text' }>
    return foretell(text, tokens, features, output, startCalls(opened.session, manifest), signal)
  })
}

async function meet(runnable: RunnablePack, folder: string, signal: AbortSignal): Promise<Strangers> {
  const { kind } = runnable.pack.manifest.input
  const outcomes = await runAll(runnable, await listSamples(folder, kind, createReadInput(kind)), signal)
  return { folder, count: outcomes.length, notSure: outcomes.filter(({ sure }) => !sure).length }
}

function runAll(runnable: RunnablePack, samples: readonly Sample[], signal: AbortSignal): Promise<Outcome[]> {
  return each(samples, signal, async (input, truth) => {
    const { answer, ms } = await runnable.run(input)
    if (answer.kind !== 'classes' && answer.kind !== 'text')
      throw new JikoError('cli/no-classes', 'Only packs that answer with labels, read or write can be measured.')
    // Of a page it is told in one line what stands in all of them.
    const label = answer.kind === 'text' ? answer.text.replaceAll('\n', ' ') : answer.label
    return { truth, label, score: answer.score, sure: answer.sure, ms }
  })
}

async function each<T>(
  samples: readonly Sample[],
  signal: AbortSignal,
  ask: (input: TaskInput, label: string) => Promise<T>,
): Promise<T[]> {
  const progress = createProgress('measuring')
  try {
    const found: T[] = []
    for (const { read, label = '' } of samples) {
      signal.throwIfAborted()
      found.push(await ask(await read(), label))
      progress.update(found.length, samples.length)
    }
    return found
  } finally {
    progress.stop()
  }
}
