import { JikoError } from '../protocol/error.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { OutputOf } from '../protocol/output.ts'
import type { Span, SpansAnswer } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'
import { softmax } from './scores.ts'
import type { Tokens } from './tokens.ts'

/** How tokenizers mark the beginning or the inside of a word, which the text does not have. */
const MARKS = /^(##|Ġ|▁)/

const plain = (text: string): string => text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase()

/**
 * Where each token stands in the text: tokenizers lower and strip, so both are compared plainly, one token after the
 * other. A token that is not found gets an empty place where the one before ended.
 */
export function placesOf(text: string, words: readonly string[]): { start: number; end: number }[] {
  // Plain text, and for each of its units the unit of the text that it came from.
  let flat = ''
  const origin: number[] = []
  for (let at = 0; at < text.length; ) {
    const point = String.fromCodePoint(text.codePointAt(at) ?? 0)
    const simple = plain(point)
    flat += simple
    for (let i = 0; i < simple.length; i++) origin.push(at)
    at += point.length
  }
  origin.push(text.length)
  let from = 0
  return words.map((word) => {
    const wanted = plain(word.replace(MARKS, ''))
    const found = wanted === '' ? -1 : flat.indexOf(wanted, from)
    if (found < 0) return { start: origin[from] as number, end: origin[from] as number }
    from = found + wanted.length
    return { start: origin[found] as number, end: origin[from] as number }
  })
}

/**
 * Parts of a text by their labels: a `b-` label begins a span, `i-` labels of the same name go on with it, any other
 * label that is not marked `none` joins its neighbours of the same label. A span is as likely as its least likely token.
 * @throws JikoError `task/bad-output`
 */
export function spansOf(
  outputs: Tensors,
  output: OutputOf<'tokens'>,
  { labels, decision }: Pick<Manifest, 'labels' | 'decision'>,
  { text, ids, tokens }: { text: string; ids: readonly number[]; tokens: Tokens },
): SpansAnswer {
  const tensor = outputs[output.tensor]
  if (tensor?.type !== 'float32' || tensor.data.length < ids.length * labels.length) {
    throw new JikoError(
      'task/bad-output',
      `output "${output.tensor}" should be float32 [1, ${ids.length}, ${labels.length}], got [${tensor?.dims ?? ''}]`,
    )
  }
  const places = placesOf(
    text,
    ids.map((id) => (tokens.isSpecial(id) ? '' : tokens.word(id))),
  )
  const spans: Span[] = []
  let before: string | undefined
  for (const [i, id] of ids.entries()) {
    const scores = softmax(tensor.data.subarray(i * labels.length, (i + 1) * labels.length), decision.temperature)
    const best = scores.reduce((most, value, k) => (value > (scores[most] as number) ? k : most), 0)
    const label = labels[best]
    const place = places[i] as { start: number; end: number }
    if (!label || label.none || tokens.isSpecial(id) || place.start === place.end) {
      before = undefined
      continue
    }
    const score = scores[best] as number
    const name = label.id.replace(/^[bi]-/, '')
    const last = spans.at(-1)
    if (last && before === name && !label.id.startsWith('b-')) {
      const joined = { ...last, end: place.end, score: Math.min(last.score, score) }
      spans[spans.length - 1] = { ...joined, text: text.slice(joined.start, joined.end) }
    } else spans.push({ ...place, text: text.slice(place.start, place.end), label: label.id, score })
    before = name
  }
  return { kind: 'spans', spans, sure: spans.every(({ score }) => score >= decision.threshold) }
}
