import { describe, expect, it } from 'vitest'
import type { ImageInput } from '../../../src/protocol/input.ts'
import type { Label } from '../../../src/protocol/manifest.ts'
import type { OutputOf } from '../../../src/protocol/output.ts'
import { float32, type Tensors } from '../../../src/protocol/tensor.ts'
import { boxesOf, suppress } from '../../../src/tasks/boxes.ts'
import { classesOf } from '../../../src/tasks/classes.ts'
import { embeddingOf, similarity } from '../../../src/tasks/embedding.ts'
import { drawToken } from '../../../src/tasks/generate.ts'
import { pictureOf } from '../../../src/tasks/picture.ts'
import { lineOf } from '../../../src/tasks/read-line.ts'
import { segmentsOf } from '../../../src/tasks/segments.ts'
import { placesOf, spansOf } from '../../../src/tasks/spans.ts'

const labels = (...ids: string[]): Label[] =>
  ids.map((id) => ({ id, name: { en: id }, ...(id === 'none' && { none: true }) }))
const decision = { temperature: 1, threshold: 0.5 }
const out = (dims: readonly number[], ...values: number[]): Tensors => ({
  out: float32(dims, Float32Array.from(values)),
})

describe('classes', () => {
  const output = { kind: 'classes', tensor: 'out', activation: 'logits' } as const

  it('are sorted, and sure from the threshold on', () => {
    const answer = classesOf([out([1, 2], 0, Math.log(3))], output, { labels: labels('a', 'b'), decision })
    expect(answer).toMatchObject({ label: 'b', sure: true, known: true })
    expect(answer.scores.map(({ score }) => score.toFixed(2))).toEqual(['0.75', '0.25'])
  })

  it('that mean "none of these" are nothing known, never sure', () => {
    const answer = classesOf([out([1, 2], 0, 9)], output, { labels: labels('a', 'none'), decision })
    expect(answer).toMatchObject({ label: 'none', known: false, sure: false })
  })

  it('are nothing known where no logit is high, however certain the best one looks', () => {
    const strict = { ...decision, energy: 3 }
    const ask = (a: number, b: number) =>
      classesOf([out([1, 2], a, b)], output, { labels: labels('a', 'b'), decision: strict })
    expect(ask(8, 0)).toMatchObject({ known: true, sure: true })
    expect(ask(2, -9)).toMatchObject({ label: 'a', known: false, sure: false })
    expect(ask(2, -9).score).toBeGreaterThan(0.99)
  })

  it('of several windows are those of the mean; of sigmoids each stands for itself', () => {
    const both = [out([1, 2], 0, 4), out([1, 2], 2, 0)]
    expect(classesOf(both, output, { labels: labels('a', 'b'), decision }).label).toBe('b')
    const each = classesOf(
      [out([1, 2], 9, 9)],
      { ...output, activation: 'sigmoid' },
      { labels: labels('a', 'b'), decision },
    )
    expect(each.scores.every(({ score }) => score > 0.99)).toBe(true)
  })

  it.each([
    ['too few', out([1, 1], 1)],
    ['not a number', out([1, 2], 1, Number.NaN)],
    ['nothing', {}],
  ])('of an output that is wrong (%s) there are none, and that is said', (_, outputs) => {
    expect(() => classesOf([outputs], output, { labels: labels('a', 'b'), decision })).toThrow(
      expect.objectContaining({ code: 'task/bad-output' }),
    )
  })
})

const image: ImageInput = {
  kind: 'image',
  tensor: 'image',
  width: 32,
  height: 16,
  fit: 'stretch',
  layout: 'nchw',
  order: 'rgb',
  mean: [0, 0, 0],
  std: [1, 1, 1],
}
const common = { kind: 'boxes', least: 0.3, overlap: 0.5, most: 10 } as const
const corners = { ...common, head: 'corners', boxes: 'out', scores: 'scores', order: 'xyxy', unit: 'pixel' } as const

