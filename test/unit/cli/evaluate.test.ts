import { describe, expect, it } from 'vitest'
import { confusionSvg } from '../../../src/cli/confusion-svg.ts'
import { calibrationError, editDistance, evaluate, evaluateReading, type Outcome } from '../../../src/cli/evaluate.ts'
import { reliabilitySvg } from '../../../src/cli/reliability-svg.ts'

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
