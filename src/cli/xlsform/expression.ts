import type { Condition } from '../../protocol/form.ts'

/** XPath that our forms can say; `question` is "." where it asks for the value itself. */
export type Expression =
  | { op: 'and' | 'or'; parts: Expression[] }
  | { op: 'not'; of: Expression }
  | { op: 'selected' | Comparison; question: string; value: string | number }

type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

const TURNED: Readonly<Record<Comparison, Comparison>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

/** What is wrong with a cell, in words that go behind its place. */
export class CellProblem extends Error {}

type Token = { kind: 'question' | 'text' | 'number' | 'sign' | 'word' | 'other'; text: string }

const TOKEN =
  /\s*(?:\$\{\s*(?<question>[^}]*?)\s*\}|(?<text>'[^']*'|"[^"]*")|(?<number>-?\d+(?:\.\d+)?)|(?<sign><=|>=|!=|=|<|>)|(?<word>[A-Za-z][\w:-]*)|(?<other>\S))/gy

function tokensOf(text: string): Token[] {
  return [...text.matchAll(TOKEN)].map(({ groups = {} }) => {
    const [kind, found = ''] = Object.entries(groups).find(([, value]) => value !== undefined) ?? ['other']
    return { kind: kind as Token['kind'], text: kind === 'text' ? found.slice(1, -1) : found }
  })
}

/** @throws CellProblem for whatever a form of ours cannot say. */
export function parseExpression(text: string): Expression {
  const tokens = tokensOf(text)
  let at = 0
  const next = (): Token | undefined => tokens[at]
  const is = (wanted: string): boolean => next()?.text === wanted && next()?.kind !== 'text'
  function expect(wanted: string): void {
    if (!is(wanted)) throw new CellProblem(`expected "${wanted}" ${where()}`)
    at += 1
  }
  const where = (): string => (next() ? `before "${next()?.text}"` : 'at the end')

  function any(): Expression {
    return chain('or', () => chain('and', one))
  }
  function chain(op: 'and' | 'or', part: () => Expression): Expression {
    const parts = [part()]
    while (is(op)) {
      at += 1
      parts.push(part())
    }
    const [only] = parts
    return parts.length === 1 && only ? only : { op, parts }
  }
  function one(): Expression {
    if (is('(')) {
      at += 1
      const inner = any()
      expect(')')
      return inner
    }
    if (next()?.kind === 'word') return called()
    return compared()
  }
  function called(): Expression {
    const name = next()?.text
    at += 1
    if (name !== 'not' && name !== 'selected')
      throw new CellProblem(
        `"${name}" is nothing that a form here can ask; it knows and, or, not(), selected() and comparisons`,
      )
    expect('(')
    if (name === 'not') {
      const of = any()
      expect(')')
      return { op: 'not', of }
    }
    const question = operand()
    expect(',')
    const value = operand()
    expect(')')
    if (!('question' in question) || 'question' in value)
      throw new CellProblem(`selected() wants a question and a choice, like selected(\${colour}, 'red')`)
    return { op: 'selected', ...question, ...value }
  }
  function compared(): Expression {
    const left = operand()
    const sign = next()
    if (sign?.kind !== 'sign') throw new CellProblem(`expected a comparison like = or > ${where()}`)
    at += 1
    const right = operand()
    const op = sign.text as Comparison
    if ('question' in left && 'value' in right) return { op, ...left, ...right }
    if ('value' in left && 'question' in right) return { op: TURNED[op], ...right, ...left }
    throw new CellProblem('a comparison is between one question and one value; two questions cannot be compared')
  }
  function operand(): { question: string } | { value: string | number } {
    const token = next()
    at += 1
    if (token?.kind === 'question') return { question: token.text }
    if (token?.kind === 'other' && token.text === '.') return { question: '.' }
    if (token?.kind === 'text') return { value: token.text }
    if (token?.kind === 'number') return { value: Number(token.text) }
    at -= 1
    throw new CellProblem(`expected a question like \${name}, a number or a 'text' ${where()}`)
  }

  const whole = any()
  if (at < tokens.length) throw new CellProblem(`"${next()?.text}" is nothing that a form here can ask`)
  return whole
}

