import { basename, dirname, join, resolve } from 'node:path'
import { utf8 } from '../lib/bytes.ts'
import { ACCURACY_FORMAT, type AccuracyFile, type MeasuredSet, parseAccuracy } from '../protocol/accuracy.ts'
import { JikoError } from '../protocol/error.ts'
import type { Variant } from '../protocol/manifest.ts'
import type { Evaluation, ReadingEvaluation } from './evaluate.ts'
import type { WritingEvaluation } from './evaluate-writing.ts'
import { readTextFile, writeAtomic } from './files.ts'
import type { RunnablePack } from './open-pack.ts'
import { ACCURACY_FILE } from './pack/source.ts'
import { joinedDigest, programDigest } from './pack/variant.ts'
import { bytesOf } from './pack/write-pack.ts'
import { kilobytes, percent, table } from './text.ts'

export type Figures = Evaluation | ReadingEvaluation | WritingEvaluation

/** Input that belongs to no label, and how often the answer to it was "not sure". */
export interface Strangers {
  readonly folder: string
  readonly count: number
  readonly notSure: number
}

/** Graph and weights of the variant, which are what a figure belongs to, whichever engine ran it. */
async function digestOf({ pack, variant }: RunnablePack): Promise<string> {
  const onnx = pack.manifest.variants
    .find(({ name }) => name === variant.name)
    ?.programs.find((program) => program.engine === 'onnx')
  if (onnx?.engine !== 'onnx')
    throw new JikoError('cli/no-onnx', `Variant ${variant.name} has no ONNX program to name.`)
  const digest = async (model: string, weights?: string): Promise<string> =>
    programDigest(await pack.read(model), weights === undefined ? new Uint8Array() : await pack.read(weights))
  const { reader } = onnx
  const own = await digest(onnx.model, onnx.weights)
  return reader ? joinedDigest(own, await digest(reader.model, reader.weights)) : own
}

/**
 * Writes what was measured into `accuracy.json`, in place of what it said of that variant on the same data; what was measured
 * of the same program on other data stays, in whichever order.
 */
export async function keepFigures(
  folder: string,
  runnable: RunnablePack,
  { figures, data, strangers }: { figures: Figures; data: string; strangers: Strangers[] },
): Promise<void> {
  const path = join(folder, ACCURACY_FILE)
  const old = await readTextFile(path)
  const before = old === undefined ? [] : parseAccuracy(old).variants
  const where = { data: basename(dirname(resolve(data))), split: basename(resolve(data)) }
  const common = { ...where, count: figures.count, runtime: runnable.opened.backend }
  const measured = sharesOf(figures)
  const entry: AccuracyFile['variants'][number] = {
    name: runnable.variant.name satisfies Variant['name'],
    program: await digestOf(runnable),
    bytes: bytesOf(runnable.pack.manifest, runnable.variant.name),
    figures: [
      ...measured.map(([metric, value]) => ({ ...common, metric, value: round(value) })),
      ...strangers.map(({ folder: of, count, notSure }) => ({
        ...common,
        data: basename(resolve(of)),
        split: 'strangers',
        count,
        metric: '"not sure" of what is none of the labels',
        value: round(notSure / count),
      })),
    ],
    ...('bitsPerCharacter' in figures && {
      bitsPerCharacter: [{ ...common, metric: 'bits a character', value: round(figures.bitsPerCharacter) }],
    }),
    sets: [{ ...where, count: figures.count, ...detailsOf(figures) }],
  }
  const same = before.find(({ name, program }) => name === entry.name && program === entry.program)
  const measuredNow = new Set(entry.figures.map(({ data: of, split }) => `${of}/${split}`))
  const stays = <T extends { data: string; split: string }>(all: readonly T[] = []): T[] =>
    all.filter(({ data: of, split }) => !measuredNow.has(`${of}/${split}`))
  entry.figures.push(...stays(same?.figures))
  entry.bitsPerCharacter?.push(...stays(same?.bitsPerCharacter))
  entry.sets.push(...stays(same?.sets))
  const others = before.filter(({ name }) => name !== entry.name)
  const file: AccuracyFile = { format: ACCURACY_FORMAT, variants: [...others, entry] }
  await writeAtomic(path, utf8(`${JSON.stringify(file, null, 1)}\n`))
}

