import { JikoError } from '../../protocol/error.ts'
import { type Condition, type Form, type Question, readForm } from '../../protocol/form.ts'
import { type Askable, CellProblem, conditionOf, limitsOf, parseExpression } from './expression.ts'
import type { Row, SheetName, Sheets } from './sheets.ts'
import { languageCode, type TextColumns, textColumns, textOf } from './texts.ts'

export interface ReadForm {
  /** Undefined where there are problems. */
  form?: Form
  /** Each with its sheet, row and column. */
  problems: readonly string[]
  /** What was left out or changed, and harms nothing. */
  notes: readonly string[]
}

/** What a record knows by itself. */
const KNOWN_ANYWAY = new Set([
  'start',
  'end',
  'today',
  'deviceid',
  'username',
  'phonenumber',
  'subscriberid',
  'simserial',
  'audit',
  'email',
])
/** Columns that change what is asked or kept: a form without them would be another form. */
const WEIGHTY = ['calculation', 'choice_filter', 'repeat_count', 'default', 'trigger', 'parameters']
const READ = new Set(['type', 'name', 'required', 'relevant', 'constraint', 'appearance', ...WEIGHTY])
const TEXTS = new Set(['label', 'hint'])

const YES = new Set(['yes', 'true', 'true()', '1'])
const NO = new Set(['no', 'false', 'false()', '0'])

type Option = Extract<Question, { kind: 'choice' }>['options'][number]

