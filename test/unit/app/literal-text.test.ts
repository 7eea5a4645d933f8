import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseSync } from 'rolldown/utils'
import { describe, expect, it } from 'vitest'

/** Attributes that a person reads or hears. */
const SPOKEN = new Set(['alt', 'title', 'placeholder', 'label', 'aria-label', 'aria-description', 'aria-valuetext'])
const LETTERS = /\p{L}/u

type Node = Record<string, unknown> & { type: string; start: number }
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value

/** Text in a TSX source that would reach the screen in one language only. */
function literalText(source: string): string[] {
  const found: string[] = []
  const note = (value: unknown): void => {
    if (typeof value === 'string' && LETTERS.test(value)) found.push(value.trim())
  }
  function visit(node: Node): void {
    if (node.type === 'JSXText') note(node.value)
    if (node.type === 'JSXAttribute') {
      const { name, value } = node as unknown as { name: { name: unknown }; value: unknown }
      if (!SPOKEN.has(String(name.name))) {
        // Class names, ids and handlers: nobody reads them. What is inside a handler is code.
        if (isNode(value) && value.type === 'Literal') return
      } else if (isNode(value) && value.type === 'Literal') note(value.value)
    }
    if (node.type === 'JSXExpressionContainer' && isNode(node.expression) && node.expression.type === 'Literal') {
      note(node.expression.value)
    }
    for (const child of Object.values(node)) {
      for (const item of Array.isArray(child) ? child : [child]) if (isNode(item)) visit(item)
    }
  }
  const { program, errors } = parseSync('file.tsx', source)
  if (errors.length > 0) throw new Error(errors[0]?.message)
  visit(program as unknown as Node)
  return found
}

describe('literal text in TSX', () => {
  it('is found where a person would read it', () => {
    expect(literalText('const a = <p>Hello</p>')).toEqual(['Hello'])
    expect(literalText('const a = <img alt="A leaf" />')).toEqual(['A leaf'])
    expect(literalText("const a = <p>{'Hello'}</p>")).toEqual(['Hello'])
    expect(literalText("const a = <p aria-label={'Hello'} />")).toEqual(['Hello'])
  })

  it('is not found in names, numbers and code', () => {
    expect(literalText('const a = <p class="lead" data-testid="x">{count} · 3 {t("id")}</p>')).toEqual([])
  })

  const files = readdirSync('src/app', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.tsx'))
  it.each(files)('is not in %s', (file) => {
    expect(literalText(readFileSync(join('src/app', file), 'utf8'))).toEqual([])
  })
})
