import * as v from 'valibot'
import { parseJson, parseWith } from './parse.ts'
import { LocalText, Slug } from './primitives.ts'

/** Becomes part of a field's name in records and exports. */
const Name = v.pipe(
  v.string(),
  v.maxLength(40),
  v.regex(/^[a-z_][a-z0-9_]*$/, 'expected lower-case letters, digits and "_", no digit first'),
)

/** The name under which a condition asks for the answer's own label. */
export const ANSWER = 'answer'

type Value = string | number | boolean

/** When a question is asked, by what was said before. `answer` is the label of the answer itself. */
export type Condition =
  | { question: string; is: Value }
  | { question: string; above?: number | undefined; below?: number | undefined }
  | { all: Condition[] }
  | { any: Condition[] }
  | { not: Condition }

const Condition: v.GenericSchema<Condition> = v.lazy(() =>
  v.union([
    /** Of a choice of many: whether it is among those chosen. */
    v.strictObject({ question: Name, is: v.union([v.pipe(v.string(), v.maxLength(200)), v.number(), v.boolean()]) }),
    v.pipe(
      v.strictObject({ question: Name, above: v.optional(v.number()), below: v.optional(v.number()) }),
      v.check(({ above, below }) => above !== undefined || below !== undefined, 'expected "is", "above" or "below"'),
    ),
    v.strictObject({ all: v.pipe(v.array(Condition), v.minLength(1), v.maxLength(20)) }),
    v.strictObject({ any: v.pipe(v.array(Condition), v.minLength(1), v.maxLength(20)) }),
    v.strictObject({ not: Condition }),
  ]),
)

const common = {
  name: Name,
  label: LocalText,
  hint: v.optional(LocalText),
  /** The form cannot be saved without it, where it is asked. */
  required: v.optional(v.boolean()),
  when: v.optional(Condition),
}

const Option = v.strictObject({
  id: v.pipe(v.string(), v.maxLength(64), v.regex(/^[\w-]+$/, 'expected letters, digits, "_" and "-"')),
  label: LocalText,
})

const Question = v.variant('kind', [
  v.strictObject({ ...common, kind: v.literal('text'), long: v.optional(v.boolean()) }),
  v.strictObject({
    ...common,
    kind: v.literal('number'),
    whole: v.optional(v.boolean()),
    least: v.optional(v.number()),
    most: v.optional(v.number()),
  }),
  v.strictObject({
    ...common,
    kind: v.literal('choice'),
    /** More than one may be chosen; recorded as their ids with spaces between, as XLSForm has it. */
    many: v.optional(v.boolean()),
    options: v.pipe(v.array(Option), v.minLength(1), v.maxLength(200)),
  }),
  /** Recorded as `2026-11-28`. */
  v.strictObject({ ...common, kind: v.literal('date') }),
  v.strictObject({ ...common, kind: v.literal('photo') }),
  /** Recorded as `latitude longitude 0 accuracy`, as XLSForm has it. */
  v.strictObject({ ...common, kind: v.literal('place') }),
  /** Something to read; nobody answers it. */
  v.strictObject({ ...common, kind: v.literal('note'), required: v.optional(v.literal(false)) }),
])
export type Question = v.InferOutput<typeof Question>

export const namesIn = (condition: Condition): string[] => {
  if ('question' in condition) return [condition.question]
  if ('not' in condition) return namesIn(condition.not)
  return ('all' in condition ? condition.all : condition.any).flatMap(namesIn)
}

/** What is wrong with the questions together, with the name of the one it is about. */
function questionsProblem(questions: readonly Question[]): string | undefined {
  const before = new Set([ANSWER])
  const notes = new Set(questions.flatMap(({ kind, name }) => (kind === 'note' ? [name] : [])))
  for (const question of questions) {
    const { name, when } = question
    if (before.has(name)) return `question "${name}": there is another of that name`
    const unknown = when && namesIn(when).find((other) => !before.has(other))
    if (unknown !== undefined)
      return `question "${name}": its "when" asks for "${unknown}", which does not come before it`
    const note = when && namesIn(when).find((other) => notes.has(other))
    if (note !== undefined) return `question "${name}": its "when" asks for "${note}", which is a note`
    if (question.kind === 'choice') {
      const ids = question.options.map(({ id }) => id)
      const twice = ids.find((id, i) => ids.indexOf(id) !== i)
      if (twice !== undefined) return `question "${name}": the option "${twice}" is there twice`
    }
    before.add(name)
  }
  return undefined
}

/** A short form that follows an answer: `form.json` beside `pack.json`. */
export const Form = v.pipe(
  v.strictObject({
    title: v.optional(LocalText),
    /** Whether it is asked if a person is in the picture and has agreed. */
    consent: v.optional(v.boolean()),
    /** Name of the pack that finds faces: they are hidden in every photo before it is kept. */
    blurFaces: v.optional(Slug),
    questions: v.pipe(v.array(Question), v.maxLength(60)),
  }),
  v.check(
    ({ questions }) => questionsProblem(questions) === undefined,
    ({ input }) => questionsProblem(input.questions) ?? '',
  ),
)
export type Form = v.InferOutput<typeof Form>

/** @throws JikoError `pack/bad-form` naming the question. */
export const readForm = (json: unknown, what = 'the form'): Form =>
  parseWith(Form, json, 'pack/bad-form', `${what}${nameOfBadQuestion(json)}`)

/** @throws JikoError `pack/bad-form` naming the question. */
export const parseForm = (text: string, what = 'form.json'): Form =>
  readForm(parseJson(text, 'pack/bad-form', what), what)

/** A path says `questions.3.kind`; who wrote the form knows its questions by name. */
function nameOfBadQuestion(json: unknown): string {
  const questions = (json as { questions?: unknown } | null)?.questions
  if (!Array.isArray(questions)) return ''
  const at = questions.findIndex((one) => !v.is(Question, one))
  if (at === -1) return ''
  const { name } = (questions[at] ?? {}) as { name?: unknown }
  return `, question ${typeof name === 'string' ? `"${name}"` : at + 1}`
}
