import type { OpenModel } from '../engine.ts'
import type { Graph } from '../graph.ts'
import { type QuantiseOptions, quantiseGraph, type Ranges, tensorsToCalibrate } from './apply.ts'
import { collectStatistics, METHODS, type Method, rangesFrom, type Statistics } from './calibrate.ts'
import { type Corrections, driftCorrections } from './drift.ts'
import { equalise } from './equalise.ts'
import { createMeasure, type JudgedSamples, type Loss, type Measure } from './measure.ts'
import { clampOf } from './plan.ts'

export interface ChooseOptions {
  open: OpenModel
  /** Of the candidates, only these. */
  methods?: readonly Method[]
  signal?: AbortSignal
  onProgress?: (done: number, total: number) => void
}

/** One way to quantise, and what it costs. */
export interface Choice extends Loss {
  readonly method: Method
  readonly ranges: Ranges
  readonly corrections: Corrections | undefined
}

/** A clamp nearly reached in calibration will be reached in the field: its own limits are the range then. */
const NEARLY = 0.8

/** Ranges of what a Clip gives, where calibration came close to its limit. */
export function widenToClamps(graph: Graph, ranges: Ranges): Ranges {
  const wide = new Map(ranges)
  for (const node of graph.nodes) {
    const clamp = clampOf(graph, node)
    const [output = ''] = node.output
    const range = ranges.get(output)
    if (clamp && range && Number.isFinite(clamp.high) && range[1] > NEARLY * clamp.high) {
      wide.set(output, [range[0], clamp.high])
    }
  }
  return wide
}

/** What narrows ranges fits the samples at hand: in the field it must be clearly better to be as good. */
const HANDICAP = 1.15

/**
 * Tries every method and takes the one whose answers lie nearest to the float ones; min-max when in doubt. Then the drift
 * of the biases is corrected, of min-max too: where it was behind only by drift it is the safer one.
 */
export async function chooseQuantisation(
  graph: Graph,
  statistics: Statistics,
  samples: JudgedSamples,
  { open, methods = METHODS, signal, onProgress }: ChooseOptions,
): Promise<{ best: Choice; measure: Measure }> {
  const operation = { open, ...(signal && { signal }) }
  const measure = await createMeasure(graph, samples, operation)
  const choices: Choice[] = []
  const steps = methods.length + 2
  for (const method of methods) {
    const ranges = widenToClamps(graph, rangesFrom(statistics, method))
    choices.push({ method, ranges, corrections: undefined, ...(await measure(quantiseGraph(graph, ranges))) })
    onProgress?.(choices.length, steps)
  }
  const score = ({ method, error }: Choice): number => (method === 'min-max' ? error : error * HANDICAP)
  const nearest = (): Choice | undefined => [...choices].sort((a, b) => score(a) - score(b))[0]
  const promising = new Set([nearest(), choices.find(({ method }) => method === 'min-max')])
  for (const choice of promising) {
    if (!choice) continue
    const corrections = await driftCorrections(graph, statistics, choice.ranges, samples, operation)
    const loss = await measure(quantiseGraph(graph, choice.ranges, { corrections }))
    // Biases fitted to the samples must be worth it, or they stay as they are.
    if (loss.error < choice.error / HANDICAP) choices.push({ ...choice, corrections, ...loss })
  }
  onProgress?.(steps, steps)
  const best = nearest()
  if (!best) throw new RangeError('no method to choose from')
  return { best, measure }
}

export const optionsOf = (
  { corrections }: Pick<Choice, 'corrections'>,
  keepFloat?: ReadonlySet<string>,
): QuantiseOptions => ({
  ...(corrections && { corrections }),
  ...(keepFloat && { keepFloat }),
})

/** A graph, as it is or equalised, and how to quantise it. */
export interface Chosen {
  readonly graph: Graph
  readonly equalised: boolean
  readonly statistics: Statistics
  readonly best: Choice
  readonly measure: Measure
}

/** How to quantise a net, on the graph as it is or with its channels equalised, whichever comes nearer. */
export async function chooseWithEqualising(
  graph: Graph,
  samples: JudgedSamples,
  options: ChooseOptions,
): Promise<Chosen> {
  const choose = async (net: Graph) => {
    const statistics = await collectStatistics(net, tensorsToCalibrate(net), samples, options)
    return { graph: net, statistics, ...(await chooseQuantisation(net, statistics, samples, options)) }
  }
  const plain = await choose(graph)
  const equal = equalise(graph)
  const other = equal && (await choose(equal))
  if (other && other.best.error < plain.best.error / HANDICAP) return { ...other, equalised: true }
  return { ...plain, equalised: false }
}
