import { dirname } from 'node:path'
import { Command } from 'commander'
import { createGraph } from '../../onnx/graph.ts'
import { describePlan } from '../../onnx/lower/describe.ts'
import { lower } from '../../onnx/lower/lower.ts'
import { readModel } from '../../onnx/read.ts'
import { JikoError } from '../../protocol/error.ts'
import type { Input } from '../../protocol/input.ts'
import { programPaths } from '../../protocol/manifest.ts'
import { parsePlan } from '../../protocol/plan.ts'
import { localised } from '../../protocol/primitives.ts'
import { readBytes } from '../files.ts'
import { describeClips } from '../pack/clips.ts'
import { type FolderPack, findPack, openFolder } from '../pack/open-folder.ts'
import { externalIn } from '../pack/source.ts'
import { bytesOf } from '../pack/write-pack.ts'
import { planText } from '../plan-text.ts'
import { kilobytes, percent, table } from '../text.ts'
import { allTrustedKeys } from '../trusted-keys.ts'

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('say what is in a pack, or in an ONNX file')
    .argument('<pack>', 'name of a built pack, its folder, or an .onnx file')
    .option('--json', 'the manifest as JSON (of a pack)')
    .option('--plan', 'what nano does with it, step by step: multiply-adds, weights, memory')
    .action(async (name: string, { json, plan }: { json?: boolean; plan?: boolean }) => {
      if (name.endsWith('.onnx')) {
        console.log(plan ? await describeModelPlan(name) : await describeModel(name))
        return
      }
      const pack = await openFolder(await findPack(name), await allTrustedKeys())
      if (plan) {
        console.log(await describePackPlans(pack))
        return
      }
      console.log(json ? JSON.stringify({ digest: pack.digest, ...pack.manifest }) : describePack(pack))
    })
}

async function describeModel(path: string): Promise<string> {
  const bytes = await readBytes(path)
  const graph = createGraph(readModel(bytes, externalIn(dirname(path))))
  const counts = new Map<string, number>()
  for (const { opType, domain } of graph.nodes) {
    const kind = domain && domain !== 'ai.onnx' ? `${domain}.${opType}` : opType
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const values = (list: typeof graph.inputs): string =>
    list
      .map(({ name, type, dims }) => `${name}: ${type ?? '?'} [${dims?.map((dim) => dim ?? '?').join(', ') ?? '?'}]`)
      .join('; ')
  return [
    `${path}: ${kilobytes(bytes.length)}, opset ${graph.opset()}, made by ${graph.model.producerName || 'unknown'}`,
    `in   ${values(graph.inputs)}`,
    `out  ${values(graph.outputs)}`,
    table([...counts].sort((a, b) => b[1] - a[1]).map(([kind, n]) => [kind, String(n)])),
  ].join('\n')
}

/** As it would be built from a quantised model whose shapes are all known. */
async function describeModelPlan(path: string): Promise<string> {
  const graph = createGraph(readModel(await readBytes(path), externalIn(dirname(path))))
  return planText(path, lower(graph).report)
}

async function describePackPlans({ manifest, read }: FolderPack): Promise<string> {
  const texts: string[] = []
  for (const { name, programs } of manifest.variants)
    for (const program of programs)
      if (program.engine === 'nano') {
        const bytes = await read(program.plan)
        texts.push(planText(`${manifest.name}, ${name}`, describePlan(parsePlan(bytes), bytes.length)))
      }
  return texts.join('\n\n') || `${manifest.name} has no program for nano: it runs on onnxruntime.`
}

function describePack({ manifest, digest, key }: FolderPack): string {
  const { name, version, task, title, labels, input, output, decision, variants, files, blob, licence, attribution } =
    manifest
  if (!variants[0]) throw new JikoError('pack/bad-manifest', `${name} has no variant.`)
  const lengthOf = (paths: readonly string[]): number =>
    files
      .filter(({ path }) => paths.includes(path))
      .flatMap(({ chunks }) => chunks)
      .reduce((sum, index) => sum + (blob.chunks[index]?.length ?? 0), 0)
  const programs = variants.flatMap((variant) =>
    variant.programs.map((program) => [
      `${variant.name} on ${program.engine}`,
      kilobytes(lengthOf(programPaths(program))),
      programPaths(program).join(', '),
    ]),
  )
  const figures = variants.flatMap((variant) =>
    (variant.accuracy ?? []).map(
      ({ metric, value, data, split, count, runtime }) =>
        `${variant.name}: ${metric} ${percent(value)} on ${count} of ${data}/${split}, ${runtime}`,
    ),
  )
  return [
    `${name} ${version}: ${localised(title, 'en')} (${task})`,
    `digest ${digest}`,
    `signed by ${key}`,
    `${labels.length} labels: ${labels
      .slice(0, 8)
      .map(({ id }) => id)
      .join(', ')}${labels.length > 8 ? ', ...' : ''}`,
    `input ${describeInput(input)}; answers with ${output.kind}; sure from ${percent(decision.threshold)} at temperature ${decision.temperature}`,
    `${kilobytes(bytesOf(manifest))} for a phone, ${kilobytes(blob.length)} in ${blob.chunks.length} chunks`,
    table(programs),
    ...(figures.length > 0 ? figures : ['no accuracy was measured on what is shipped']),
    ...describeClips(manifest),
    `${licence}. ${attribution}`,
  ].join('\n')
}

function describeInput(input: Input): string {
  switch (input.kind) {
    case 'image':
      return `image, ${input.width} x ${input.height} ${input.order} ${input.layout}, ${input.fit}`
    case 'audio':
      return `audio, ${(input.samples / input.rate).toFixed(2)} s at ${input.rate} Hz as ${input.features.kind}`
    case 'text':
      return `text as ${input.features.kind}`
    case 'bytes':
      return `bytes, ${input.begin} + ${input.middle} + ${input.end}`
  }
}
