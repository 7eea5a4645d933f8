import { Tokenizer } from '@huggingface/tokenizers'
import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { TokenFeatures } from '../protocol/input.ts'
import { type Tensors, tensorOf } from '../protocol/tensor.ts'

/** A tokenizer of a pack: text to ids and back. */
export interface Tokens {
  encode(text: string): number[]
  /** Ids to text, special ones left out. */
  decode(ids: readonly number[]): string
  /** The token as it is written in the vocabulary, such as `##ing`. */
  word(id: number): string
  /** Words of the vocabulary that stand for no text. */
  isSpecial(id: number): boolean
}

function parse(bytes: Bytes, path: string): object {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof value === 'object' && value !== null) return value
    throw new Error('it is no object')
  } catch (cause) {
    throw new JikoError('pack/bad-tokenizer', `${path} of the pack is not the JSON of a tokenizer`, { cause })
  }
}

/** @throws JikoError `pack/bad-tokenizer` */
export async function openTokens(
  { tokenizer: path, config: configPath, vocabulary }: TokenFeatures,
  read: (path: string) => Promise<Bytes>,
): Promise<Tokens> {
  const file = parse(await read(path), path)
  const config = configPath === undefined ? {} : parse(await read(configPath), configPath)
  let tokenizer: Tokenizer
  try {
    tokenizer = new Tokenizer(file, config)
  } catch (cause) {
    throw new JikoError('pack/bad-tokenizer', `the tokenizer ${path} of the pack cannot be used: ${String(cause)}`, {
      cause,
    })
  }
  const special = new Set(
    [...tokenizer.get_added_tokens_decoder()].filter(([, token]) => token.special).map(([id]) => id),
  )
  return {
    encode(text) {
      const { ids } = tokenizer.encode(text)
      const strange = ids.find((id) => !(id >= 0 && id < vocabulary))
      if (strange === undefined) return ids
      throw new JikoError('pack/bad-tokenizer', `the tokenizer gives id ${strange}, but the model knows ${vocabulary}`)
    },
    decode: (ids) => (ids.length > 0 ? tokenizer.decode([...ids], { skip_special_tokens: true }) : ''),
    word: (id) => tokenizer.id_to_token(id) ?? '',
    isSpecial: (id) => special.has(id),
  }
}

/** Tensors of one call: those ids, filled up where the model wants a fixed length. @param before how many came in earlier calls. */
export function tokenTensors(all: readonly number[], features: TokenFeatures, before = 0): Tensors {
  const { ids, mask, types, positions, pad, length, type } = features
  // The last token ends the text for most tokenizers: it stays when the middle is cut off.
  const kept = all.length > length ? [...all.slice(0, length - 1), all.at(-1) as number] : all
  const count = pad === undefined ? kept.length : length
  const tensor = (value: (i: number) => number): Tensors[string] => tensorOf(type, [1, count], value)
  return {
    [ids]: tensor((i) => kept[i] ?? pad ?? 0),
    // What came before is attended to as well.
    ...(mask !== undefined && {
      [mask]: tensorOf(type, [1, before + count], (i) => (i < before + kept.length ? 1 : 0)),
    }),
    ...(types !== undefined && { [types]: tensor(() => 0) }),
    ...(positions !== undefined && { [positions]: tensor((i) => before + i) }),
  }
}
