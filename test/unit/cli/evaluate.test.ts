import { describe, expect, it } from 'vitest'
import { confusionSvg } from '../../../src/cli/confusion-svg.ts'
import { calibrationError, evaluate, type Outcome } from '../../../src/cli/evaluate.ts'

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