/** Makes of an XLSForm's sheets the form of a pack. All that is wrong is said at once, not only the first. */
export function formFromSheets({ survey, choices, settings }: Sheets): ReadForm {
  const problems: string[] = []
  const notes: string[] = []
  const place = (sheet: SheetName, at: number, column?: string): string =>
    `${sheet}, row ${at}${column ? `, column "${column}"` : ''}`
  const [setting] = settings?.rows ?? []
  const main = mainLanguage()

  function mainLanguage(): string {
    const wanted = setting?.cells.default_language
    if (wanted === undefined) return 'en'
    const code = languageCode(wanted)
    if (code === undefined) {
      problems.push(
        `${place('settings', setting?.at ?? 2, 'default_language')}: "${wanted}" is no language known here; write its code behind it, like "${wanted} (xx)"`,
      )
    }
    return code ?? 'en'
  }
  function columnsFor(sheet: SheetName, base: string): TextColumns {
    const found = textColumns((sheet === 'survey' ? survey : choices)?.columns ?? [], base, main)
    for (const column of found.unknown) {
      problems.push(
        `${sheet}, column "${column}": which language is that? Write its code behind it, like "${column} (xx)"`,
      )
    }
    return found
  }
  const blurFaces = faceFinder()

  /** A column of our own: what other tools make of an XLSForm they do without it. */
  function faceFinder(): string | undefined {
    const name = setting?.cells.blur_faces
    if (name !== undefined && !/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) {
      problems.push(
        `${place('settings', setting?.at ?? 2, 'blur_faces')}: "${name}" is no name of a pack: write that of the one that finds faces, like "face-finder"`,
      )
    }
    return name
  }

  const labels = columnsFor('survey', 'label')
  const hints = columnsFor('survey', 'hint')
  const lists = readLists()

  function readLists(): Map<string, Option[]> {
    const found = new Map<string, Option[]>()
    if (!choices) return found
    const columns = columnsFor('choices', 'label')
    for (const { at, cells } of choices.rows) {
      const { list_name: list, name } = cells
      const label = textOf(cells, columns, main)
      const missing = list === undefined ? 'list_name' : name === undefined ? 'name' : label ? undefined : 'label'
      if (list === undefined || name === undefined || !label) {
        problems.push(`${place('choices', at, missing)}: is empty`)
        continue
      }
      const options = found.get(list) ?? []
      if (!/^[\w-]{1,64}$/.test(name)) {
        problems.push(`${place('choices', at, 'name')}: "${name}" may only have letters, digits, "_" and "-"`)
      } else if (options.some(({ id }) => id === name)) {
        problems.push(`${place('choices', at, 'name')}: "${name}" is in the list "${list}" already`)
      }
      found.set(list, [...options, { id: name, label }])
    }
    return found
  }

  const known = new Map<string, Askable>([['answer', { kind: 'text' }]])
  const questions: Question[] = []
  /** Of each open group when it is shown. */
  const groups: { at: number; when: Condition | undefined }[] = []

  /** Runs what may find something wrong with a cell. */
  function within<T>(row: Row, column: string, read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof CellProblem)) throw error
      problems.push(`${place('survey', row.at, column)}: ${error.message}`)
      return undefined
    }
  }
  function relevance(row: Row): Condition | undefined {
    const { relevant } = row.cells
    return relevant === undefined
      ? undefined
      : within(row, 'relevant', () => conditionOf(parseExpression(relevant), known))
  }
  function whenOf(row: Row): Condition | undefined {
    const all = [...groups.map(({ when }) => when), relevance(row)].filter((one) => one !== undefined)
    return all.length > 1 ? { all } : all[0]
  }

  function readRow(row: Row): void {
    const { at, cells } = row
    const [type = '', list, ...more] = (cells.type ?? '').split(/\s+/)
    if (cells.type === undefined) {
      problems.push(`${place('survey', at, 'type')}: is empty`)
      return
    }
    const kind = type.toLowerCase().replace(/^(begin|end)$/, `$1_${list ?? ''}`)
    if (KNOWN_ANYWAY.has(kind)) {
      notes.push(`${place('survey', at)}: "${kind}" is left out, every record has it or must not`)
      return
    }
    if (kind === 'begin_group') {
      groups.push({ at, when: relevance(row) })
      if (textOf(cells, labels, main)) notes.push(`${place('survey', at, 'label')}: the title of a group is not shown`)
      return
    }
    if (kind === 'end_group') {
      if (!groups.pop()) problems.push(`${place('survey', at, 'type')}: no group is open here`)
      return
    }
    for (const column of WEIGHTY) {
      if (cells[column] !== undefined)
        problems.push(
          `${place('survey', at, column)}: is nothing that a form here can do; empty it, or leave the question out`,
        )
    }
    const question = questionOf(row, kind, list, more)
    if (!question) {
      if (cells.name) known.set(cells.name, { kind: 'unclear' })
      return
    }
    const { name } = question
    if (known.has(name))
      problems.push(
        `${place('survey', at, 'name')}: "${name}" is ${name === 'answer' ? "the model's own answer" : 'there already'}; take another name`,
      )
    questions.push(question)
    if (question.kind !== 'note') known.set(name, askable(question))
  }

  function questionOf(row: Row, kind: string, list: string | undefined, more: readonly string[]): Question | undefined {
    const { at, cells } = row
    const { name } = cells
    const label = textOf(cells, labels, main)
    if (name === undefined) problems.push(`${place('survey', at, 'name')}: is empty`)
    else if (!/^[a-z_][a-z0-9_]{0,39}$/.test(name)) {
      problems.push(
        `${place('survey', at, 'name')}: "${name}" must be lower-case letters, digits and "_", at most 40 and no digit first`,
      )
    }
    if (!label) problems.push(`${place('survey', at, 'label')}: is empty`)
    const when = whenOf(row)
    const hint = textOf(cells, hints, main)
    const common = { name: name ?? '', label: label ?? { en: '' }, ...(hint && { hint }), ...(when && { when }) }
    const required = isRequired(row)
    const asked = { ...common, ...(required && { required }) }
    const limited = kind === 'integer' || kind === 'decimal'
    if (cells.constraint !== undefined && !limited) {
      problems.push(`${place('survey', at, 'constraint')}: only integer and decimal have limits here`)
    }
    switch (kind) {
      case 'text':
        return { ...asked, kind: 'text', ...(cells.appearance?.includes('multiline') && { long: true }) }
      case 'integer':
      case 'decimal': {
        const whole = kind === 'integer'
        const { constraint } = cells
        const limits =
          constraint === undefined ? {} : within(row, 'constraint', () => limitsOf(parseExpression(constraint), whole))
        return { ...asked, kind: 'number', ...(whole && { whole }), ...limits }
      }
      case 'select_one':
      case 'select_multiple': {
        const options = optionsOf(row, list, more)
        return options && { ...asked, kind: 'choice', ...(kind === 'select_multiple' && { many: true }), options }
      }
      case 'date':
        return { ...asked, kind: 'date' }
      case 'image':
      case 'photo':
        return { ...asked, kind: 'photo' }
      case 'geopoint':
        return { ...asked, kind: 'place' }
      case 'note':
        return { ...common, kind: 'note' }
      default:
        problems.push(
          `${place('survey', at, 'type')}: "${cells.type}" is no type known here; there are text, integer, decimal, select_one, select_multiple, date, image, geopoint, note and groups`,
        )
        return undefined
    }
  }
  function isRequired(row: Row): boolean {
    const { required } = row.cells
    if (required === undefined || NO.has(required.toLowerCase())) return false
    if (!YES.has(required.toLowerCase()))
      problems.push(`${place('survey', row.at, 'required')}: "${required}" is neither yes nor no`)
    return true
  }
  function optionsOf({ at }: Row, list: string | undefined, more: readonly string[]): Option[] | undefined {
    const where = place('survey', at, 'type')
    const options = list === undefined ? undefined : lists.get(list)
    if (list === undefined) problems.push(`${where}: which list of choices? Write it behind the type`)
    else if (!options) {
      const names = [...lists.keys()].join(', ') || 'none'
      problems.push(`${where}: the sheet "choices" has no list "${list}"; it has ${names}`)
    }
    if (more.length > 0)
      problems.push(
        `${where}: "${more.join(' ')}" is not known here; make "other" a choice, and a text question that is relevant with it`,
      )
    return options
  }

  for (const row of survey?.rows ?? []) readRow(row)
  for (const { at } of groups) problems.push(`${place('survey', at, 'type')}: the group that begins here has no end`)
  if (questions.length === 0 && problems.length === 0) problems.push('survey: has no question')
  const ignored = (survey?.columns ?? []).filter((column) => {
    const [base = ''] = column.split('::')
    return !READ.has(base) && !TEXTS.has(base) && survey?.rows.some(({ cells }) => cells[column] !== undefined)
  })
  if (ignored.length > 0) notes.push(`survey: not used here: ${ignored.map((column) => `"${column}"`).join(', ')}`)
  if (problems.length > 0) return { problems, notes }
  const title = setting?.cells.form_title
  try {
    return {
      form: readForm({
        ...(title !== undefined && { title: { [main]: title, en: title } }),
        ...(blurFaces !== undefined && { blurFaces }),
        questions,
      }),
      problems,
      notes,
    }
  } catch (error) {
    // What is wrong with all of them together, or too long.
    if (!(error instanceof JikoError)) throw error
    return { problems: [error.message], notes }
  }
}

function askable(question: Exclude<Question, { kind: 'note' }>): Askable {
  if (question.kind !== 'choice') return { kind: question.kind }
  return { kind: question.many ? 'many' : 'choice', options: question.options.map(({ id }) => id) }
}