/** What a condition may ask a question for. */
export interface Askable {
  /** `unclear`: its own row is to be mended first. */
  kind: 'unclear' | 'text' | 'number' | 'choice' | 'many' | 'date' | 'photo' | 'place'
  options?: readonly string[]
}

/** @throws CellProblem for a question that does not come before, and for a value that it cannot have. */
export function conditionOf(expression: Expression, known: ReadonlyMap<string, Askable>): Condition {
  switch (expression.op) {
    case 'and':
      return { all: expression.parts.map((part) => conditionOf(part, known)) }
    case 'or':
      return { any: expression.parts.map((part) => conditionOf(part, known)) }
    case 'not':
      return { not: conditionOf(expression.of, known) }
  }
  const { op, question, value } = expression
  const asked = known.get(question)
  if (!asked) throw new CellProblem(`there is no question "${question}" before this one`)
  if (asked.kind === 'unclear') return { question, is: value }
  const named = `"${question}"`
  if (op === 'selected') {
    if (!asked.options) throw new CellProblem(`selected() is for select_one and select_multiple, which ${named} is not`)
    return { question, is: optionOf(asked.options, value, named) }
  }
  if (op === '=' || op === '!=') {
    const same = { question, is: comparedWith(asked, value, named) }
    return op === '=' ? same : { not: same }
  }
  const limit = Number(value)
  if (asked.kind !== 'number' || value === '' || Number.isNaN(limit))
    throw new CellProblem(
      `${op} is between an integer or decimal question and a number; ${named} is compared with "${value}"`,
    )
  if (op === '>') return { question, above: limit }
  if (op === '<') return { question, below: limit }
  // Without an answer neither holds.
  const beyond = op === '>=' ? { question, below: limit } : { question, above: limit }
  return { all: [{ not: beyond }, { not: { question, is: '' } }] }
}

function comparedWith({ kind, options }: Askable, value: string | number, named: string): string | number {
  if (value === '') return ''
  if (kind === 'many') throw new CellProblem(`${named} may have several choices: ask with selected(), not with =`)
  if (kind === 'choice') return optionOf(options ?? [], value, named)
  if (kind === 'photo' || kind === 'place') throw new CellProblem(`${named} can only be compared with ''`)
  if (kind !== 'number') return String(value)
  if (Number.isNaN(Number(value))) throw new CellProblem(`${named} is a number and is compared with "${value}"`)
  return Number(value)
}

function optionOf(options: readonly string[], value: string | number, named: string): string {
  if (options.includes(String(value))) return String(value)
  throw new CellProblem(`"${value}" is not one of the choices of ${named}: ${options.join(', ')}`)
}

/** Limits of a number out of its constraint. @throws CellProblem for whatever else it wants. */
export function limitsOf(expression: Expression, whole: boolean): { least?: number; most?: number } {
  if (expression.op === 'and') {
    const all = expression.parts.map((part) => limitsOf(part, whole))
    const leasts = all.flatMap(({ least }) => least ?? [])
    const mosts = all.flatMap(({ most }) => most ?? [])
    return {
      ...(leasts.length > 0 && { least: Math.max(...leasts) }),
      ...(mosts.length > 0 && { most: Math.min(...mosts) }),
    }
  }
  if (!('question' in expression) || expression.question !== '.' || expression.op === 'selected')
    throw new CellProblem('a constraint here is a least and a most, like . >= 0 and . <= 120')
  const limit = Number(expression.value)
  if (expression.value === '' || Number.isNaN(limit))
    throw new CellProblem(`"${expression.value}" is no number to compare with`)
  const { op } = expression
  if (op === '>=') return { least: limit }
  if (op === '<=') return { most: limit }
  if ((op === '>' || op === '<') && whole && Number.isInteger(limit))
    return op === '>' ? { least: limit + 1 } : { most: limit - 1 }
  throw new CellProblem(
    op === '>' || op === '<'
      ? `${op} has no last number where parts of one are allowed: write ${op}=`
      : `${op} is no limit`,
  )
}
