import type { MeasuredSet } from '../protocol/accuracy.ts'
import { JikoError } from '../protocol/error.ts'

/** One labelled sample and what was answered. */
export interface Outcome {
  readonly truth: string
  readonly label: string
  readonly score: number
  readonly sure: boolean
  readonly ms: number
}

/** Shares are 0-1. */
export interface Common {
  readonly count: number
  readonly accuracy: number
  /** Share of answers above the threshold, and accuracy among them; null when there are none. */
  readonly sure: { readonly share: number; readonly accuracy: number | null }
  readonly calibrationError: number
  /** How far confidence and accuracy lie apart in each bucket of confidence that is not empty. */
  readonly reliability: readonly { readonly score: number; readonly accuracy: number; readonly count: number }[]
  /** Milliseconds of prepare, run and finish. */
  readonly latency: { readonly median: number; readonly p95: number }
}

/** What outcomes say of a pack that answers with labels. */
export interface Evaluation extends Common {
  /** Mean of the recalls: what a rare class weighs as much as a common one in. */
  readonly balancedAccuracy: number
  readonly perClass: MeasuredSet['perClass']
  /** Rows are the truth, columns the answers. */
  readonly confusion: number[][]
}

/** What outcomes say of a pack that reads. */
export interface ReadingEvaluation extends Common {
  /** Share of the characters written that were read: 1 - edit distance / length. */
  readonly characters: number
}

const BUCKETS = 10

type Judged = Pick<Outcome, 'score' | 'truth' | 'label'>

function reliabilityOf(outcomes: readonly Judged[]): Common['reliability'] {
  return Array.from({ length: BUCKETS }, (_, bucket) => {
    const inside = outcomes.filter(({ score }) => Math.min(BUCKETS - 1, Math.floor(score * BUCKETS)) === bucket)
    const right = inside.filter(({ truth, label }) => truth === label).length
    const score = inside.reduce((sum, one) => sum + one.score, 0)
    return { score: ratio(score, inside.length), accuracy: ratio(right, inside.length), count: inside.length }
  }).filter(({ count }) => count > 0)
}

/** Mean gap between confidence and accuracy over ten buckets of confidence, weighted by how many fall in each. */
export const calibrationError = (outcomes: readonly Judged[]): number =>
  ratio(
    reliabilityOf(outcomes).reduce((sum, one) => sum + Math.abs(one.score - one.accuracy) * one.count, 0),
    outcomes.length,
  )

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
  return {
    ...commonOf(outcomes),
    balancedAccuracy: ratio(
      present.reduce((sum, { recall }) => sum + recall, 0),
      present.length,
    ),
    perClass,
    confusion,
  }
}

/** Of lines that were read: right only when every character is. */
export function evaluateReading(outcomes: readonly Outcome[]): ReadingEvaluation {
  const written = outcomes.reduce((sum, { truth }) => sum + truth.length, 0)
  const wrong = outcomes.reduce((sum, { truth, label }) => sum + editDistance(truth, label), 0)
  return { ...commonOf(outcomes), characters: Math.max(0, 1 - ratio(wrong, written)) }
}

/** What holds of every kind of answer. */
export function commonOf(outcomes: readonly Outcome[]): Common {
  const right = outcomes.filter(({ truth, label }) => truth === label).length
  const sure = outcomes.filter((outcome) => outcome.sure)
  const times = outcomes.map(({ ms }) => ms).sort((a, b) => a - b)
  const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0
  return {
    count: outcomes.length,
    accuracy: ratio(right, outcomes.length),
    sure: {
      share: ratio(sure.length, outcomes.length),
      accuracy: sure.length === 0 ? null : sure.filter(({ truth, label }) => truth === label).length / sure.length,
    },
    calibrationError: calibrationError(outcomes),
    reliability: reliabilityOf(outcomes),
    latency: { median: at(0.5), p95: at(0.95) },
  }
}

/** How many characters must be put in, taken out or changed to make one text of the other. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1]
    for (let j = 0; j < to.length; j++) {
      const change = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
