import { describe, expect, it } from 'vitest'
import { asked, outcomeOf, troubleWith, type Values, valuesOf } from '../../../src/app/state/form.ts'
import { type Condition, parseForm, type Question } from '../../../src/protocol/form.ts'

const label = { en: 'x' }
const FORM = parseForm(
  JSON.stringify({
    questions: [
      { kind: 'number', name: 'trees', label, required: true, whole: true, least: 1, most: 50 },
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
      { kind: 'text', name: 'which', label, when: { question: 'shade', is: 'tall' } },
      { kind: 'text', name: 'since', label, when: { question: 'which', is: 'mango' } },
      { kind: 'note', name: 'thanks', label },
      { kind: 'date', name: 'sprayed', label },
      { kind: 'photo', name: 'tree', label, when: { question: 'answer', is: 'rust' } },
    ],
  }),
)
const names = (values: Values, answer?: string): string[] => asked(FORM, values, answer).map(({ name }) => name)

describe('the questions that are asked', () => {
  it('follow from what was said, and from the answer', () => {
    expect(names({})).toEqual(['trees', 'shade', 'thanks', 'sprayed'])
    expect(names({ shade: ['low', 'tall'] }, 'rust')).toEqual(['trees', 'shade', 'which', 'thanks', 'sprayed', 'tree'])
  })

  it('see a question that is not asked as unanswered', () => {
    expect(names({ shade: ['tall'], which: 'mango' })).toContain('since')
    expect(names({ shade: ['low'], which: 'mango' })).not.toContain('since')
  })

  it.each<[Condition, Values, boolean]>([
    [{ question: 'n', above: 3 }, { n: '4' }, true],
    [{ question: 'n', above: 3 }, { n: 3 }, false],
    [{ question: 'n', above: 3, below: 9 }, { n: 9 }, false],
    [{ question: 'n', below: 9 }, {}, false],
    [{ question: 'n', is: 3 }, { n: '3' }, true],
    [{ not: { question: 'n', is: '' } }, { n: 'x' }, true],
    [
      {
        any: [
          { question: 'n', is: 'a' },
          { question: 'n', is: 'b' },
        ],
      },
      { n: 'b' },
      true,
    ],
    [
      {
        all: [
          { question: 'n', is: 'a' },
          { question: 'n', is: 'b' },
        ],
      },
      { n: 'b' },
      false,
    ],
  ])('%j of %j is %s', (when, values, expected) => {
    const questions: Question[] = [
      { kind: 'text', name: 'n', label },
      { kind: 'text', name: 'then', label, when },
    ]
    expect(asked({ questions }, values, undefined).length === 2).toBe(expected)
  })
})

describe('what was filled in', () => {
  const [trees] = FORM.questions as [Question]
  it.each([
    [undefined, 'required'],
    ['', 'required'],
    ['many', 'number'],
    ['1.5', 'whole'],
    ['0', 'least'],
    [51, 'most'],
    ['7', undefined],
  ] as const)('%s: %s', (value, trouble) => expect(troubleWith(trees, value)).toBe(trouble))

  it('becomes fields of the record; what is not asked any more is taken back', () => {
    const photo = new Blob(['x'])
    const { patch, files } = outcomeOf(
      FORM,
      { trees: '7', shade: ['tall', 'low'], which: 'mango', sprayed: '2026-11-28', tree: photo },
      'rust',
    )
    expect(patch).toEqual({
      'form.trees': 7,
      'form.shade': 'tall low',
      'form.which': 'mango',
      'form.since': null,
      'form.sprayed': '2026-11-28',
    })
    expect(files).toEqual({ 'form.tree': photo })
    expect(outcomeOf(FORM, { shade: [], which: 'mango' }, 'healthy').patch).toMatchObject({
      'form.shade': null,
      'form.which': null,
      'form.tree': null,
    })
  })

  it('is there again when the form is opened later', () => {
    const fields = { 'form.trees': 7, 'form.shade': 'tall low', 'form.tree': 'f'.repeat(64), other: 1 }
    expect(valuesOf(FORM, fields)).toEqual({ trees: 7, shade: ['tall', 'low'] })
  })
})
