import { describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/lib/bytes.ts'
import type { TokenFeatures } from '../../../src/protocol/input.ts'
import type { RunModel } from '../../../src/protocol/task.ts'
import { float32 } from '../../../src/protocol/tensor.ts'
import { type TaskManifest, taskFor } from '../../../src/tasks/table.ts'
import { openTokens, tokenTensors } from '../../../src/tasks/tokens.ts'
import { materialBytes } from '../../helpers/real-packs.ts'
import { hasMaterials } from '../../helpers/sample-inputs.ts'

const WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'amina', 'lives', 'in', 'dar', 'es', 'sal', '##aam', '.']
const wordPiece = utf8(
  JSON.stringify({
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: WORDS.slice(0, 4).map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: { id: '[CLS]', type_id: 0 } },
        { Sequence: { id: 'A', type_id: 0 } },
        { SpecialToken: { id: '[SEP]', type_id: 0 } },
      ],
      pair: [],
      special_tokens: {
        '[CLS]': { id: '[CLS]', ids: [2], tokens: ['[CLS]'] },
        '[SEP]': { id: '[SEP]', ids: [3], tokens: ['[SEP]'] },
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(WORDS.map((word, id) => [word, id])),
    },
  }),
)
const features: TokenFeatures = {
  kind: 'tokens',
  tokenizer: 'tokenizer.json',
  type: 'int64',
  ids: 'input_ids',
  mask: 'attention_mask',
  types: 'token_type_ids',
  vocabulary: WORDS.length,
  length: 16,
}
const read = async () => wordPiece
const TEXT = 'Amína lives in Dar es Salaam.'
const IDS = [2, 4, 5, 6, 7, 8, 9, 10, 11, 3]

describe('tokens', () => {
  it('are what the tokenizer of the pack makes, and come back as text', async () => {
    const tokens = await openTokens(features, read)
    expect(tokens.encode(TEXT)).toEqual(IDS)
    expect(tokens.decode(IDS)).toBe('amina lives in dar es salaam.')
    expect([tokens.word(10), tokens.isSpecial(3), tokens.isSpecial(4)]).toEqual(['##aam', true, false])
  })

  it('are fed with mask and types, filled up or cut off with their end kept', () => {
    const { input_ids, attention_mask, token_type_ids } = tokenTensors(IDS, { ...features, pad: 0, length: 12 })
    expect(Array.from(input_ids?.data ?? [], Number)).toEqual([...IDS, 0, 0])
    expect(Array.from(attention_mask?.data ?? [], Number)).toEqual([...IDS.map(() => 1), 0, 0])
    expect(Array.from(token_type_ids?.data ?? [], Number)).toEqual(new Array(12).fill(0))
    expect(Array.from(tokenTensors(IDS, { ...features, length: 4 }).input_ids?.data ?? [], Number)).toEqual([
      2, 4, 5, 3,
    ])
    expect(tokenTensors(IDS, features).input_ids?.dims).toEqual([1, 10])
  })

  it('go on where earlier calls ended', () => {
    const { positions, attention_mask } = tokenTensors([7], { ...features, positions: 'positions' }, 3)
    expect(Array.from(positions?.data ?? [], Number)).toEqual([3])
    expect(attention_mask?.dims).toEqual([1, 4])
  })

  it.each([
    ['no JSON', utf8('<!doctype html>'), 'not the JSON of a tokenizer'],
    ['a list', utf8('[]'), 'cannot be used'],
    ['a number', utf8('7'), 'not the JSON of a tokenizer'],
    ['no model', utf8('{"model":{"type":"Telepathy"}}'), 'cannot be used'],
  ])('of a file that is %s are refused in one line', async (_, bytes, said) => {
    await expect(openTokens(features, async () => bytes)).rejects.toMatchObject({
      code: 'pack/bad-tokenizer',
      message: expect.stringContaining(said),
    })
  })

  it('that the model does not know are refused', async () => {
    const tokens = await openTokens({ ...features, vocabulary: 5 }, read)
    expect(() => tokens.encode(TEXT)).toThrow('the model knows 5')
  })

  it.runIf(hasMaterials).each([
    ['minilm-wordpiece', 30_522, [101, 7592, 2088, 102]],
    ['gpt2-bytebpe', 50_257, [15_496, 995]],
  ])('of the real tokenizer %s are the known ones', async (name, vocabulary, ids) => {
    const real = async () => materialBytes(`models/tokenizers/${name}.tokenizer.json`)
    const tokens = await openTokens({ ...features, vocabulary }, real)
    expect(tokens.encode('Hello world')).toEqual(ids)
    expect(tokens.decode(ids)).toMatch(/^hello world$/i)
    const strange = 'Ọjọ́ ሰላም 😀'
    if (name.startsWith('gpt2')) expect(tokens.decode(tokens.encode(strange))).toBe(strange)
  })
})

