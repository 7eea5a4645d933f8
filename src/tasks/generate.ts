import { JikoError } from '../protocol/error.ts'
import type { TokenFeatures } from '../protocol/input.ts'
import type { Decision } from '../protocol/manifest.ts'
import type { OutputOf } from '../protocol/output.ts'
import type { RunModel, TextAnswer } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'
import { softmax } from './scores.ts'
import type { Tokens } from './tokens.ts'
import { tokenTensors } from './tokens.ts'

export interface GenerateOptions {
  signal?: AbortSignal | undefined
  /** Hears the text so far after each token. */
  onText?: ((text: string) => void) | undefined
  /** 0 up to 1, for drawing one of the likeliest tokens. */
  random: () => number
}

/** One of the likeliest `among` tokens, drawn by how likely each is at this temperature. */
export function drawToken(logits: ArrayLike<number>, among: number, temperature: number, random: () => number): number {
  const ids = Array.from(logits, (_, id) => id)
    .sort((a, b) => (logits[b] as number) - (logits[a] as number) || a - b)
    .slice(0, among)
  const shares = softmax(
    ids.map((id) => logits[id] as number),
    temperature,
  )
  let rest = random()
  for (const [i, share] of shares.entries()) {
    rest -= share
    if (rest < 0) return ids[i] as number
  }
  return ids[0] as number
}

/**
 * Feeds tokens, as many at once as the model takes.
 * @param before how many it was fed earlier
 * @returns what it says of the next one, and all that the last call put out
 * @throws JikoError `task/bad-output`; AbortError
 */
export async function feedTokens(
  ids: readonly number[],
  before: number,
  features: TokenFeatures,
  tensor: string,
  call: RunModel,
  signal?: AbortSignal,
): Promise<{ logits: Float32Array; outputs: Tensors }> {
  const { vocabulary, length } = features
  let logits: Float32Array = new Float32Array()
  let outputs: Tensors = {}
  for (let at = 0; at < ids.length; at += length) {
    signal?.throwIfAborted()
    const part = ids.slice(at, at + length)
    outputs = await call(tokenTensors(part, features, before + at))
    const output = outputs[tensor]
    if (output?.type !== 'float32' || output.data.length % vocabulary !== 0 || output.data.length === 0) {
      throw new JikoError(
        'task/bad-output',
        `output "${tensor}" should be rows of ${vocabulary}, got [${output?.dims ?? ''}]`,
      )
    }
    // Of a padded call the row of the last real token; of one that gives only the last row, that.
    const rows = output.data.length / vocabulary
    const row = Math.min(rows, part.length) - 1
    logits = output.data.subarray(row * vocabulary, (row + 1) * vocabulary)
  }
  return { logits, outputs }
}

/**
 * Goes on with a text, token after token; what the model keeps of earlier calls is carried by `call`. Ends at one of
 * the tokens that end it, after `most` tokens, or when the model can look back no further.
 * @throws JikoError `input/too-long`, `input/no-words`, `task/bad-output`; AbortError
 */
export async function generate(
  prompt: string,
  tokens: Tokens,
  features: TokenFeatures,
  { tensor, end, most, among, context }: OutputOf<'generate'>,
  { temperature }: Decision,
  call: RunModel,
  { signal, onText, random }: GenerateOptions,
): Promise<TextAnswer> {
  const ids = tokens.encode(prompt)
  if (ids.length === 0) throw new JikoError('input/no-words', 'there is nothing to go on with; write a few words')
  if (ids.length >= context) {
    throw new JikoError(
      'input/too-long',
      `the text is ${ids.length} tokens long; this model can look back ${context}`,
      {
        detail: { tokens: ids.length, most: context - 1 },
      },
    )
  }
  const written: number[] = []
  let before = 0
  for (let next = ids; ; ) {
    const { logits } = await feedTokens(next, before, features, tensor, call, signal)
    before += next.length
    const token = drawToken(logits, among, temperature, random)
    if (end.includes(token)) break
    written.push(token)
    onText?.(tokens.decode(written))
    if (written.length >= most || before >= context) break
    next = [token]
  }
  return { kind: 'text', text: tokens.decode(written), score: 1, sure: true }
}