describe('boxes', () => {
  const found = (
    values: number[],
    scores: number[],
    output: OutputOf<'boxes'>,
    input = image,
    picture = { width: 64, height: 32 },
    names = labels('cat', 'none'),
  ) => {
    const outputs = {
      ...out([1, values.length / 4, 4], ...values),
      scores: float32([1, scores.length / names.length, names.length], Float32Array.from(scores)),
    }
    return boxesOf(outputs, output, { labels: names, decision }, input, picture)
  }

  it('from corners, as parts of the picture; background is none', () => {
    const answer = found([8, 4, 16, 12, 0, 0, 9, 9], [0.9, 0.1, 0.1, 0.9], corners)
    expect(answer.boxes).toEqual([
      { label: 'cat', score: expect.closeTo(0.9), x: 0.25, y: 0.25, width: 0.25, height: 0.5 },
    ])
    expect(answer.sure).toBe(true)
    const turned = found([4, 8, 12, 16], [0.4, 0], { ...corners, order: 'yxyx' })
    expect(turned.boxes).toMatchObject([{ x: 0.25, y: 0.25 }])
    expect(turned.sure).toBe(false)
    const parts = found([0.25, 0.25, 0.5, 0.75], [0.9, 0], { ...corners, unit: 'fraction' })
    expect(parts.boxes).toMatchObject([{ x: 0.25, y: 0.25, width: 0.25, height: 0.5 }])
  })

  it.each([
    // A square picture in a tensor twice as wide: bars at both sides.
    [
      'contain',
      { ...image, fit: 'contain' },
      { width: 100, height: 100 },
      [8, 0, 24, 16],
      { x: 0, y: 0, width: 1, height: 1 },
    ],
    [
      'top-left',
      { ...image, fit: 'contain', place: 'top-left' },
      { width: 100, height: 100 },
      [0, 0, 8, 8],
      { x: 0, y: 0, width: 0.5, height: 0.5 },
    ],
    // Only the middle half of the height is seen.
    [
      'cover',
      { ...image, fit: 'cover' },
      { width: 100, height: 100 },
      [0, 0, 32, 16],
      { x: 0, y: 0.25, width: 1, height: 0.5 },
    ],
    // The top of an upright picture is turned to the right.
    [
      'turned',
      { ...image, orient: 'landscape' },
      { width: 50, height: 100 },
      [24, 0, 32, 16],
      { x: 0, y: 0, width: 1, height: 0.25 },
    ],
    ['beyond the edge', image, { width: 64, height: 32 }, [-8, -4, 40, 20], { x: 0, y: 0, width: 1, height: 1 }],
  ] as const)('find their way back through %s', (_, input, picture, values, wanted) => {
    const [box] = found([...values], [0.9, 0], corners, input, picture).boxes
    for (const [side, value] of Object.entries(wanted)) expect(box?.[side as 'x']).toBeCloseTo(value, 6)
  })

  it('from cells: centre, size, objectness times score', () => {
    const cells = 4 * 2 + 2
    const values = new Array<number>(cells * 7).fill(0)
    // Stride 8, second row, third column: centre (20, 12), 16 by 8.
    const at = (4 + 2) * 7
    values.splice(at, 7, 0.5, 0.5, Math.log(2), 0, 0.8, 0.1, 0.9)
    const answer = boxesOf(
      out([1, cells, 7], ...values),
      { ...common, head: 'cells', tensor: 'out', strides: [8, 16] },
      { labels: labels('cat', 'dog'), decision },
      image,
      { width: 32, height: 16 },
    )
    expect(answer.boxes).toHaveLength(1)
    expect(answer.boxes[0]).toMatchObject({
      label: 'dog',
      x: expect.closeTo(12 / 32),
      y: expect.closeTo(0.5),
      width: expect.closeTo(0.5),
      height: expect.closeTo(0.5),
    })
    expect(answer.boxes[0]?.score).toBeCloseTo(0.72)
  })

  it('of which two overlap too much: the better one of a label', () => {
    const box = { left: 0, top: 0, right: 10, bottom: 10, label: 0, score: 0.5 }
    const near = { ...box, left: 1, score: 0.9 }
    const far = { ...box, left: 20, right: 30, score: 0.4 }
    const other = { ...box, label: 1, score: 0.3 }
    expect(suppress([box, near, far, other], 0.5)).toEqual([near, far, other])
    expect(suppress([box, near], undefined)).toEqual([near, box])
  })

  it('around islands of a map, specks left out', () => {
    const map = new Array<number>(32 * 16).fill(0)
    for (let y = 4; y < 8; y++) for (let x = 8; x < 16; x++) map[y * 32 + x] = 0.8
    map[0] = 0.9
    const answer = boxesOf(
      out([1, 1, 16, 32], ...map),
      { ...common, head: 'map', tensor: 'out', pixel: 0.3, grow: 0 },
      { labels: labels('line'), decision },
      image,
      { width: 32, height: 16 },
    )
    expect(answer.boxes).toEqual([
      { label: 'line', score: expect.closeTo(0.8), x: 0.25, y: 0.25, width: 0.25, height: 0.25 },
    ])
  })

  it('of outputs that do not fit the input are refused', () => {
    const output: OutputOf<'boxes'> = { ...common, head: 'cells', tensor: 'out', strides: [8] }
    const wrong = (outputs: Tensors) => () =>
      boxesOf(outputs, output, { labels: labels('cat'), decision }, image, { width: 9, height: 9 })
    expect(wrong(out([1, 1, 6], 0, 0, 0, 0, 0, 0))).toThrow('the input makes 8 cells')
    expect(wrong(out([1, 1, 5], 0, 0, 0, 0, 0))).toThrow('rows of 6')
    expect(wrong({})).toThrow(expect.objectContaining({ code: 'task/bad-output' }))
  })
})

