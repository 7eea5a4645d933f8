import { JikoError } from '../protocol/error.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { Answer, Pixels } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'
import { imageTensor } from './image-tensor.ts'
import { softmax } from './scores.ts'

/** Which of a fixed set of labels a picture shows. Pure: the same in Node and in the worker. */
export const imageClassification = {
  prepare: (picture: Pixels, manifest: Manifest): Tensors => ({
    [manifest.input.tensor]: imageTensor(picture, manifest.input),
  }),

  /** @throws JikoError `task/bad-output` when the graph's output does not fit the labels or is not finite. */
  finish(outputs: Tensors, { output, labels, decision }: Manifest): Answer {
    const tensor = outputs[output.tensor]
    const values = Array.from(tensor?.data ?? [], Number)
    if (values.length !== labels.length || !values.every(Number.isFinite)) {
      throw new JikoError(
        'task/bad-output',
        `output "${output.tensor}" should be ${labels.length} finite numbers, got ${values.length}: ${values.slice(0, 4).join(', ')}`,
      )
    }
    const probabilities = output.activation === 'logits' ? softmax(values, decision.temperature) : values
    const scores = labels
      .map(({ id }, i) => ({ label: id, score: Math.min(1, Math.max(0, probabilities[i] as number)) }))
      .sort((a, b) => b.score - a.score)
    const [best] = scores
    if (!best) throw new JikoError('task/bad-output', 'the pack has no labels')
    return { ...best, sure: best.score >= decision.threshold, scores }
  },
}
