// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how XLSForm writes a question
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { asked, type Values } from '../../../src/app/state/form.ts'
import { CellProblem, conditionOf, limitsOf, parseExpression } from '../../../src/cli/xlsform/expression.ts'
import { formFromSheets } from '../../../src/cli/xlsform/read-form.ts'
import { readSheets, type Sheets, sheetOf } from '../../../src/cli/xlsform/sheets.ts'
import { languageCode } from '../../../src/cli/xlsform/texts.ts'
import type { Question } from '../../../src/protocol/form.ts'

const FIXTURE = 'test/fixtures/coffee-visit'

describe('an XLSForm', () => {
  it('becomes the same form from a workbook and from CSV files', async () => {
    const book = formFromSheets(await readSheets(`${FIXTURE}.xlsx`))
    expect(book.problems).toEqual([])
    expect(book).toEqual(formFromSheets(await readSheets(FIXTURE)))
    expect(book.form?.title).toEqual({ en: 'Visit to a coffee tree' })
    expect(book.form?.questions.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'note thanks',
      'number trees',
      'choice shade',
      'choice plants',
      'text other_plant',
      'number height',
      'date sprayed',
      'photo tree',
      'place spot',
      'text remarks',
    ])
    const question = (name: string) => book.form?.questions.find((one) => one.name === name)
    expect(question('trees')).toEqual({
      kind: 'number',
      name: 'trees',
      label: { en: 'How many trees look like this?', sw: 'Ni miti mingapi inayofanana na huu?' },
      hint: { en: 'Count those of this field only', sw: 'Hesabu ya shamba hili pekee' },
      required: true,
      whole: true,
      least: 1,
      most: 500,
    })
    expect(question('plants')).toMatchObject({ many: true, when: { not: { question: 'shade', is: 'none' } } })
    // Also by the group that it is in.
    expect(question('other_plant')?.when).toEqual({
      all: [{ not: { question: 'shade', is: 'none' } }, { question: 'plants', is: 'other' }],
    })
    expect(question('remarks')).toMatchObject({ long: true })
    expect(book.notes).toEqual([
      'survey, row 2: "start" is left out, every record has it or must not',
      'survey, row 6, column "label": the title of a group is not shown',
    ])
  })

  it('takes the main language for English where there is none, and every way to name a language', () => {
    const { form } = formFromSheets({
      survey: sheetOf([
        ['type', 'name', 'label : Français (fr)', 'Label::Kiswahili (sw)'],
        ['text', 'a', 'Quoi ?', 'Nini?'],
      ]),
      settings: sheetOf([
        ['form_title', 'default_language', 'blur_faces'],
        ['Visite', 'French', 'face-finder'],
      ]),
    })
    expect(form).toMatchObject({
      blurFaces: 'face-finder',
      title: { fr: 'Visite', en: 'Visite' },
      questions: [{ label: { fr: 'Quoi ?', sw: 'Nini?', en: 'Quoi ?' } }],
    })
    expect(['English (en)', 'fr', 'Swahili', 'Português (pt-BR)', 'Klingon'].map(languageCode)).toEqual([
      'en',
      'fr',
      'sw',
      'pt-br',
      undefined,
    ])
  })
})