/** How sure it was of what, and what it took for what. */
const detailsOf = (figures: Figures): Pick<MeasuredSet, 'calibrationError' | 'perClass' | 'confusion'> => ({
  calibrationError: round(figures.calibrationError),
  perClass: Object.fromEntries(
    Object.entries('perClass' in figures ? figures.perClass : {}).map(([label, one]) => [
      label,
      { count: one.count, recall: round(one.recall), precision: round(one.precision) },
    ]),
  ),
  confusion: 'confusion' in figures ? figures.confusion : [],
})

/** What is kept of each kind of answer: shares, by name. */
function sharesOf(figures: Figures): (readonly [string, number])[] {
  // What writes has no threshold: it goes on whatever comes.
  if ('bitsPerCharacter' in figures) return [['next token foretold', figures.accuracy]]
  const { sure } = figures
  return [
    ...('characters' in figures
      ? ([
          ['whole lines right', figures.accuracy],
          ['characters right', figures.characters],
        ] as const)
      : ([
          ['accuracy', figures.accuracy],
          ['balanced accuracy', figures.balancedAccuracy],
        ] as const)),
    ['share above the threshold', sure.share],
    ...(sure.accuracy === null ? [] : ([['accuracy above the threshold', sure.accuracy]] as const)),
  ]
}

const round = (share: number): number => Number(share.toFixed(4))

export const asJson = ({ pack, opened }: RunnablePack, figures: Figures, strangers: readonly Strangers[]): string =>
  JSON.stringify({
    pack: pack.manifest.name,
    version: pack.manifest.version,
    digest: pack.digest,
    variant: opened.variant,
    backend: opened.backend,
    refused: opened.refused,
    bytes: bytesOf(pack.manifest, opened.variant),
    ...figures,
    ...(strangers.length > 0 && { strangers }),
  })

export function asText({ pack, opened }: RunnablePack, figures: Figures, strangers: readonly Strangers[]): string {
  const { manifest } = pack
  const { count, accuracy, sure, calibrationError, latency } = figures
  const lines = [
    `${manifest.name} ${manifest.version} ${opened.variant} on ${opened.backend}, ${count} ${'bitsPerCharacter' in figures ? 'tokens' : 'samples'}`,
    ...opened.refused.map((reason) => `passed over: ${reason}`),
    `accuracy ${percent(accuracy)}, ${otherOf(figures)}, calibration error ${percent(calibrationError)}`,
    `sure of ${percent(sure.share)}${sure.accuracy === null ? '' : `, right in ${percent(sure.accuracy)} of those`}`,
    ...strangers.map(
      ({ folder, count: all, notSure }) =>
        `${basename(folder)}: not sure of ${percent(notSure / all)} of ${all} strangers`,
    ),
    `${latency.median.toFixed(1)} ms each (95 %: ${latency.p95.toFixed(1)} ms), ${kilobytes(bytesOf(manifest, opened.variant))} for a phone`,
  ]
  if (!('perClass' in figures)) return lines.join('\n')
  const rows = Object.entries(figures.perClass)
    .filter(([, one]) => one.count > 0)
    .map(([label, one]) => [label, percent(one.recall), percent(one.precision), String(one.count)])
  return [...lines, '', table([['', 'recall', 'precision', 'count'], ...rows])].join('\n')
}

function otherOf(figures: Figures): string {
  if ('bitsPerCharacter' in figures) return `of the next token, ${figures.bitsPerCharacter.toFixed(3)} bits a character`
  if ('characters' in figures) return `whole lines right, characters ${percent(figures.characters)}`
  return `balanced ${percent(figures.balancedAccuracy)}`
}
