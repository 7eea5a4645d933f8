import type { Tensors } from '../../protocol/tensor.ts'
import { type OpenModel, withModel } from '../engine.ts'
import type { Graph } from '../graph.ts'
import { writeModel } from '../write.ts'
import { type QuantiseOptions, quantiseGraph, type Ranges, tensorsToCalibrate } from './apply.ts'
import { collectStatistics, METHODS, type Method, rangesFrom, type Samples, type Statistics } from './calibrate.ts'
import { type Corrections, driftCorrections } from './drift.ts'
import { equalise } from './equalise.ts'
import { chooseNodes, clampOf, type Role } from './plan.ts'

export interface ChooseOptions {
  open: OpenModel
  /** Of the candidates, only these. */
  methods?: readonly Method[]
  signal?: AbortSignal
  onProgress?: (done: number, total: number) => void
}

/** One way to quantise, with the squared error of its answers relative to the answers themselves. */
export interface Choice {
  readonly method: Method
  readonly ranges: Ranges
  readonly corrections: Corrections | undefined
  readonly error: number
}

/** Samples that candidates are compared on: enough to tell them apart, few enough to wait for. */
const COMPARED = 48

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

/** The float answers to compare with, and a measure of how far another graph's answers lie from them. */
export async function createMeasure(
  graph: Graph,
  samples: Samples,
  { open, signal }: Pick<ChooseOptions, 'open' | 'signal'>,
): Promise<(candidate: Graph) => Promise<number>> {
  const count = Math.min(COMPARED, samples.length)
  const index = (i: number): number => Math.floor((i * samples.length) / count)
  const answers = (model: Graph): Promise<Tensors[]> =>
    withModel(open, writeModel(model.model), async (runner) => {
      const all: Tensors[] = []
      for (let i = 0; i < count; i++) {
        signal?.throwIfAborted()
        all.push(await runner.run(await samples.at(index(i))))
      }
      return all
    })
  const wanted = await answers(graph)
  return async (candidate) => {
    const got = await answers(candidate)
    let [error, power] = [0, 0]
    wanted.forEach((outputs, i) => {
      for (const [name, { data }] of Object.entries(outputs)) {
        const other = got[i]?.[name]?.data
        for (let k = 0; k < data.length; k++) {
          const x = Number(data[k])
          error += (x - Number(other?.[k])) ** 2
          power += x * x
        }
      }
    })
    return error / Math.max(power, 1e-30)
  }
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
  samples: Samples,
  { open, methods = METHODS, signal, onProgress }: ChooseOptions,
): Promise<{ best: Choice; measure: (candidate: Graph) => Promise<number> }> {
  const operation = { open, ...(signal && { signal }) }
  const measure = await createMeasure(graph, samples, operation)
  const choices: Choice[] = []
  const steps = methods.length + 2
  for (const method of methods) {
    const ranges = widenToClamps(graph, rangesFrom(statistics, method))
    choices.push({ method, ranges, corrections: undefined, error: await measure(quantiseGraph(graph, ranges)) })
    onProgress?.(choices.length, steps)
  }
  const score = ({ method, error }: Choice): number => (method === 'min-max' ? error : error * HANDICAP)
  const nearest = (): Choice | undefined => [...choices].sort((a, b) => score(a) - score(b))[0]
  const promising = new Set([nearest(), choices.find(({ method }) => method === 'min-max')])
  for (const choice of promising) {
    if (!choice) continue
    const corrections = await driftCorrections(graph, statistics, choice.ranges, samples, operation)
    const error = await measure(quantiseGraph(graph, choice.ranges, { corrections }))
    // Biases fitted to the samples must be worth it, or they stay as they are.
    if (error < choice.error / HANDICAP) choices.push({ ...choice, corrections, error })
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

/** How to quantise a net, on the graph as it is or with its channels equalised, whichever comes nearer. */
export async function chooseWithEqualising(
  graph: Graph,
  samples: Samples,
  options: ChooseOptions,
): Promise<{ graph: Graph; equalised: boolean; best: Choice; measure: (candidate: Graph) => Promise<number> }> {
  const choose = async (net: Graph) => {
    const statistics = await collectStatistics(net, tensorsToCalibrate(net), samples, options)
    return { graph: net, ...(await chooseQuantisation(net, statistics, samples, options)) }
  }
  const plain = await choose(graph)
  const equal = equalise(graph)
  const other = equal && (await choose(equal))
  if (other && other.best.error < plain.best.error / HANDICAP) return { ...other, equalised: true }
  return { ...plain, equalised: false }
}

/** What is gained when one node stays float: its name (first output) and the error that is left. */
export interface Sensitivity {
  readonly node: string
  readonly role: Role
  readonly error: number
}

/**
 * Measures each weighted node: how much of the error goes when it alone stays float. Best gain first.
 * One run of the samples a node: for nets of up to a hundred nodes a minute or two.
 */
export async function measureSensitivity(
  graph: Graph,
  choice: Choice,
  measure: (candidate: Graph) => Promise<number>,
  { signal, onProgress }: Pick<ChooseOptions, 'signal' | 'onProgress'> = {},
): Promise<Sensitivity[]> {
  const nodes = [...chooseNodes(graph, new Set())].filter(([, role]) => role === 'weighted')
  const found: Sensitivity[] = []
  for (const [node, role] of nodes) {
    signal?.throwIfAborted()
    const [name = ''] = node.output
    const error = await measure(quantiseGraph(graph, choice.ranges, optionsOf(choice, new Set([name]))))
    found.push({ node: name, role, error })
    onProgress?.(found.length, nodes.length)
  }
  return found.sort((a, b) => a.error - b.error)
}

/**
 * The fewest nodes that must stay float for the error to be at most `budget`, taken by sensitivity; with them the
 * error that was reached, which may still be over the budget when `most` nodes were not enough.
 */
export async function keepWithinBudget(
  graph: Graph,
  choice: Choice,
  measure: (candidate: Graph) => Promise<number>,
  { budget, most = 8, ...operation }: { budget: number; most?: number } & Pick<ChooseOptions, 'signal' | 'onProgress'>,
): Promise<{ keepFloat: Set<string>; error: number }> {
  const keepFloat = new Set<string>()
  let { error } = choice
  if (error <= budget) return { keepFloat, error }
  for (const { node } of await measureSensitivity(graph, choice, measure, operation)) {
    if (keepFloat.size >= most || error <= budget) break
    const wider = new Set([...keepFloat, node])
    const next = await measure(quantiseGraph(graph, choice.ranges, optionsOf(choice, wider)))
    if (next >= error) continue
    keepFloat.add(node)
    error = next
  }
  return { keepFloat, error }
}