describe('what is wrong with one', () => {
  const HEAD = ['type', 'name', 'label', 'relevant', 'constraint', 'required', 'calculation']
  const CHOICES = sheetOf([
    ['list_name', 'name', 'label'],
    ['yesno', 'yes', 'Yes'],
    ['yesno', 'no', 'No'],
  ])
  const problemsOf = (rows: string[][], more: Partial<Sheets> = {}): readonly string[] =>
    formFromSheets({ survey: sheetOf([HEAD, ...rows]), choices: CHOICES, ...more }).problems
  const FIRST = [
    ['select_one yesno', 'shade', 'Shade?'],
    ['integer', 'n', 'How many?'],
    ['select_multiple yesno', 'both', 'Both?'],
  ]

  it.each<[string[], string]>([
    [['', 'a', 'A'], 'survey, row 5, column "type": is empty'],
    [['text', '', 'A'], 'survey, row 5, column "name": is empty'],
    [['text', 'Big Name', 'A'], 'column "name": "Big Name" must be lower-case letters'],
    [['text', 'a', ''], 'survey, row 5, column "label": is empty'],
    [['text', 'n', 'A'], 'column "name": "n" is there already'],
    [['text', 'answer', 'A'], `"answer" is the model's own answer`],
    [['barcode', 'a', 'A'], 'survey, row 5, column "type": "barcode" is no type known here; there are text, integer'],
    [['begin repeat', 'a', 'A'], '"begin repeat" is no type known here'],
    [['select_one', 'a', 'A'], 'column "type": which list of choices?'],
    [['select_one colour', 'a', 'A'], 'the sheet "choices" has no list "colour"; it has yesno'],
    [['select_one yesno or_other', 'a', 'A'], '"or_other" is not known here; make "other" a choice'],
    [
      ['text', 'a', 'A', '${nobody} = 1'],
      'survey, row 5, column "relevant": there is no question "nobody" before this one',
    ],
    [['text', 'a', 'A', "${shade} = 'maybe'"], '"maybe" is not one of the choices of "shade": yes, no'],
    [
      ['text', 'a', 'A', '${n} > 3 and'],
      'column "relevant": expected a question like ${name}, a number or a \'text\' at the end',
    ],
    [['text', 'a', 'A', '${n} + 1 > 3'], 'expected a comparison like = or > before "+"'],
    [['text', 'a', 'A', '${n} > ${shade}'], 'two questions cannot be compared'],
    [['text', 'a', 'A', 'count-selected(${both}) > 1'], '"count-selected" is nothing that a form here can ask'],
    [['text', 'a', 'A', "${both} = 'yes'"], '"both" may have several choices: ask with selected()'],
    [['text', 'a', 'A', "${shade} > 'no'"], '> is between an integer or decimal question and a number'],
    [['text', 'a', 'A', "selected(${n}, '1')"], 'selected() is for select_one and select_multiple, which "n" is not'],
    [
      ['text', 'a', 'A', '', "regex(., '[a-z]+')"],
      'survey, row 5, column "constraint": only integer and decimal have limits',
    ],
    [['integer', 'a', 'A', '', '. > 0 or . = -1'], 'column "constraint": a constraint here is a least and a most'],
    [['decimal', 'a', 'A', '', '. > 0'], '> has no last number where parts of one are allowed: write >='],
    [['integer', 'a', 'A', '', '. >= today()'], 'column "constraint": expected a question like'],
    [['integer', 'a', 'A', '', '', 'perhaps'], 'column "required": "perhaps" is neither yes nor no'],
    [['text', 'a', 'A', '', '', '', '1 + 1'], 'column "calculation": is nothing that a form here can do'],
    [['end group', '', ''], 'column "type": no group is open here'],
    [['begin group', 'g', 'A'], 'the group that begins here has no end'],
  ])('%j', (row, problem) => {
    const problems = problemsOf([...FIRST, row])
    expect(problems.join('\n')).toContain(problem)
    expect(problems.length).toBe(1)
  })

  it('is said once, not again of each question that asks for it', () => {
    const asks = ['text', 'c', 'C', "selected(${b}, 'yes')"]
    expect(problemsOf([['select_one colour', 'b', 'B'], asks]).length).toBe(1)
  })

  it('is said all at once', () => {
    expect(
      problemsOf([
        ['barcode', 'a', 'A'],
        ['text', 'B', 'B'],
        ['text', 'c', ''],
      ]).length,
    ).toBe(3)
  })

  it.each<[Partial<Sheets>, string]>([
    [
      {
        choices: sheetOf([
          ['list_name', 'name', 'label'],
          ['yesno', '', 'Yes'],
        ]),
      },
      'choices, row 2, column "name": is empty',
    ],
    [
      {
        choices: sheetOf([
          ['list_name', 'name', 'label'],
          ['l', 'a b', 'Yes'],
        ]),
      },
      'choices, row 2, column "name": "a b" may only have',
    ],
    [
      {
        choices: sheetOf([
          ['list_name', 'name', 'label'],
          ['l', 'a', 'A'],
          ['l', 'a', 'B'],
        ]),
      },
      'choices, row 3, column "name": "a" is in the list "l" already',
    ],
    [
      { settings: sheetOf([['default_language'], ['Klingon']]) },
      'settings, row 2, column "default_language": "Klingon" is no language',
    ],
    [
      {
        survey: sheetOf([
          ['type', 'name', 'label', 'label::Klingon'],
          ['text', 'a', 'A', 'x'],
        ]),
      },
      'survey, column "label::Klingon": which language is that?',
    ],
    [
      { settings: sheetOf([['blur_faces'], ['Face Finder']]) },
      'settings, row 2, column "blur_faces": "Face Finder" is no name of a pack',
    ],
    [{ survey: sheetOf([HEAD]) }, 'survey: has no question'],
  ])('%#', (sheets, problem) => {
    expect(problemsOf([['text', 'a', 'A']], sheets).join('\n')).toContain(problem)
  })

  it('too many questions are refused by the form itself', () => {
    const rows = Array.from({ length: 61 }, (_, i) => ['text', `q${i}`, 'A'])
    expect(problemsOf(rows).join()).toMatch(/the form is not valid/)
  })
})

