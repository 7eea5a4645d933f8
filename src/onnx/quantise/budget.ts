import type { Graph } from '../graph.ts'
import { quantiseGraph } from './apply.ts'
import type { CalibrateOptions } from './calibrate.ts'
import { type Choice, optionsOf } from './choose.ts'
import type { Loss, Measure } from './measure.ts'
import { chooseNodes } from './plan.ts'

type Operation = Pick<CalibrateOptions, 'signal' | 'onProgress'>

/** What is gained when one node stays float: its name (first output) and the error that is left. */
export interface Sensitivity {
  readonly node: string
  readonly error: number
}

/**
 * Measures each weighted node: how much of the error goes when it alone stays float. Best gain first.
 * One run of the samples a node.
 */
export async function measureSensitivity(
  graph: Graph,
  choice: Choice,
  measure: Measure,
  { signal, onProgress }: Operation = {},
): Promise<Sensitivity[]> {
  const nodes = [...chooseNodes(graph, new Set())].filter(([, role]) => role === 'weighted')
  const found: Sensitivity[] = []
  // With its only weights float there is no int8 net left to measure.
  if (nodes.length < 2) return found
  for (const [node] of nodes) {
    signal?.throwIfAborted()
    const [name = ''] = node.output
    const { error } = await measure(quantiseGraph(graph, choice.ranges, optionsOf(choice, new Set([name]))))
    found.push({ node: name, error })
    onProgress?.(found.length, nodes.length)
  }
  return found.sort((a, b) => a.error - b.error)
}

/**
 * The fewest nodes that must stay float to lose at most `budget` hundredths, taken by sensitivity; with them the loss
 * that was reached, which may still be over the budget when `most` nodes were not enough.
 */
export async function keepWithinBudget(
  graph: Graph,
  choice: Choice,
  measure: Measure,
  {
    budget,
    most = 8,
    glance = async () => measure,
    ...operation
  }: {
    budget: number
    most?: number
    /** What single nodes are measured with, when it comes to that. */
    glance?: () => Promise<Measure>
  } & Operation,
): Promise<Loss & { keepFloat: Set<string> }> {
  const keepFloat = new Set<string>()
  let loss: Loss = { error: choice.error, lost: choice.lost }
  if (loss.lost <= budget) return { keepFloat, ...loss }
  const nodes = await measureSensitivity(graph, choice, await glance(), operation)
  for (const { node } of nodes) {
    // One at least is int8.
    if (keepFloat.size >= Math.min(most, nodes.length - 1) || loss.lost <= budget) break
    const wider = new Set([...keepFloat, node])
    const next = await measure(quantiseGraph(graph, choice.ranges, optionsOf(choice, wider)))
    if (next.error >= loss.error) continue
    keepFloat.add(node)
    loss = next
  }
  return { keepFloat, ...loss }
}
