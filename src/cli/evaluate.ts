import type { AccuracyFile } from '../protocol/accuracy.ts'
import { JikoError } from '../protocol/error.ts'

/** One labelled sample and what was answered. */
export interface Outcome {
  readonly truth: string
  readonly label: string
  readonly score: number
  readonly sure: boolean
  readonly ms: number
}

/** What a set of outcomes says of a pack. Shares are 0-1. */
export interface Evaluation {
  readonly count: number
  readonly accuracy: number
  /** Mean of the recalls: what a rare class weighs as much as a common one in. */
  readonly balancedAccuracy: number
  /** Share of answers above the threshold, and accuracy among them; null when there are none. */
  readonly sure: { readonly share: number; readonly accuracy: number | null }
  readonly calibrationError: number
  readonly perClass: AccuracyFile['variants'][number]['perClass']
  /** Rows are the truth, columns the answers. */
  readonly confusion: number[][]
  /** Milliseconds of prepare, run and finish. */
  readonly latency: { readonly median: number; readonly p95: number }
}

const BUCKETS = 10

/** Mean gap between confidence and accuracy over ten buckets of confidence, weighted by how many fall in each. */
export function calibrationError(outcomes: readonly Pick<Outcome, 'score' | 'truth' | 'label'>[]): number {
  let gap = 0
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const inside = outcomes.filter(({ score }) => Math.min(BUCKETS - 1, Math.floor(score * BUCKETS)) === bucket)
    const right = inside.filter(({ truth, label }) => truth === label).length
    gap += Math.abs(inside.reduce((sum, { score }) => sum + score, 0) - right)
  }
  return outcomes.length === 0 ? 0 : gap / outcomes.length
}

const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole)

/** @throws JikoError `cli/unknown-label` when the truth is not one of the pack's labels. */
export function evaluate(outcomes: readonly Outcome[], labels: readonly string[]): Evaluation {
  const index = new Map(labels.map((label, i) => [label, i]))
  const confusion = labels.map(() => labels.map(() => 0))
  for (const { truth, label } of outcomes) {
    const row = confusion[index.get(truth) ?? -1]
    if (!row) {
      throw new JikoError(
        'cli/unknown-label',
        `The data has the label "${truth}", the pack knows ${labels.slice(0, 12).join(', ')}.`,
      )
    }
    const column = index.get(label) ?? 0
    row[column] = (row[column] ?? 0) + 1
  }
  const perClass = Object.fromEntries(
    labels.map((label, i) => {
      const count = (confusion[i] ?? []).reduce((sum, n) => sum + n, 0)
      const answered = confusion.reduce((sum, row) => sum + (row[i] ?? 0), 0)
      const right = confusion[i]?.[i] ?? 0
      return [label, { count, recall: ratio(right, count), precision: ratio(right, answered) }]
    }),
  )
  const present = Object.values(perClass).filter(({ count }) => count > 0)
  const right = outcomes.filter(({ truth, label }) => truth === label).length
  const sure = outcomes.filter((outcome) => outcome.sure)
  const times = outcomes.map(({ ms }) => ms).sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0
  return {
    count: outcomes.length,
    accuracy: ratio(right, outcomes.length),
    balancedAccuracy: ratio(
      present.reduce((sum, { recall }) => sum + recall, 0),
      present.length,
    ),
    sure: {
      share: ratio(sure.length, outcomes.length),
      accuracy: sure.length === 0 ? null : sure.filter(({ truth, label }) => truth === label).length / sure.length,
    },
    calibrationError: calibrationError(outcomes),
    perClass,
    confusion,
    latency: { median: at(0.5), p95: at(0.95) },
  }
}