describe('a line of text', () => {
  const output: OutputOf<'text'> = {
    kind: 'text',
    tensor: 'out',
    activation: 'probabilities',
    blank: 0,
    symbols: ['1', '7'],
  }

  it('melts repeats, parts them at blanks, and is as sure as its least sure character', () => {
    // 1 1 blank 1 7 7
    const steps = [
      [0, 1, 0],
      [0.1, 0.8, 0.1],
      [1, 0, 0],
      [0.3, 0.6, 0.1],
      [0, 0, 1],
      [0.4, 0, 0.6],
    ].flat()
    const answer = lineOf(out([1, 6, 3], ...steps), output, decision)
    expect(answer).toMatchObject({ text: '117', sure: true })
    expect(answer.characters?.map(({ score }) => score.toFixed(1))).toEqual(['1.0', '0.6', '1.0'])
    expect(answer.score).toBeCloseTo(0.6)
    expect(lineOf(out([1, 6, 3], ...steps), { ...output, blank: 2, symbols: ['a', 'b'] }, decision).text).toBe('bab')
  })

  it('that holds nothing is empty and not sure; of a wrong shape it is refused', () => {
    expect(lineOf(out([1, 1, 3], 1, 0, 0), output, decision)).toMatchObject({ text: '', sure: false, score: 0 })
    expect(() => lineOf(out([1, 2], 0, 0), output, decision)).toThrow(
      expect.objectContaining({ code: 'task/bad-output' }),
    )
  })
})

describe('vectors', () => {
  const output = { kind: 'embedding', tensor: 'out', unit: true } as const

  it('have length 1; of tokens the mean of those that count, or the first', () => {
    expect(embeddingOf(out([1, 2], 3, 4), output).values).toEqual([expect.closeTo(0.6), expect.closeTo(0.8)])
    const tokens = out([1, 3, 2], 1, 0, 0, 1, 99, 99)
    const mask = { type: 'int64', dims: [1, 3], data: BigInt64Array.of(1n, 1n, 0n) } as const
    expect(embeddingOf(tokens, { ...output, unit: false, pool: 'mean' }, mask).values).toEqual([0.5, 0.5])
    expect(embeddingOf(tokens, { ...output, unit: false, pool: 'first' }).values).toEqual([1, 0])
    expect(() => embeddingOf(out([1], Number.NaN), output)).toThrow(
      expect.objectContaining({ code: 'task/bad-output' }),
    )
  })

  it('are alike as far as they point the same way', () => {
    expect([similarity([1, 0], [5, 0]), similarity([1, 0], [0, 2]), similarity([0, 0], [1, 1])]).toEqual([1, 0, 0])
  })
})

