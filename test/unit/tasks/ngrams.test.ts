import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { NgramFeatures } from '../../../src/protocol/input.ts'
import { fnv1a, ngramTensor, wordsOf } from '../../../src/tasks/ngrams.ts'

const features: NgramFeatures = {
  kind: 'ngrams',
  tensor: 'pieces',
  type: 'float32',
  most: 2000,
  form: 'NFC',
  lower: true,
  characters: [1, 2, 3],
  words: [1, 2],
  buckets: 4096,
  output: { kind: 'buckets', value: 'present', scale: 'unit' },
}
const ids = (length: number): NgramFeatures => ({
  ...features,
  type: 'int32',
  output: { kind: 'ids', length, first: 0, pad: 9999 },
})
const { cases } = JSON.parse(readFileSync(`${import.meta.dirname}/../../fixtures/ngrams.json`, 'utf8')) as {
  cases: { text: string; words: string[]; ids: number[] }[]
}

describe('pieces of a text', () => {
  it('are hashed by FNV-1a over UTF-8', () => {
    // Known values of the function's authors.
    expect([fnv1a(''), fnv1a('a'), fnv1a('foobar')]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968])
  })

  it.each(cases)('of "$text" are those that Python makes', ({ text, words, ids: wanted }) => {
    expect(wordsOf(text, features)).toEqual(words)
    expect([...ngramTensor(text, ids(wanted.length)).data]).toEqual(wanted)
    const buckets = ngramTensor(text, features)
    const hit = [...new Set(wanted)].sort((a, b) => a - b)
    expect(buckets.dims).toEqual([1, 4096])
    expect(Array.from(buckets.data, Number).flatMap((value, i) => (value > 0 ? i : []))).toEqual(hit)
    expect(buckets.data[hit[0] as number]).toBeCloseTo(1 / Math.sqrt(hit.length), 6)
  })

  it('are counted, shared out, cut off and filled up as the manifest says', () => {
    const count: NgramFeatures = {
      ...features,
      characters: [1],
      words: [],
      output: { kind: 'buckets', value: 'count', scale: 'none' },
    }
    const a = fnv1a('a') % 4096
    expect(ngramTensor('aaa b', count).data[a]).toBe(3)
    expect(
      ngramTensor('aaa b', { ...count, output: { kind: 'buckets', value: 'count', scale: 'share' } }).data[a],
    ).toBe(0.75)
    expect(ngramTensor('aaa b', { ...count, most: 2 }).data[a]).toBe(2)
    expect([...ngramTensor('a', ids(8)).data].filter((id) => id === 9999)).toHaveLength(3)
    expect(ngramTensor('a long text of many words', ids(3)).data).toHaveLength(3)
  })

  it.each(['', '  \n', '123 - 45 %', '😀😀'])('of %j there are none, and that is said', (text) => {
    expect(() => ngramTensor(text, features)).toThrow(expect.objectContaining({ code: 'input/no-words' }))
  })

  it('are a vector of length 1 whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        const { data } = ngramTensor(`x ${text}`, features)
        expect(Math.hypot(...Array.from(data, Number))).toBeCloseTo(1, 5)
      }),
      { numRuns: 60 },
    )
  })
})
