import { JikoError } from '../protocol/error.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { OutputOf } from '../protocol/output.ts'
import type { ClassesAnswer } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'
import { logSumExp, sigmoid, softmax } from './scores.ts'

/**
 * Names the classes. Of several calls (windows of a longer sound) the mean counts.
 * @throws JikoError `task/bad-output` when the graph's output does not fit the labels or is not finite.
 */
export function classesOf(
  calls: readonly Tensors[],
  output: OutputOf<'classes'>,
  { labels, decision }: Pick<Manifest, 'labels' | 'decision'>,
): ClassesAnswer {
  const values = labels.map(() => 0)
  for (const outputs of calls) {
    const got = Array.from<number | bigint, number>(outputs[output.tensor]?.data ?? [], Number)
    if (got.length !== labels.length || !got.every(Number.isFinite)) {
      throw new JikoError(
        'task/bad-output',
        `output "${output.tensor}" should be ${labels.length} finite numbers, got ${got.length}: ${got.slice(0, 4).join(', ')}`,
      )
    }
    for (const [i, value] of got.entries()) values[i] = (values[i] as number) + value / calls.length
  }
  const { temperature, threshold, energy } = decision
  const probabilities =
    output.activation === 'logits'
      ? softmax(values, temperature)
      : output.activation === 'sigmoid'
        ? values.map((value) => sigmoid(value / temperature))
        : values
  const scores = labels
    .map(({ id }, i) => ({ label: id, score: Math.min(1, Math.max(0, probabilities[i] as number)) }))
    .sort((a, b) => b.score - a.score)
  const [best] = scores
  if (!best) throw new JikoError('task/bad-output', 'the pack has no labels')
  const none = labels.find(({ id }) => id === best.label)?.none === true
  const strange = energy !== undefined && logSumExp(values, temperature) < energy
  const known = !none && !strange
  return { kind: 'classes', ...best, sure: known && best.score >= threshold, known, scores }
}