describe('segments', () => {
  const output = { kind: 'segments', tensor: 'out', begin: 0.5, end: 0.3, shortest: 0.2, pause: 0.15 } as const
  const input = {
    kind: 'audio',
    tensor: 'in',
    rate: 1000,
    samples: 100,
    gain: 'none',
    features: { kind: 'waveform', dims: [1, 100] },
  } as const
  const heard = (...scores: number[]) =>
    segmentsOf(
      scores.map((score) => out([1, 1], score)),
      output,
      { ...input, features: { kind: 'waveform', dims: [1, 100] } },
      { samples: new Float32Array(scores.length * 100), rate: 1000 },
    ).segments.map(({ start, end }) => [start, end].map((x) => x.toFixed(1)).join('-'))

  it('begin high, end low, close short pauses, drop what is short', () => {
    expect(heard(0, 0.6, 0.4, 0.6, 0.1, 0.1, 0)).toEqual(['0.1-0.4'])
    expect(heard(0.9, 0.9, 0.1, 0.9, 0.9)).toEqual(['0.0-0.5'])
    expect(heard(0.9, 0.9, 0.1, 0.1, 0.9, 0.1)).toEqual(['0.0-0.2'])
    expect(heard(0, 0.4, 0)).toEqual([])
    expect(() => heard(Number.NaN)).toThrow(expect.objectContaining({ code: 'task/bad-output' }))
  })
})

describe('spans of a text', () => {
  const words = ['[CLS]', 'amina', 'lives', 'in', 'dar', 'es', 'sal', '##aam', '[SEP]']
  const tokens = {
    encode: () => [],
    decode: () => '',
    word: (id: number) => words[id] ?? '',
    isSpecial: (id: number) => id === 0 || id === words.length - 1,
  }
  const text = 'Amína lives in Dar es Salaam'

  it('stand where their tokens stand, whatever case and accents', () => {
    expect(placesOf(text, words.slice(1, -1)).map(({ start, end }) => text.slice(start, end))).toEqual([
      'Amína',
      'lives',
      'in',
      'Dar',
      'es',
      'Sal',
      'aam',
    ])
    expect(placesOf('ok', ['nowhere', 'ok'])).toEqual([
      { start: 0, end: 0 },
      { start: 0, end: 2 },
    ])
  })

  it('join what belongs together', () => {
    const names = labels('o', 'b-person', 'b-place', 'i-place').map((one) =>
      one.id === 'o' ? { ...one, none: true } : one,
    )
    const best = [0, 1, 0, 0, 2, 3, 3, 3, 0]
    const logits = best.flatMap((label) => names.map((_, i) => (i === label ? 5 : 0)))
    const answer = spansOf(
      out([1, 9, 4], ...logits),
      { kind: 'tokens', tensor: 'out' },
      { labels: names, decision },
      { text, ids: [0, 1, 2, 3, 4, 5, 6, 7, 8], tokens },
    )
    expect(answer.spans.map((span) => [span.label, span.text])).toEqual([
      ['b-person', 'Amína'],
      ['b-place', 'Dar es Salaam'],
    ])
    expect(answer.sure).toBe(true)
  })
})

describe('a picture', () => {
  it('comes out of either layout, cut off at black and white', () => {
    const nchw = { kind: 'image', tensor: 'out', layout: 'nchw', order: 'rgb', mean: 0, std: 255 } as const
    const { pixels } = pictureOf(out([1, 3, 1, 2], 1, 0, 0.5, 2, -1, 0), nchw)
    expect([...pixels.data]).toEqual([255, 128, 0, 255, 0, 255, 0, 255])
    const grey = pictureOf(out([1, 1, 2, 1], 10, 20), { ...nchw, layout: 'nhwc', order: 'grey', std: 1 })
    expect([...grey.pixels.data]).toEqual([10, 10, 10, 255, 20, 20, 20, 255])
    expect(() => pictureOf(out([1, 3], 0, 0, 0), nchw)).toThrow(expect.objectContaining({ code: 'task/bad-output' }))
  })
})

describe('the next token', () => {
  it('is the likeliest, or drawn from the likeliest by how likely each is', () => {
    const logits = [0, 5, 4, -9]
    expect(drawToken(logits, 1, 1, () => 0.999)).toBe(1)
    const drawn = Array.from({ length: 100 }, (_, i) => drawToken(logits, 2, 1, () => i / 100))
    expect(new Set(drawn)).toEqual(new Set([1, 2]))
    expect(drawn.filter((token) => token === 1)).toHaveLength(74)
    // Hot enough, both are as likely.
    expect(
      Array.from({ length: 100 }, (_, i) => drawToken(logits, 2, 1e6, () => i / 100)).filter((t) => t === 1).length,
    ).toBeCloseTo(50, -1)
  })
})
