import { ANSWER, type Condition, type Form, type Question } from '../../protocol/form.ts'

/** What was filled in so far: of a choice of many the ids, of a photo its file. */
export type Filled = string | number | readonly string[] | Blob
export type Values = Readonly<Record<string, Filled | undefined>>

/** A field of a record that a question fills. */
export const fieldOf = (name: string): string => `form.${name}`
/** The field that says whether a person in the picture has agreed. */
export const CONSENT = 'consent'

function holds(condition: Condition, values: Values): boolean {
  if ('all' in condition) return condition.all.every((one) => holds(one, values))
  if ('any' in condition) return condition.any.some((one) => holds(one, values))
  if ('not' in condition) return !holds(condition.not, values)
  const value = values[condition.question]
  if ('is' in condition) {
    const { is } = condition
    if (isEmpty(value)) return is === ''
    // "5.0" is 5.
    if (typeof is === 'number') return Number(value) === is
    return Array.isArray(value) ? value.includes(String(is)) : String(value) === String(is)
  }
  const { above, below } = condition
  const number = value === undefined || value === '' ? Number.NaN : Number(value)
  return (above === undefined || number > above) && (below === undefined || number < below) && !Number.isNaN(number)
}

/** The questions to ask now. One that depends on a question that is not asked sees it unanswered. */
export function asked(form: Form, values: Values, answer: string | undefined): readonly Question[] {
  const seen: Record<string, Filled | undefined> = { [ANSWER]: answer }
  return form.questions.filter((question) => {
    if (question.when && !holds(question.when, seen)) return false
    seen[question.name] = values[question.name]
    return true
  })
}

export type Trouble = 'required' | 'number' | 'whole' | 'least' | 'most'

const isEmpty = (value: Filled | undefined): boolean =>
  value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

/** What is wrong with what was filled in. */
export function troubleWith(question: Question, value: Filled | undefined): Trouble | undefined {
  if (isEmpty(value)) return question.required ? 'required' : undefined
  if (question.kind !== 'number') return undefined
  const number = Number(value)
  if (!Number.isFinite(number)) return 'number'
  if (question.whole && !Number.isInteger(number)) return 'whole'
  if (question.least !== undefined && number < question.least) return 'least'
  return question.most !== undefined && number > question.most ? 'most' : undefined
}

export interface Outcome {
  patch: Record<string, string | number | boolean | null>
  files: Record<string, Blob>
}

/** What goes into the record: every question, `null` for one that is not asked (any more), so that nothing stale stays. */
export function outcomeOf(form: Form, values: Values, answer: string | undefined): Outcome {
  const now = asked(form, values, answer)
  const outcome: Outcome = { patch: {}, files: {} }
  for (const question of form.questions) {
    if (question.kind === 'note') continue
    const field = fieldOf(question.name)
    const value = now.includes(question) ? values[question.name] : undefined
    if (value instanceof Blob) outcome.files[field] = value
    else if (isEmpty(value) || value === undefined) outcome.patch[field] = null
    else if (question.kind === 'number') outcome.patch[field] = Number(value)
    else outcome.patch[field] = Array.isArray(value) ? value.join(' ') : String(value)
  }
  return outcome
}

/** What was filled in before, out of a record. */
export function valuesOf(form: Form, fields: Readonly<Record<string, string | number | boolean>> = {}): Values {
  const values: Record<string, Filled> = {}
  for (const question of form.questions) {
    const value = fields[fieldOf(question.name)]
    if (value === undefined || typeof value === 'boolean' || question.kind === 'photo') continue
    values[question.name] = question.kind === 'choice' && question.many ? String(value).split(' ') : value
  }
  return values
}
