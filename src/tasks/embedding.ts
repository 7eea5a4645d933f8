import { JikoError } from '../protocol/error.ts'
import type { OutputOf } from '../protocol/output.ts'
import type { EmbeddingAnswer } from '../protocol/task.ts'
import type { Tensor, Tensors } from '../protocol/tensor.ts'

/**
 * The vector of an input; of tokens their mean or the first one's.
 * @param mask 1 for tokens that count, where some are padding.
 * @throws JikoError `task/bad-output`
 */
export function embeddingOf(outputs: Tensors, output: OutputOf<'embedding'>, mask?: Tensor): EmbeddingAnswer {
  const tensor = outputs[output.tensor]
  if (tensor?.type !== 'float32' || tensor.data.length === 0 || !tensor.data.every(Number.isFinite)) {
    throw new JikoError(
      'task/bad-output',
      `output "${output.tensor}" should be finite numbers, got ${tensor?.type ?? 'nothing'} [${tensor?.dims ?? ''}]`,
    )
  }
  const values = output.pool ? pooled(tensor.data, tensor.dims.at(-1) ?? 1, output.pool, mask) : Array.from(tensor.data)
  const length = Math.hypot(...values)
  return { kind: 'embedding', values: output.unit && length > 0 ? values.map((value) => value / length) : values }
}

function pooled(data: Float32Array, size: number, pool: 'mean' | 'first', mask: Tensor | undefined): number[] {
  if (pool === 'first') return Array.from(data.subarray(0, size))
  const sum = new Array<number>(size).fill(0)
  let count = 0
  for (let token = 0; token < data.length / size; token++) {
    if (mask && Number(mask.data[token]) === 0) continue
    count += 1
    for (let i = 0; i < size; i++) sum[i] = (sum[i] as number) + (data[token * size + i] as number)
  }
  return sum.map((value) => value / Math.max(1, count))
}

/** Cosine of the angle between two vectors: 1 for the same direction, 0 for nothing in common. */
export function similarity(a: readonly number[], b: readonly number[]): number {
  const dot = a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0)
  const lengths = Math.hypot(...a) * Math.hypot(...b)
  return lengths > 0 ? dot / lengths : 0
}
