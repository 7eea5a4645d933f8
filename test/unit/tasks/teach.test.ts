import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FEWEST_EXAMPLES, MOST_EXAMPLES } from '../../../src/protocol/taught.ts'
import { answerTaught, packHead, unpackHead } from '../../../src/tasks/teach/head.ts'
import { intervalOf } from '../../../src/tasks/teach/interval.ts'
import { combine, fitRegression, gramOf } from '../../../src/tasks/teach/regression.ts'
import { type TaughtClass, train } from '../../../src/tasks/teach/train.ts'
import { seeded } from '../../helpers/synthetic-pack.ts'

/** Examples around a direction of their own, by a seed. */
function clouds(counts: readonly number[], { seed = 1, size = 24, noise = 0.5, none = -1 } = {}): TaughtClass[] {
  const random = seeded(seed)
  const vector = (): number[] => Array.from({ length: size }, () => random() - 0.5)
  return counts.map((count, k) => {
    const middle = vector()
    const vectors = Array.from({ length: count }, () =>
      vector().map((value, i) => (middle[i] as number) + noise * value),
    )
    return { id: `class-${k}`, vectors, ...(k === none && { none: true }) }
  })
}

function codeOf(work: () => unknown): unknown {
  try {
    work()
    return 'nothing was thrown'
  } catch (error) {
    return (error as { code?: string }).code
  }
}

const labelsOf = (classes: readonly TaughtClass[]) =>
  classes.map(({ id, none }) => ({ id, name: { en: id }, ...(none && { none }) }))

describe('the interval of a share', () => {
  it('is Wilson’s: known values', () => {
    // By the closed form with z = 1.96 for 8 of 10 and 0 of 10.
    expect(intervalOf(8, 10).low).toBeCloseTo(0.4902, 4)
    expect(intervalOf(8, 10).high).toBeCloseTo(0.9433, 4)
    expect(intervalOf(0, 10)).toEqual({ low: 0, high: expect.closeTo(0.2775, 4) })
  })
  it('says nothing where nothing was tried, and is never sure of ten out of ten', () => {
    expect(intervalOf(0, 0)).toEqual({ low: 0, high: 1 })
    expect(intervalOf(10, 10)).toEqual({ low: expect.closeTo(0.7225, 4), high: 1 })
  })
  it('holds the share, and is narrower for more tries', () => {
    fc.assert(
      fc.property(fc.nat(60), fc.nat(60), (a, b) => {
        const [right, of] = [Math.min(a, b), Math.max(a, b) + 1]
        const { low, high } = intervalOf(right, of)
        expect(low).toBeLessThanOrEqual(right / of)
        expect(high).toBeGreaterThanOrEqual(right / of)
        const more = intervalOf(right * 4, of * 4)
        expect(more.high - more.low).toBeLessThan(high - low)
      }),
    )
  })
})

describe('logistic regression', () => {
  const slope = (scores: Float64Array, truth: number): number[] => {
    const powers = Array.from(scores, Math.exp)
    const sum = powers.reduce((a, b) => a + b, 0)
    return powers.map((power, k) => power / sum - (k === truth ? 1 : 0))
  }

  it('ends where the slope is zero: each part is what is still wrong, over the ridge', () => {
    const [a, b, c] = clouds([6, 6, 6], { seed: 3 })
    const vectors = [a, b, c].flatMap((one) => (one as TaughtClass).vectors.map((v) => Float64Array.from(v)))
    const truths = vectors.map((_, i) => Math.floor(i / 6))
    const gram = gramOf(vectors)
    const members = vectors.map((_, i) => i)
    const parts = fitRegression(gram, members, truths, 3)
    for (const i of members) {
      const wrong = slope(combine(gram[i] as Float64Array, parts, 3), truths[i] as number)
      for (const k of [0, 1, 2]) expect(0.1 * (parts[i * 3 + k] as number) + (wrong[k] as number)).toBeCloseTo(0, 2)
    }
  })

  it('of two mirrored examples is undecided in the middle', () => {
    const gram = gramOf([Float64Array.of(1, 0), Float64Array.of(-1, 0)])
    const parts = fitRegression(gram, [0, 1], [0, 1], 2)
    const middle = combine([1, 1], parts, 2)
    expect(middle[0]).toBeCloseTo(middle[1] as number, 10)
    const near = combine([1.5, 0.5], parts, 2)
    expect(near[0]).toBeGreaterThan(near[1] as number)
  })

  it('does not see who is left out', () => {
    const vectors = clouds([5, 5], { seed: 5 }).flatMap(({ vectors }) => vectors.map((v) => Float64Array.from(v)))
    const truths = vectors.map((_, i) => Number(i >= 5))
    const others = vectors.map((_, i) => i).filter((i) => i !== 2)
    const before = fitRegression(gramOf(vectors), others, truths, 2)
    vectors[2] = (vectors[2] as Float64Array).map((value) => value * 100)
    expect(fitRegression(gramOf(vectors), others, truths, 2)).toEqual(before)
  })
})

