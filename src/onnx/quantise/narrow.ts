import { intAttribute } from '../attribute.ts'
import type { Graph } from '../graph.ts'
import { quantiseGraph } from './apply.ts'
import type { CalibrateOptions, Samples } from './calibrate.ts'
import type { Chosen } from './choose.ts'
import { type Corrections, driftCorrections } from './drift.ts'
import { createGlance, type Loss } from './measure.ts'
import { chooseNodes, weightsOf } from './plan.ts'

/** Fewer weights stay at 8 bits: there is nothing to save. */
const LEAST_WEIGHTS = 1024
/** Of all products, down to the smallest: there are kernels that need it of every weight, and none that gains by some. */
const PRODUCT_BITS = 7

/** Bits of weights by node (first output) where they are fewer than 8, with the biases that go with them. */
export interface Narrowed extends Loss {
  readonly bits: ReadonlyMap<string, number>
  readonly corrections: Corrections
}

interface Candidate {
  readonly node: string
  readonly weights: number
}

/**
 * Weights in `bits` bits: in all nodes, or under a budget in as many as it allows; those stay at 8 whose narrowing brings
 * the most error for the bytes it saves. Undefined when none may be narrowed. Biases take up what rounding so coarsely
 * shifts, or little would be left of the net. At 7 bits it is all or nothing.
 */
export async function narrow(
  { graph, statistics, best, measure }: Chosen,
  samples: Samples,
  bits: number,
  { budget, ...operation }: CalibrateOptions & { budget?: number },
): Promise<Narrowed | undefined> {
  const candidates = candidatesOf(graph, bits)
  const all = new Set(candidates.map(({ node }) => node))
  const settle = async (narrowed: ReadonlySet<string>): Promise<Narrowed> => {
    const map = new Map([...narrowed].map((node) => [node, bits]))
    const corrections = await driftCorrections(graph, statistics, best.ranges, samples, operation, map)
    return { bits: map, corrections, ...(await measure(quantiseGraph(graph, best.ranges, { bits: map, corrections }))) }
  }
  const whole = await settle(all)
  if (budget === undefined || whole.lost <= budget) return whole
  if (bits === PRODUCT_BITS) return undefined
  const order = await byGain(graph, candidates, whole, best.ranges, samples, operation)
  // Error falls as nodes go back to 8 bits, worst first: how many must, is found by halving.
  let [enough, result] = [order.length, undefined as Narrowed | undefined]
  for (let [low, high] = [1, order.length - 1]; low <= high; ) {
    const middle = Math.floor((low + high) / 2)
    const tried = await settle(new Set(order.slice(middle)))
    if (tried.lost <= budget) {
      ;[enough, result] = [middle, tried]
      high = middle - 1
    } else low = middle + 1
  }
  return enough < order.length ? result : undefined
}

const candidatesOf = (graph: Graph, bits: number): Candidate[] =>
  [...chooseNodes(graph, new Set())].flatMap(([node, role]) => {
    const weight = role === 'weighted' ? weightsOf(graph, node)?.weight : undefined
    // Depthwise layers have a kernel of their own, which takes 8 bits as well, and suffer most from fewer.
    const [outputs = 0, perGroup] = weight?.dims ?? []
    const depthwise = perGroup === 1 && outputs > 1 && intAttribute(node, 'group', 1) === outputs
    const wanted = bits === PRODUCT_BITS ? !depthwise : (weight?.data.length ?? 0) >= LEAST_WEIGHTS
    return weight && wanted ? [{ node: node.output[0] ?? '', weights: weight.data.length }] : []
  })

/** Nodes by how much error goes, for each weight, when they alone are wide again. */
async function byGain(
  graph: Graph,
  candidates: readonly Candidate[],
  { bits, corrections }: Narrowed,
  ranges: Chosen['best']['ranges'],
  samples: Samples,
  operation: CalibrateOptions,
): Promise<string[]> {
  const glance = await createGlance(graph, samples, operation)
  const errorWith = async (map: ReadonlyMap<string, number>): Promise<number> =>
    (await glance(quantiseGraph(graph, ranges, { bits: map, corrections }))).error
  const base = await errorWith(bits)
  const gains: [string, number][] = []
  for (const { node, weights } of candidates) {
    operation.signal?.throwIfAborted()
    const wider = new Map([...bits].filter(([name]) => name !== node))
    gains.push([node, (base - (await errorWith(wider))) / weights])
    operation.onProgress?.(gains.length, candidates.length)
  }
  return gains.sort((a, b) => b[1] - a[1]).map(([node]) => node)
}
