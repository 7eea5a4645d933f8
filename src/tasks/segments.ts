import { JikoError } from '../protocol/error.ts'
import type { AudioInput } from '../protocol/input.ts'
import type { OutputOf } from '../protocol/output.ts'
import type { SegmentsAnswer, Sound } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'

type Segment = SegmentsAnswer['segments'][number]

/**
 * When something is heard: from the window that reaches `begin` to the one that falls below `end`; short pauses closed,
 * then short segments dropped.
 * @throws JikoError `task/bad-output`
 */
export function segmentsOf(
  calls: readonly Tensors[],
  { tensor, begin, end, shortest, pause }: OutputOf<'segments'>,
  { rate, samples, step = samples }: AudioInput,
  sound: Sound,
): SegmentsAnswer {
  const length = sound.samples.length / sound.rate
  const found: Segment[] = []
  let open: { start: number; score: number } | undefined
  const close = (at: number): void => {
    if (!open) return
    const segment = { ...open, end: Math.min(length, at) }
    const last = found.at(-1)
    // A pause that is too short is none.
    if (last && segment.start - last.end < pause) {
      found[found.length - 1] = { start: last.start, end: segment.end, score: Math.max(last.score, segment.score) }
    } else found.push(segment)
    open = undefined
  }
  for (const [i, outputs] of calls.entries()) {
    const score = Number(outputs[tensor]?.data[0])
    if (!Number.isFinite(score))
      throw new JikoError('task/bad-output', `output "${tensor}" should be a probability, got ${score}`)
    const start = (i * step) / rate
    if (open && score < end) close(start)
    else if (open) open.score = Math.max(open.score, score)
    else if (score >= begin) open = { start, score }
  }
  close(length)
  return { kind: 'segments', segments: found.filter((one) => one.end - one.start >= shortest), length }
}
