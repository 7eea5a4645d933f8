import type { RecordedAnswer } from './record.ts'
import type { Answer } from './task.ts'

/** At most so many scores, boxes, spans or segments of an answer go into its record. */
const MOST = 100
const MOST_VALUES = 2048
const MOST_CHARACTERS = 8000

const short = (value: number): number => Math.round(value * 10_000) / 10_000

/** What of an answer goes into its record: small enough for a log line whatever the model said. */
export function recordedAnswer(answer: Answer): RecordedAnswer {
  switch (answer.kind) {
    case 'classes': {
      const { kind, label, score, sure, known } = answer
      return { kind, label, score: short(score), sure, ...(!known && { known }) }
    }
    case 'boxes': {
      const boxes = answer.boxes.slice(0, MOST).map(({ label, score, x, y, width, height }) => ({
        label,
        score: short(score),
        x: short(x),
        y: short(y),
        width: short(width),
        height: short(height),
      }))
      return { kind: 'boxes', sure: answer.sure, boxes }
    }
    case 'text': {
      const text = answer.text.slice(0, MOST_CHARACTERS)
      return { kind: 'text', text, score: short(answer.score), sure: answer.sure }
    }
    case 'embedding':
      return { kind: 'embedding', values: answer.values.slice(0, MOST_VALUES).map(short) }
    case 'spans': {
      const spans = answer.spans.slice(0, MOST).map(({ label, score, start, end }) => {
        return { label, score: short(score), start, end }
      })
      return { kind: 'spans', sure: answer.sure, spans }
    }
    case 'segments': {
      const segments = answer.segments.slice(0, MOST).map(({ start, end, score }) => {
        return { start: short(start), end: short(end), score: short(score) }
      })
      return { kind: 'segments', length: short(answer.length), segments }
    }
    case 'image':
      return { kind: 'image', width: answer.pixels.width, height: answer.pixels.height }
  }
}

/** The scores that a record lists, best first. */
export const recordedScores = (answer: Answer): [string, number][] =>
  answer.kind === 'classes' ? answer.scores.slice(0, MOST).map(({ label, score }) => [label, short(score)]) : []

/** An answer in one line, for lists: labels with how often each was found, or text as it is; and how likely, where that says something. */
export interface Headline {
  labels: readonly { id: string; count: number }[]
  text: string
  score: number | undefined
  sure: boolean
}

function counted(found: readonly { label: string }[]): Headline['labels'] {
  const counts = new Map<string, number>()
  for (const { label } of found) counts.set(label, (counts.get(label) ?? 0) + 1)
  return [...counts].map(([id, count]) => ({ id, count }))
}

const best = (found: readonly { score: number }[]): number | undefined =>
  found.length > 0 ? found.reduce((most, { score }) => Math.max(most, score), 0) : undefined

export function headlineOf(answer: RecordedAnswer): Headline {
  switch (answer.kind) {
    case 'boxes':
      return { labels: counted(answer.boxes), text: '', score: best(answer.boxes), sure: answer.sure }
    case 'text':
      return { labels: [], text: answer.text, score: answer.score, sure: answer.sure }
    case 'embedding':
      return { labels: [], text: `[${answer.values.length}]`, score: undefined, sure: true }
    case 'spans':
      return { labels: counted(answer.spans), text: '', score: best(answer.spans), sure: answer.sure }
    case 'segments': {
      const text = answer.segments.map(({ start, end }) => `${start.toFixed(1)}–${end.toFixed(1)} s`).join(', ')
      return { labels: [], text: text || '0 s', score: best(answer.segments), sure: true }
    }
    case 'image':
      return { labels: [], text: `${answer.width} × ${answer.height}`, score: undefined, sure: true }
    default:
      return { labels: [{ id: answer.label, count: 1 }], text: '', score: answer.score, sure: answer.sure }
  }
}
