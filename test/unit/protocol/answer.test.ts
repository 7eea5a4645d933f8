import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { headlineOf, recordedAnswer, recordedScores } from '../../../src/protocol/answer.ts'
import { MAX_LINE_BYTES, parseRecord, type ResultBody } from '../../../src/protocol/record.ts'
import type { Answer } from '../../../src/protocol/task.ts'

const line = (answer: Answer): string =>
  JSON.stringify({
    v: 1,
    kind: 'result',
    at: { wall: 1, mono: 2, session: 'abc', zone: 180 },
    task: 'object-detection',
    pack: { name: 'leaf', version: '1.0.0', digest: 'a'.repeat(64) },
    variant: 'int8',
    backend: 'ort-wasm 1.30.0',
    prep: '1',
    answer: recordedAnswer(answer),
    scores: recordedScores(answer),
    threshold: 0.5,
    ms: 12,
    attachments: [],
  } satisfies ResultBody)

const score = fc.double({ min: 0, max: 1, noNaN: true })
const place = fc.double({ min: -1e6, max: 1e6, noNaN: true })
const label = fc.stringMatching(/^[a-z]{64}$/)
const many = <T>(of: fc.Arbitrary<T>, least: number): fc.Arbitrary<T[]> =>
  fc.array(of, { minLength: least, maxLength: least + 20 })
const box = fc.record({ label, score, x: place, y: place, width: place, height: place })
const span = fc.record({ label, score, start: fc.nat(), end: fc.nat(), text: fc.string() })

const answers: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({
    kind: fc.constant('classes' as const),
    label,
    score,
    sure: fc.boolean(),
    known: fc.boolean(),
    scores: many(fc.record({ label, score }), 1001),
  }),
  fc.record({ kind: fc.constant('boxes' as const), boxes: many(box, 300), sure: fc.boolean() }),
  fc.record({
    kind: fc.constant('text' as const),
    // What JSON makes six bytes of.
    text: many(fc.constantFrom('\u0001', 'a', 'ሀ', '😀'), 20_000).map((parts) => parts.join('')),
    score,
    sure: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('embedding' as const),
    values: many(fc.double({ min: -99, max: 99, noNaN: true }), 4096),
  }),
  fc.record({ kind: fc.constant('spans' as const), spans: many(span, 300), sure: fc.boolean() }),
  fc.record({
    kind: fc.constant('segments' as const),
    length: fc.nat(),
    segments: many(fc.record({ start: place, end: place, score }), 900),
  }),
)

describe('the recorded answer', () => {
  it('makes a valid line within the limit, whatever the model said', () => {
    fc.assert(
      fc.property(answers, (answer) => {
        const text = line(answer)
        expect(new TextEncoder().encode(text).length).toBeLessThanOrEqual(MAX_LINE_BYTES)
        const body = parseRecord(text)
        expect(body).toMatchObject({ answer: { kind: answer.kind } })
      }),
      { numRuns: 40 },
    )
  })

  it('keeps that the input was nothing known', () => {
    const strange = {
      kind: 'classes',
      label: 'unknown',
      score: 0.98765,
      sure: false,
      known: false,
      scores: [],
    } as const
    expect(recordedAnswer(strange)).toEqual({
      kind: 'classes',
      label: 'unknown',
      score: 0.9877,
      sure: false,
      known: false,
    })
  })
})

describe('the headline', () => {
  const at = { x: 0, y: 0, width: 1, height: 1 }
  it.each<[ResultBody['answer'], object]>([
    [
      { kind: 'classes', label: 'rust', score: 0.9, sure: true },
      { labels: [{ id: 'rust', count: 1 }], score: 0.9, sure: true },
    ],
    [
      {
        kind: 'boxes',
        sure: true,
        boxes: [
          { label: 'cat', score: 0.6, ...at },
          { label: 'dog', score: 0.9, ...at },
          { label: 'cat', score: 0.5, ...at },
        ],
      },
      {
        labels: [
          { id: 'cat', count: 2 },
          { id: 'dog', count: 1 },
        ],
        score: 0.9,
      },
    ],
    [
      { kind: 'boxes', sure: false, boxes: [] },
      { labels: [], score: undefined, sure: false },
    ],
    [
      { kind: 'text', text: '1837', score: 0.8, sure: true },
      { labels: [], text: '1837', score: 0.8 },
    ],
    [
      { kind: 'embedding', values: [1, 2, 3] },
      { text: '[3]', score: undefined },
    ],
    [
      { kind: 'segments', length: 3, segments: [{ start: 0.25, end: 1, score: 0.9 }] },
      { text: '0.3–1.0 s', score: 0.9 },
    ],
    [{ kind: 'image', width: 4, height: 3 }, { text: '4 × 3' }],
  ])('of %o', (answer, wanted) => {
    expect(headlineOf(answer)).toMatchObject(wanted)
  })
})
