import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { Manifest } from '../protocol/manifest.ts'
import type { Look, RunModel } from '../protocol/task.ts'
import { feedTokens } from './generate.ts'
import { softmax } from './scores.ts'
import { openTokens } from './tokens.ts'

/** So many of the likeliest tokens are told. */
const MOST = 6

/** Looks at a text with a model that writes: what it may go on with, and where it looked for that. */
export type Looking = (text: string, call: RunModel, signal: AbortSignal) => Promise<Look>

/**
 * For those who want to see how it works.
 * @throws JikoError `task/unknown` for a pack that does not write token after token, `pack/bad-tokenizer`
 */
export async function createLooking(
  { input, output }: Pick<Manifest, 'input' | 'output'>,
  read: (path: string) => Promise<Bytes>,
): Promise<Looking> {
  if (output.kind !== 'generate' || input.kind !== 'text' || input.features.kind !== 'tokens')
    throw new JikoError('task/unknown', 'only a pack that writes token after token can be looked into')
  const { features } = input
  const tokens = await openTokens(features, read)
  return async (text, call, signal) => {
    const all = tokens.encode(text)
    if (all.length === 0) throw new JikoError('input/no-words', 'there is nothing to look at; write a few words')
    // What lies further back than the model can see is not looked at.
    const ids = all.slice(-(output.context - 1))
    const { logits, outputs } = await feedTokens(ids, 0, features, output.tensor, call, signal)
    const shares = softmax(logits)
    const nexts = Array.from(shares, (share, id) => ({ text: tokens.decode([id]), share, id }))
      .filter(({ id }) => !tokens.isSpecial(id) && !output.end.includes(id))
      .sort((a, b) => b.share - a.share || a.id - b.id)
      .slice(0, MOST)
      .map(({ text: word, share }) => ({ text: word, share }))
    return {
      words: ids.map((id) => tokens.decode([id]) || tokens.word(id)),
      nexts,
      layers: attended(outputs, ids.length),
    }
  }

  /** Of each layer how much it looks at each token: the mean of its heads. */
  function attended(outputs: Awaited<ReturnType<RunModel>>, count: number): number[][] {
    const tensor = output.kind === 'generate' && output.attention !== undefined ? outputs[output.attention] : undefined
    if (tensor?.type !== 'float32') return []
    const [layers = 0, heads = 1, context = 0] = tensor.dims
    return Array.from({ length: layers }, (_, layer) =>
      Array.from({ length: Math.min(count, context) }, (_, at) => {
        let sum = 0
        for (let head = 0; head < heads; head++) sum += tensor.data[(layer * heads + head) * context + at] as number
        return sum / heads
      }),
    )
  }
}