describe('a lesson', () => {
  it('tells well apart what lies well apart, and claims it with an interval that is wide', () => {
    const classes = clouds([5, 5, 5])
    const { learnt, decision, estimate } = train(classes)
    expect(estimate).toMatchObject({ right: 15, of: 15 })
    expect(intervalOf(estimate.right, estimate.of).low).toBeLessThan(0.85)
    for (const { id, vectors } of classes) {
      for (const vector of vectors) {
        const answer = answerTaught(vector, learnt, { labels: labelsOf(classes), decision })
        expect(answer).toMatchObject({ label: id, known: true })
      }
    }
  })

  it('claims nothing for noise', () => {
    const [all] = clouds([20], { seed: 7, noise: 3 })
    const vectors = (all as TaughtClass).vectors
    const { estimate } = train([
      { id: 'odd', vectors: vectors.filter((_, i) => i % 2 === 1) },
      { id: 'even', vectors: vectors.filter((_, i) => i % 2 === 0) },
    ])
    expect(intervalOf(estimate.right, estimate.of).low).toBeLessThan(0.5)
  })

  it('counts each example once, by class', () => {
    const { estimate } = train(clouds([3, 12, 20], { noise: 3, seed: 9 }))
    expect(estimate.of).toBe(35)
    expect(estimate.classes.map(({ of }) => of)).toEqual([3, 12, 20])
    expect(estimate.classes.reduce((sum, { right }) => sum + right, 0)).toBe(estimate.right)
  })

  it('calls none of these what is like nothing it was taught, whichever way it judges', () => {
    const classes = clouds([6, 6], { noise: 0.3 })
    const { learnt, decision } = train(classes)
    const opposite = (classes[0] as TaughtClass).vectors[0]?.map((value) => -value) ?? []
    expect(answerTaught(opposite, learnt, { labels: labelsOf(classes), decision })).toMatchObject({
      known: false,
      sure: false,
    })
  })

  it('learns "none of these" from examples too', () => {
    const classes = clouds([6, 6, 6], { none: 2 })
    const { learnt, decision, estimate } = train(classes)
    expect(estimate.right).toBe(18)
    const [stranger] = (classes[2] as TaughtClass).vectors
    const answer = answerTaught(stranger ?? [], learnt, { labels: labelsOf(classes), decision })
    expect(answer.known).toBe(false)
  })

  it('is the same for the same examples, and for examples of any length', () => {
    const classes = clouds([5, 7])
    const scaled = classes.map((one) => ({ ...one, vectors: one.vectors.map((v) => v.map((value) => value * 8)) }))
    expect(train(classes)).toEqual(train(classes))
    expect(train(scaled).estimate).toEqual(train(classes).estimate)
  })

  it('takes regression only where it is right more often', () => {
    // Two classes along one long line: their middles say little, the side of the line all.
    const along = Array.from({ length: 20 }, (_, i) => i - 9.5)
    const classes = [0.5, -0.5].map((side, k) => ({
      id: `side-${k}`,
      vectors: along.map((at, i) => [at, side + 0.02 * ((i * 7) % 5), 3, 1]),
    }))
    const { method, estimate } = train(classes)
    expect(method).toBe('regression')
    expect(estimate.right).toBeGreaterThan(34)
    expect(train(clouds([5, 5])).method).toBe('prototypes')
  })

  it('travels as float32 and answers the same', () => {
    for (const noise of [0.5, 2.5]) {
      const classes = clouds([9, 9, 9], { noise, seed: 11 })
      const { learnt, decision } = train(classes)
      const travelled = unpackHead(packHead(learnt))
      for (const vector of classes.flatMap(({ vectors }) => vectors)) {
        const [a, b] = [learnt, travelled].map((one) =>
          answerTaught(vector, one, { labels: labelsOf(classes), decision }),
        )
        expect(b?.label).toBe(a?.label)
        expect(b?.score).toBeCloseTo(a?.score ?? Number.NaN, 4)
      }
    }
  })

  const few = clouds([FEWEST_EXAMPLES, FEWEST_EXAMPLES - 1])
  const [one, two] = clouds([5, 5]) as [TaughtClass, TaughtClass]
  it.each([
    ['one class', [one], 'teach/one-class'],
    ['no class', [], 'teach/one-class'],
    [
      'only "none of these"',
      [
        { ...one, none: true },
        { ...two, none: true },
      ],
      'teach/one-class',
    ],
    ['a class of too few', few, 'teach/few-examples'],
    ['a class of too many', clouds([5, MOST_EXAMPLES + 1]), 'teach/too-many'],
    ['vectors of two lengths', [one, { ...two, vectors: two.vectors.map((v) => v.slice(1)) }], 'teach/other-size'],
    [
      'a number that is none',
      [one, { ...two, vectors: two.vectors.map((v) => [...v.slice(1), Number.NaN]) }],
      'teach/bad-vector',
    ],
    [
      'an endless number',
      [one, { ...two, vectors: two.vectors.map((v) => [...v.slice(1), Infinity]) }],
      'teach/bad-vector',
    ],
    ['nothing seen', [one, { ...two, vectors: two.vectors.map((v) => v.map(() => 0)) }], 'teach/bad-vector'],
  ])('of %s says so', (_, classes, code) => {
    expect(codeOf(() => train(classes))).toBe(code)
  })

  it('does not judge by what another model saw', () => {
    const classes = clouds([5, 5])
    const { learnt, decision } = train(classes)
    const asked = { labels: labelsOf(classes), decision }
    expect(codeOf(() => answerTaught([1, 2, 3], learnt, asked))).toBe('teach/other-size')
    expect(codeOf(() => answerTaught(new Array(24).fill(Number.NaN), learnt, asked))).toBe('teach/bad-vector')
  })
})