describe('a text task with a tokenizer', () => {
  const manifest = (changes: Partial<TaskManifest>): TaskManifest => ({
    input: { kind: 'text', features: { ...features, pad: 0 } },
    output: { kind: 'classes', tensor: 'out', activation: 'logits' },
    labels: [],
    decision: { temperature: 1, threshold: 0.5 },
    ...changes,
  })
  const labels = ['none', 'b-person', 'b-place', 'i-place'].map((id) => ({ id, name: { en: id }, none: id === 'none' }))

  it('names parts of the text', async () => {
    const best: Record<number, number> = { 4: 1, 7: 2, 8: 3, 9: 3, 10: 3 }
    const call: RunModel = async ({ input_ids }) => {
      const ids = Array.from(input_ids?.data ?? [], Number)
      const logits = ids.flatMap((id) => labels.map((_, label) => (label === (best[id] ?? 0) ? 6 : 0)))
      return { out: float32([1, ids.length, labels.length], Float32Array.from(logits)) }
    }
    const task = await taskFor(manifest({ output: { kind: 'tokens', tensor: 'out' }, labels }), read)
    const answer = await task.run({ kind: 'text', text: TEXT }, call)
    expect(answer).toMatchObject({
      kind: 'spans',
      sure: true,
      spans: [
        { label: 'b-person', text: 'Amína', start: 0, end: 5 },
        { label: 'b-place', text: 'Dar es Salaam' },
      ],
    })
  })

  it('gives a vector that padding does not change', async () => {
    const call: RunModel = async ({ input_ids }) => {
      const ids = Array.from(input_ids?.data ?? [], Number)
      return { out: float32([1, ids.length, 2], Float32Array.from(ids.flatMap((id) => [id, id === 0 ? 99 : 1]))) }
    }
    const output = { kind: 'embedding', tensor: 'out', pool: 'mean', unit: false } as const
    const answer = await (await taskFor(manifest({ output }), read)).run({ kind: 'text', text: TEXT }, call)
    const mean = IDS.reduce((sum, id) => sum + id, 0) / IDS.length
    expect(answer).toEqual({ kind: 'embedding', values: [expect.closeTo(mean), 1] })
  })

  it('writes on until a token ends it, and can be stopped at any', async () => {
    const next: Record<number, number> = { 3: 5, 5: 6, 6: 7, 7: 11 }
    const call: RunModel = async ({ input_ids }) => {
      const last = Number(input_ids?.data.at(-1))
      const logits = WORDS.map((_, id) => (id === next[last] ? 9 : 0))
      return { out: float32([1, 1, WORDS.length], Float32Array.from(logits)) }
    }
    const output = { kind: 'generate', tensor: 'out', end: [11], context: 32, most: 20, among: 1 } as const
    const input = { kind: 'text', features: { ...features, length: 4 } } as const
    const task = await taskFor(manifest({ input, output: { ...output, end: [11] } }), read)
    const heard: string[] = []
    const answer = await task.run({ kind: 'text', text: 'amina' }, call, { onText: (text) => heard.push(text) })
    expect(answer).toMatchObject({ kind: 'text', text: 'lives in dar' })
    expect(heard).toEqual(['lives', 'lives in', 'lives in dar'])
    const stop = new AbortController()
    const stopped = task.run({ kind: 'text', text: 'amina' }, call, { signal: stop.signal, onText: () => stop.abort() })
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('makes up the same text from the same seed, and others from others', async () => {
    const call: RunModel = async () => ({ out: float32([1, 1, WORDS.length], new Float32Array(WORDS.length)) })
    const output = { kind: 'generate' as const, tensor: 'out', end: [], context: 32, most: 8, among: WORDS.length }
    const input = { kind: 'text', features: { ...features, length: 4 } } as const
    const task = await taskFor(manifest({ input, output }), read)
    const write = async (seed: number): Promise<string> =>
      JSON.stringify(await task.run({ kind: 'text', text: 'amina' }, call, { seed }))
    expect(await write(7)).toBe(await write(7))
    expect(new Set(await Promise.all([1, 2, 3, 4].map(write))).size).toBe(4)
  })

  it('refuses a pack whose parts do not fit together', async () => {
    const wrong = manifest({ output: { kind: 'segments', tensor: 'out', begin: 0.5, end: 0.3, shortest: 0, pause: 0 } })
    await expect(taskFor(wrong, read)).rejects.toMatchObject({ code: 'task/unknown' })
  })
})
