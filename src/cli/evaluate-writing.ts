import { JikoError } from '../protocol/error.ts'
import type { TokenFeatures } from '../protocol/input.ts'
import type { OutputOf } from '../protocol/output.ts'
import type { RunModel } from '../protocol/task.ts'
import { feedTokens } from '../tasks/generate.ts'
import { softmax } from '../tasks/scores.ts'
import type { Tokens } from '../tasks/tokens.ts'
import { type Common, commonOf, type Outcome } from './evaluate.ts'

/** A text as a pack that writes reads it: what it thought would come next, token by token. */
export interface Foretold {
  readonly outcomes: readonly Outcome[]
  /** -log2 of how likely it held what came, over the text. */
  readonly bits: number
  readonly characters: number
}

/** What texts say of a pack that writes. `accuracy` is the share of tokens that it held likeliest. */
export interface WritingEvaluation extends Common {
  readonly bitsPerCharacter: number
}

/**
 * Reads a text that the pack did not write. The first token is given: of what follows a tag, all is foretold.
 * @throws JikoError `input/no-words`, `input/too-long`, `task/bad-output`; AbortError
 */
export async function foretell(
  text: string,
  tokens: Tokens,
  features: TokenFeatures,
  { tensor, context }: Pick<OutputOf<'generate'>, 'tensor' | 'context'>,
  call: RunModel,
  signal?: AbortSignal,
): Promise<Foretold> {
  const ids = tokens.encode(text)
  if (ids.length < 2) throw new JikoError('input/no-words', 'there is nothing to foretell; give two tokens or more')
  if (ids.length > context + 1) {
    throw new JikoError(
      'input/too-long',
      `the text is ${ids.length} tokens long; this model looks back ${context}: cut it into pieces`,
    )
  }
  const outcomes: Outcome[] = []
  let bits = 0
  for (const [at, id] of ids.slice(0, -1).entries()) {
    const start = performance.now()
    const { logits } = await feedTokens([id], at, features, tensor, call, signal)
    const shares = softmax(logits)
    const likeliest = shares.reduce((best, share, i) => (share > (shares[best] as number) ? i : best), 0)
    const came = ids[at + 1] as number
    const score = shares[likeliest] as number
    bits -= Math.log2(shares[came] as number)
    outcomes.push({ truth: `${came}`, label: `${likeliest}`, score, sure: true, ms: performance.now() - start })
  }
  return { outcomes, bits, characters: [...tokens.decode(ids.slice(1))].length }
}

export function evaluateWriting(texts: readonly Foretold[]): WritingEvaluation {
  const sum = (of: (text: Foretold) => number): number => texts.reduce((total, text) => total + of(text), 0)
  return {
    ...commonOf(texts.flatMap(({ outcomes }) => outcomes)),
    bitsPerCharacter:
      sum(({ bits }) => bits) /
      Math.max(
        1,
        sum(({ characters }) => characters),
      ),
  }
}
