import { describe, expect, it } from 'vitest'
import { confusionSvg } from '../../../src/cli/confusion-svg.ts'
import { calibrationError, editDistance, evaluate, evaluateReading, type Outcome } from '../../../src/cli/evaluate.ts'
import { evaluateWriting, foretell } from '../../../src/cli/evaluate-writing.ts'
import { reliabilitySvg } from '../../../src/cli/reliability-svg.ts'
import type { RunModel } from '../../../src/protocol/task.ts'

const outcome = (truth: string, label: string, score = 0.9, ms = 10): Outcome => ({
  truth,
  label,
  score,
  sure: score >= 0.5,
  ms,
})

describe('evaluating', () => {
  it('counts accuracy, classes, confusion and what is sure', () => {
    const result = evaluate(
      [outcome('a', 'a'), outcome('a', 'a', 0.3), outcome('a', 'b'), outcome('b', 'b', 0.9, 30)],
      ['a', 'b', 'c'],
    )
    expect(result.accuracy).toBe(0.75)
    expect(result.balancedAccuracy).toBeCloseTo((2 / 3 + 1) / 2)
    expect(result.confusion).toEqual([
      [2, 1, 0],
      [0, 1, 0],
      [0, 0, 0],
    ])
    expect(result.perClass).toMatchObject({
      a: { count: 3, precision: 1 },
      b: { count: 1, recall: 1, precision: 0.5 },
      c: { count: 0, recall: 0 },
    })
    expect(result.sure).toEqual({ share: 0.75, accuracy: 2 / 3 })
    expect(result.latency).toEqual({ median: 10, p95: 30 })
  })

  it('measures how far confidence and accuracy lie apart', () => {
    expect(calibrationError([outcome('a', 'a', 1), outcome('a', 'b', 1)])).toBe(0.5)
    expect(calibrationError([outcome('a', 'a', 0.55), outcome('a', 'b', 0.45)])).toBeCloseTo(0.45)
    expect(calibrationError([])).toBe(0)
  })

  it('counts whole lines and characters of what was read', () => {
    const result = evaluateReading([outcome('1234', '1234'), outcome('007', '07', 0.4), outcome('5', '')])
    expect(result).toMatchObject({ count: 3, accuracy: 1 / 3, characters: 1 - 2 / 8, sure: { share: 2 / 3 } })
    expect(evaluateReading([outcome('1', '234')]).characters).toBe(0)
    expect(['kitten', '', 'abc'].map((text) => editDistance(text, 'sitting'))).toEqual([3, 7, 7])
  })

  it('draws how right answers are beside how sure they are', () => {
    const { reliability } = evaluateReading([outcome('1', '1', 0.95), outcome('2', '3', 0.97), outcome('4', '4', 0.2)])
    expect(reliability).toMatchObject([
      { count: 1, accuracy: 1 },
      { count: 2, accuracy: 0.5, score: 0.96 },
    ])
    expect(reliabilitySvg(reliability).match(/<circle/g)).toHaveLength(2)
  })

  it('refuses a truth that the pack does not know, and takes none at all', () => {
    expect(() => evaluate([outcome('z', 'a')], ['a'])).toThrow(expect.objectContaining({ code: 'cli/unknown-label' }))
    expect(evaluate([], ['a'])).toMatchObject({ count: 0, accuracy: 0, sure: { accuracy: null } })
  })

  it('draws the matrix, with names that are no markup', () => {
    const svg = confusionSvg(
      ['<b>', 'ok'],
      [
        [1, 2],
        [0, 0],
      ],
    )
    expect(svg).toContain('&lt;b&gt;')
    expect(svg.match(/<rect/g)).toHaveLength(5)
  })
})

describe('evaluating what writes', () => {
  const letters = ['<x>', 'a', 'b']
  const tokens = {
    encode: (text: string) => (text.match(/<x>|./gu) ?? []).map((piece) => letters.indexOf(piece)),
    decode: (ids: readonly number[]) => ids.map((id) => (id === 0 ? '' : (letters[id] ?? ''))).join(''),
    word: (id: number) => letters[id] ?? '',
    isSpecial: (id: number) => id === 0,
  }
  const features = { kind: 'tokens', tokenizer: '', type: 'int64', ids: 'token', vocabulary: 3, length: 1 } as const
  const output = { tensor: 'logits', context: 3 }
  /** Holds `b` three times as likely as `a`, whatever came before. */
  const call: RunModel = async () => ({
    logits: { type: 'float32', dims: [1, 3], data: Float32Array.of(-1e4, 0, Math.log(3)) },
  })

  it('counts the bits that each character of a text costs', async () => {
    const texts = await Promise.all(['<x>bb', '<x>ba'].map((text) => foretell(text, tokens, features, output, call)))
    const found = evaluateWriting(texts)
    expect(found).toMatchObject({ count: 4, accuracy: 3 / 4 })
    expect(found.calibrationError).toBeCloseTo(0)
    expect(found.bitsPerCharacter).toBeCloseTo((3 * Math.log2(4 / 3) + 2) / 4)
  })

  it('foretells the first character only after a tag', async () => {
    expect((await foretell('<x>b', tokens, features, output, call)).characters).toBe(1)
    expect((await foretell('ab', tokens, features, output, call)).characters).toBe(1)
  })

  it('refuses a text with nothing to foretell, and one longer than the model looks back', async () => {
    await expect(foretell('a', tokens, features, output, call)).rejects.toMatchObject({ code: 'input/no-words' })
    await expect(foretell('<x>abab', tokens, features, output, call)).rejects.toMatchObject({ code: 'input/too-long' })
    await expect(foretell('<x>aba', tokens, features, output, call)).resolves.toMatchObject({ characters: 3 })
  })
})