describe('a file that is none', () => {
  const folders: string[] = []
  const folder = async (): Promise<string> => {
    const made = await mkdtemp(join(tmpdir(), 'jiko-form-'))
    folders.push(made)
    return made
  }
  afterEach(async () => {
    for (const made of folders.splice(0)) await rm(made, { recursive: true })
  })

  it('is said to be none', async () => {
    const made = await folder()
    await expect(readSheets(join(made, 'away.xlsx'))).rejects.toMatchObject({ code: 'cli/no-file' })
    await expect(readSheets(made)).rejects.toThrow('has no survey.csv')
    const file = join(made, 'form.xlsx')
    await writeFile(file, 'PK but not more')
    await expect(readSheets(file)).rejects.toThrow('is no .xlsx workbook; save it as .xlsx')
    await writeFile(file, (await import('node:fs')).readFileSync(`${FIXTURE}.xlsx`).subarray(0, 4000))
    await expect(readSheets(file)).rejects.toThrow('is no .xlsx workbook')
  })
})

describe('a relevant', () => {
  const known = new Map([
    ['n', { kind: 'number' }],
    ['c', { kind: 'choice', options: ['a', 'b'] }],
    ['m', { kind: 'many', options: ['a', 'b'] }],
    ['t', { kind: 'text' }],
  ] as const)
  const label = { en: 'x' }
  const option = (id: string) => ({ id, label })
  const shown = (relevant: string, values: Values): boolean => {
    const when = conditionOf(parseExpression(relevant), known)
    const questions: Question[] = [
      { kind: 'number', name: 'n', label },
      { kind: 'choice', name: 'c', label, options: [option('a'), option('b')] },
      { kind: 'choice', name: 'm', label, many: true, options: [option('a'), option('b')] },
      { kind: 'text', name: 't', label },
      { kind: 'text', name: 'then', label, when },
    ]
    return asked({ questions }, values, undefined).length === 5
  }

  // As ODK has it: nothing compared with a number is false, and nothing is the empty text.
  it.each<[string, Values, boolean]>([
    ['${n} >= 5', { n: '5' }, true],
    ['${n} >= 5', { n: '4.9' }, false],
    ['${n} >= 5', {}, false],
    ['${n} <= 5', {}, false],
    ['${n} <= 5', { n: '5' }, true],
    ['5 < ${n}', { n: 6 }, true],
    ['5 < ${n}', { n: 5 }, false],
    ['${n} > -2', { n: '-1' }, true],
    ['${n} = 5', { n: '5.0' }, true],
    ["${n} = ''", {}, true],
    ["${c} != 'a'", {}, true],
    ["${c} != 'a'", { c: 'a' }, false],
    ['${ c }="b"', { c: 'b' }, true],
    ["selected(${m}, 'a')", { m: ['b', 'a'] }, true],
    ["not(selected(${m}, 'a'))", { m: ['b'] }, true],
    ["${m} = ''", { m: [] }, true],
    ["${t} = 'a' or ${c} = 'a' and ${n} > 1", { t: 'a' }, true],
    ["(${t} = 'a' or ${c} = 'a') and ${n} > 1", { t: 'a' }, false],
    ["${t} = 'and'", { t: 'and' }, true],
  ])('%s with %j: %s', (relevant, values, expected) => expect(shown(relevant, values)).toBe(expected))

  it('never fails in another way than with words for its cell', () => {
    const pieces = fc.constantFrom(
      '${n}',
      '${c}',
      '${x',
      'and',
      'or',
      'not(',
      'selected(',
      '(',
      ')',
      ',',
      "'a'",
      '"',
      "'",
      '3',
      '.',
      '=',
      '!=',
      '>=',
      'today()',
      'é',
      ' ',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 14 }), (parts) => {
        try {
          conditionOf(parseExpression(parts.join(' ')), known)
        } catch (error) {
          expect(error).toBeInstanceOf(CellProblem)
        }
      }),
    )
  })
})

describe('a constraint', () => {
  it.each([
    ['. >= 0 and . <= 120', true, { least: 0, most: 120 }],
    ['.>0 and 10>.', true, { least: 1, most: 9 }],
    ['. >= 2.5', false, { least: 2.5 }],
    ['. >= 1 and (. >= 3 and . <= 9)', true, { least: 3, most: 9 }],
  ])('%s', (text, whole, limits) => expect(limitsOf(parseExpression(text), whole)).toEqual(limits))
})
