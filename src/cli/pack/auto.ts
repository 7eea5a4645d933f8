import { createOnce } from '../../lib/memo.ts'
import { METHODS } from '../../onnx/quantise/calibrate.ts'
import type { Chosen } from '../../onnx/quantise/choose.ts'
import { COMPARED, createMeasure, GLANCED, type JudgedSamples } from '../../onnx/quantise/measure.ts'
import { chooseNodes } from '../../onnx/quantise/plan.ts'
import type { Calibration } from '../../protocol/calibration.ts'
import { JikoError } from '../../protocol/error.ts'
import { programPaths } from '../../protocol/manifest.ts'
import type { Engines } from '../engines.ts'
import { type CalibrateOptions, calibrate, choose, type Measured } from './calibrate.ts'
import { chunkFiles } from './chunk.ts'
import type { PreparedModel } from './prepare-model.ts'
import { BITS, type Precision, shrink } from './shrink.ts'
import { CALIBRATION_FILE } from './source.ts'
import { type BuiltVariant, buildVariant } from './variant.ts'

/** One way to shrink a model, with what it weighs and what it costs. */
export interface Weighed {
  readonly precision: Precision
  /** Bytes that a phone fetches of graph and weights: of the program that the pack prefers, compressed. */
  readonly bytes: number
  /** In hundredths: points of accuracy where labels are known, else of cosine similarity. */
  readonly lost: number
  readonly calibration?: Calibration
}

/** How much work lies ahead. */
export interface Work {
  /** How often the model is run, at most. */
  readonly runs: number
  /** What one run of the float model took. */
  readonly ms: number
  /** Nodes with weights, which may have to be measured one by one. */
  readonly nodes: number
}

export interface AutoOptions extends CalibrateOptions {
  onWork?: (work: Work) => void
  /** A precision is tried now, as which of how many. */
  onTry?: (precision: Precision, at: number, of: number) => void
}

/** What shrinking may cost when nobody says. */
export const USUAL_BUDGET = 0.5

/**
 * Tries what the model allows and answers the smallest that loses no more than the budget, with all that was tried.
 * @param samples of real data; without them nothing that needs calibration is tried, unless there is an older calibration.
 */
export async function chooseAutomatically(
  prepared: PreparedModel,
  measured: Measured,
  { samples, judged, known }: { samples?: JudgedSamples; judged: JudgedSamples; known?: Calibration },
  { onWork, onTry, ...options }: AutoOptions,
): Promise<{ best: Weighed; tried: Weighed[]; refused: string[] }> {
  const { engines, budget = USUAL_BUDGET, signal } = options
  const start = performance.now()
  const measure = await createMeasure(prepared.graph, judged, { open: engines.open, ...(signal && { signal }) })
  const compared = judged.right ? judged.length : Math.min(COMPARED, judged.length)
  const nodes = [...chooseNodes(prepared.graph, new Set()).values()].filter((role) => role === 'weighted').length
  onWork?.({ runs: mostRuns(nodes, compared, samples), ms: (performance.now() - start) / compared, nodes })
  // The longest part of it is the same for all bits.
  const chosen = samples && createOnce(() => choose(prepared, samples, options))
  // Its memory is weighed when it is packed.
  const { weigh: _, ...light }: Engines = engines
  const tried: Weighed[] = []
  const refused: string[] = []
  const smallest = (): Weighed | undefined =>
    tried.filter(({ lost }) => lost <= budget).sort((a, b) => a.bytes - b.bytes)[0]
  async function weigh(precision: Precision, calibration?: Calibration): Promise<Weighed> {
    const { name, graph } = shrink(prepared, precision, {
      calibration,
      calibrationFile: CALIBRATION_FILE,
      modelDigest: measured.model,
      folder: measured.data,
    })
    const bytes = await delivered(await buildVariant(name, graph, prepared, light))
    const { lost } = await measure(graph)
    return { precision, bytes, lost, ...(calibration && { calibration }) }
  }
  const calibrated =
    (precision: Precision, list: JudgedSamples, choosing: () => Promise<Chosen>) =>
    async (): Promise<Weighed | undefined> => {
      const how = { ...options, bits: BITS[precision] ?? 8 }
      const { budget: _, ...whole } = how
      const widest = await calibrate(prepared, measured, list, whole, await choosing())
      // Nothing can be narrowed: that is int8, which is tried by itself.
      if (precision in BITS && !widest.bits) return undefined
      const all = await weigh(precision, widest)
      // Node by node it only becomes larger: what is not smaller as it is will not be, and is not looked into.
      if (all.lost <= budget || all.bytes >= (smallest()?.bytes ?? Number.POSITIVE_INFINITY)) return all
      const some = await calibrate(prepared, measured, list, { ...how, budget }, await choosing())
      return precision in BITS && !some.bits ? all : weigh(precision, some)
    }
  const ways: [Precision, () => Promise<Weighed | undefined>][] = []
  for (const precision of ['int3', 'int4', 'int7', 'int8'] as const) {
    if (samples && chosen) ways.push([precision, calibrated(precision, samples, chosen)])
    else if (precision === 'int8' && known) ways.push([precision, () => weigh(precision, known)])
    else if (precision === 'int3' || precision === 'int4') ways.push([precision, () => weigh(precision)])
  }
  for (const precision of ['dynamic', 'fp16', 'none'] as const) ways.push([precision, () => weigh(precision)])
  for (const [at, [precision, make]] of ways.entries()) {
    signal?.throwIfAborted()
    onTry?.(precision, at + 1, ways.length)
    try {
      const weighed = await make()
      if (weighed) tried.push(weighed)
    } catch (error) {
      if (!(error instanceof JikoError) || !/^(model|runtime)\//.test(error.code)) throw error
      refused.push(`${precision}: ${error.message}`)
    }
  }
  const best = smallest()
  if (best) return { best, tried, refused }
  throw new JikoError('model/unusable', `The model runs in no precision here: ${refused.join('; ')}`)
}

/** Bytes of what the pack prefers to run, as they lie in it. */
async function delivered({ programs: [preferred], files }: BuiltVariant): Promise<number> {
  const paths = preferred ? programPaths(preferred) : []
  const wanted = new Map([...files].filter(([path]) => paths.includes(path)))
  return (await chunkFiles(wanted)).blob.length
}

/** Of all that may have to be done; see `choose`, `narrow` and `keepWithinBudget`. */
function mostRuns(nodes: number, compared: number, samples: JudgedSamples | undefined): number {
  const plain = 3 * compared
  if (!samples) return plain
  const studied = Math.min(COMPARED, samples.length)
  const glances = Math.min(GLANCED, samples.length) * nodes
  // Correcting drift runs every layer twice.
  const settle = 2 * studied + compared
  const choosing = samples.length + studied + METHODS.length * compared + 2 * settle
  const narrowing = settle * (1 + Math.ceil(Math.log2(nodes + 1))) + glances
  const widening = glances + 8 * compared
  // As it is and equalised; 3, 4 and 7 bits; 8 bits; and each once more at the end.
  return 2 * choosing + 2 * narrowing + settle + widening + 4 * compared + plain
}
