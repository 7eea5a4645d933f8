import type { DescribedStep, PlanReport } from '../onnx/lower/describe.ts'
import { kilobytes, percent, table } from './text.ts'

/** Steps of one node are one line: multiply-adds or steps of their like, share of all, weights read. */
function nodeLines(steps: readonly DescribedStep[], work: number): string[][] {
  const nodes = new Map<string, { kinds: string[]; work: number; weightsBytes: number }>()
  for (const step of steps) {
    const node = nodes.get(step.name) ?? { kinds: [], work: 0, weightsBytes: 0 }
    if (!node.kinds.includes(step.kind)) node.kinds.push(step.kind)
    node.work += step.work
    node.weightsBytes += step.weightsBytes
    nodes.set(step.name, node)
  }
  return [...nodes].map(([name, node]) => [
    name.slice(0, 48),
    node.kinds.join(' '),
    String(Math.round(node.work)),
    percent(node.work / work),
    String(node.weightsBytes),
  ])
}

/** What nano does with a model, node by node, and what it needs for it. */
export function planText(title: string, report: PlanReport): string {
  const { steps, once, work, planBytes, weightsBytes, arenaBytes, memoryBytes } = report
  const beginnings = once.length > 0 ? `, ${once.length} more when a session begins` : ''
  return [
    `${title}: ${steps.length} steps, ${(work / 1e6).toFixed(2)} million multiply-adds or their like${beginnings}`,
    `plan ${kilobytes(planBytes)}, weights ${kilobytes(weightsBytes)}, arena ${kilobytes(arenaBytes)}, memory ${kilobytes(memoryBytes)}`,
    table([['node', 'kernels', 'work', 'share', 'bytes of weights'], ...nodeLines(steps, work)]),
  ].join('\n')
}
