import { JikoError } from '../protocol/error.ts'
import type { Decision } from '../protocol/manifest.ts'
import type { OutputOf } from '../protocol/output.ts'
import type { Score, TextAnswer } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'
import { softmax } from './scores.ts'

/**
 * Reads a line: the likeliest symbol of each step, repeats melted together, blanks left out (CTC, greedy). A character is
 * as likely as its likeliest step.
 * @throws JikoError `task/bad-output`
 */
export function lineOf(outputs: Tensors, output: OutputOf<'text'>, { temperature, threshold }: Decision): TextAnswer {
  const { tensor: name, blank, symbols, activation } = output
  const row = symbols.length + 1
  const tensor = outputs[name]
  if (tensor?.type !== 'float32' || tensor.data.length % row !== 0) {
    throw new JikoError(
      'task/bad-output',
      `output "${name}" should be float32 [1, steps, ${row}], got ${tensor?.type ?? 'nothing'} [${tensor?.dims ?? ''}]`,
    )
  }
  const characters: Score[] = []
  let before = blank
  for (let at = 0; at < tensor.data.length; at += row) {
    const values = tensor.data.subarray(at, at + row)
    const likely = activation === 'logits' ? softmax(values, temperature) : Array.from(values)
    const best = likely.reduce((most, value, i) => (value > (likely[most] as number) ? i : most), 0)
    const score = Math.min(1, Math.max(0, likely[best] as number))
    const last = characters.at(-1)
    if (best === before) {
      if (best !== blank && last && score > last.score) characters[characters.length - 1] = { ...last, score }
    } else if (best !== blank) {
      characters.push({ label: symbols[best > blank ? best - 1 : best] as string, score })
    }
    before = best
  }
  const text = characters.map(({ label }) => label).join('')
  const score = characters.reduce((least, one) => Math.min(least, one.score), text === '' ? 0 : 1)
  return { kind: 'text', text, score, sure: score >= threshold, characters }
}
