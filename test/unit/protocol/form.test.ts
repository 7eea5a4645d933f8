import { describe, expect, it } from 'vitest'
import { faceFinderOf } from '../../../src/protocol/face-finder.ts'
import { parseForm } from '../../../src/protocol/form.ts'

const label = { en: 'How many?' }
const form = (...questions: unknown[]): string => JSON.stringify({ questions })
const message = (text: string): string => {
  try {
    parseForm(text)
    return 'no error'
  } catch (error) {
    expect(error).toMatchObject({ code: 'pack/bad-form' })
    return (error as Error).message
  }
}

describe('faces to be hidden', () => {
  const form = { questions: [] }
  it('are found by a pack, which the form names', () => {
    expect(parseForm(JSON.stringify({ ...form, blurFaces: 'face-finder' })).blurFaces).toBe('face-finder')
  })
  it.each([true, '', 'Face Finder', 7, ['face-finder']])('by nothing else than its name: %j', (blurFaces) => {
    expect(() => parseForm(JSON.stringify({ ...form, blurFaces }))).toThrow(
      expect.objectContaining({ code: 'pack/bad-form', message: expect.stringContaining('blurFaces') }),
    )
  })
  it('are asked for also by a form that this app cannot read, and then a finder that is nobody finds none', () => {
    expect(faceFinderOf({ questions: 'of 2031', blurFaces: 'face-finder' })).toBe('face-finder')
    expect(faceFinderOf({ blurFaces: { pack: 'face-finder' } })).toBe('[object Object]')
    expect([faceFinderOf(undefined), faceFinderOf({ questions: [] })]).toEqual([undefined, undefined])
  })
})

describe('a form', () => {
  it('has questions of every kind, that depend on what came before', () => {
    const parsed = parseForm(
      form(
        { kind: 'number', name: 'trees', label, whole: true, least: 1, most: 500, required: true },
        {
          kind: 'choice',
          name: 'shade',
          label,
          many: true,
          options: [
            { id: 'tall', label },
            { id: 'low', label },
          ],
        },
        {
          kind: 'text',
          name: 'why',
          label,
          when: { all: [{ question: 'trees', above: 3 }, { not: { question: 'shade', is: 'tall' } }] },
        },
        { kind: 'photo', name: 'tree', label, when: { question: 'answer', is: 'rust' } },
        { kind: 'place', name: 'spot', label },
        { kind: 'date', name: 'sprayed', label },
        { kind: 'note', name: 'thanks', label },
      ),
    )
    expect(parsed.questions.map(({ kind }) => kind)).toEqual([
      'number',
      'choice',
      'text',
      'photo',
      'place',
      'date',
      'note',
    ])
  })

  it.each([
    ['{', /not JSON/],
    ['[]', /form.json/],
    [form({ kind: 'number', name: 'Trees', label }), /question "Trees"/],
    [form({ kind: 'slider', name: 'trees', label }), /question "trees"/],
    [form({ kind: 'text', name: 'trees', label: { sw: 'Mingapi?' } }), /question "trees".*"en"/],
    [form({ kind: 'text', name: 'a', label }, { kind: 'text', name: 'a', label }), /question "a": there is another/],
    [form({ kind: 'choice', name: 'shade', label, options: [] }), /question "shade"/],
    [
      form({
        kind: 'choice',
        name: 'shade',
        label,
        options: [
          { id: 'x', label },
          { id: 'x', label },
        ],
      }),
      /question "shade": the option "x" is there twice/,
    ],
    [
      form(
        { kind: 'text', name: 'why', label, when: { question: 'later', is: 1 } },
        { kind: 'text', name: 'later', label },
      ),
      /question "why": its "when" asks for "later"/,
    ],
    [form({ kind: 'text', name: 'why', label, when: { question: 'answer' } }), /question "why"/],
    [form({ kind: 'note', name: 'a', label, required: true }), /question "a"/],
    [
      form({ kind: 'note', name: 'a', label }, { kind: 'text', name: 'b', label, when: { question: 'a', is: 1 } }),
      /question "b": its "when" asks for "a", which is a note/,
    ],
    [form({ kind: 'text', label }), /question 1/],
  ])('%s is refused, and the question named', (text, expected) => expect(message(text)).toMatch(expected))
})
