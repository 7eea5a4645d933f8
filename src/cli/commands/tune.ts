import { join } from 'node:path'
import { Command } from 'commander'
import { utf8 } from '../../lib/bytes.ts'
import { JikoError } from '../../protocol/error.ts'
import { asVariant } from '../../protocol/manifest.ts'
import { parsePackSource } from '../../protocol/pack-source.ts'
import type { Tensors } from '../../protocol/tensor.ts'
import { startCalls } from '../../runtime/feeding.ts'
import { taskFor } from '../../tasks/table.ts'
import { listSamples } from '../data-set.ts'
import { type Decided, decide, type Judged } from '../decide.ts'
import { createEngines } from '../engines.ts'
import { readTextFile, writeAtomic } from '../files.ts'
import { interruptSignal } from '../interrupt.ts'
import { openPack, type RunnablePack } from '../open-pack.ts'
import { shareOption } from '../options.ts'
import { createReadInput } from '../read-input.ts'
import { percent } from '../text.ts'
import { withProgress } from './calibrate.ts'

interface TuneOptions {
  data: string
  labels?: string
  right: number
  keep?: number
  write?: string
}

export function tuneCommand(): Command {
  return new Command('tune')
    .description('find temperature and threshold on labelled samples, with the very program that phones run')
    .argument('<pack>', 'name of a built pack, or its folder')
    .requiredOption(
      '--data <folder>',
      'the validation split: neither what was trained on nor what accuracy is reported on',
    )
    .option('--labels <file>', 'CSV with columns path and label (or class), instead of folders')
    .option('--right <percent>', 'of the answers that are called sure so many shall be right', shareOption, 0.95)
    .option(
      '--keep <percent>',
      'find the energy too that so many of these samples reach; what has less is unknown',
      shareOption,
    )
    .option('--write <folder>', 'put the decision into the pack.json there, for the next build of the pack')
    .action(async (name: string, options: TuneOptions) => {
      const runnable = await openPack(name, { engines: createEngines() })
      try {
        const judged = await judge(runnable, options, interruptSignal())
        const decided = decide(judged, options)
        if (options.write) await keepDecision(options.write, decided)
        console.log(describe(decided, judged.length))
      } finally {
        await runnable.dispose()
      }
    })
}

/** @throws JikoError `cli/no-logits`, `cli/no-samples` */
async function judge(
  runnable: RunnablePack,
  { data, labels: file }: TuneOptions,
  signal: AbortSignal,
): Promise<Judged[]> {
  const manifest = asVariant(runnable.pack.manifest, runnable.variant)
  const { output, labels, input } = manifest
  if (output.kind !== 'classes' || output.activation !== 'logits')
    throw new JikoError(
      'cli/no-logits',
      `${manifest.name} does not answer with logits of labels: there is nothing to tune.`,
    )
  const samples = (await listSamples(data, input.kind, createReadInput(input.kind), file)).flatMap(
    ({ label, read }) => {
      const truth = labels.findIndex(({ id }) => id === label)
      return truth < 0 ? [] : [{ truth, read }]
    },
  )
  if (samples.length === 0)
    throw new JikoError('cli/no-samples', `${data} holds no sample with a label that ${manifest.name} knows.`)
  const task = await taskFor(manifest, runnable.pack.read)
  return withProgress('judging', async (onProgress) => {
    const judged: Judged[] = []
    for (const { truth, read } of samples) {
      signal.throwIfAborted()
      const calls: Tensors[] = []
      const call = startCalls(runnable.opened.session, manifest)
      await task.run(await read(), async (tensors) => {
        const outputs = await call(tensors)
        calls.push(outputs)
        return outputs
      })
      const logits = labels.map(
        (_, i) => calls.reduce((sum, outputs) => sum + Number(outputs[output.tensor]?.data[i]), 0) / calls.length,
      )
      judged.push({ logits, truth })
      onProgress(judged.length, samples.length)
    }
    return judged
  })
}

/** Only those lines are touched: the file is a person's. @throws JikoError `pack/bad-source` */
async function keepDecision(folder: string, { decision }: Decided): Promise<void> {
  const path = join(folder, 'pack.json')
  const text = (await readTextFile(path)) ?? ''
  const old = parsePackSource(text).decision
  const lines = JSON.stringify({ ...old, ...decision }, null, 1).replaceAll('\n', '\n ')
  await writeAtomic(path, utf8(text.replace(/("decision"\s*:\s*)\{[^{}]*\}/, (_, key: string) => `${key}${lines}`)))
}

function describe({ decision, loss, sure }: Decided, count: number): string {
  const { temperature, threshold, energy } = decision
  return [
    `temperature ${temperature}: mean loss ${loss.before.toFixed(3)} -> ${loss.after.toFixed(3)} on ${count} samples`,
    `threshold ${threshold}: sure of ${percent(sure.share)}${sure.accuracy === null ? '' : `, right in ${percent(sure.accuracy)} of those`}`,
    ...(energy === undefined ? [] : [`energy ${energy}: what has less is nothing that the model knows`]),
  ].join('\n')
}
