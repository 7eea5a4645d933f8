import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { type ShellChunk, shellOf, toClassic } from '../../../scripts/classic-shell.ts'

const PAGE = '/src/main.ts'

const chunk = (name: string, imports: string[], rest: Partial<ShellChunk> = {}): ShellChunk => ({
  name,
  fileName: `assets/${name}-1.js`,
  isEntry: false,
  moduleIds: [],
  imports: imports.map((one) => `assets/${one}-1.js`),
  ...rest,
})

const CHUNKS = [
  chunk('ask', ['both']),
  chunk('both', []),
  chunk('index', ['page'], { isEntry: true, moduleIds: [PAGE] }),
  chunk('page', ['both']),
  chunk('worker', ['both'], { isEntry: true }),
]

const shell = shellOf(CHUNKS, PAGE)
const classic = (name: string, code: string, begins = false): string =>
  toClassic(code, { fileName: `assets/${name}-1.js`, shell, begins })

describe('what the page begins with', () => {
  it('is found by what its entry imports, and is nothing in a build without the app', () => {
    expect([...shell.keys()].sort()).toEqual(['assets/both-1.js', 'assets/index-1.js', 'assets/page-1.js'])
    expect(shellOf(CHUNKS, '/src/other.ts').size).toBe(0)
  })

  it('runs as classic scripts one after the other, each once', () => {
    const scope = { document: { currentScript: { src: 'https://here/assets/page-1.js' } }, told: [] as unknown[] }
    const both = classic('both', 'let count = 0\nvar next = () => ++count\nconst ß = "ß"\nexport { next as a, ß as b }')
    const page = classic(
      'page',
      'import { a as next, b } from "./both-1.js"\nexport { next as n, where }\nvar where = import.meta.url + b',
    )
    const index = classic('index', 'import { n, where } from "./page-1.js"\ntold.push(n(), n(), where)')
    for (const script of [both, both, page, index]) runInNewContext(script, Object.assign(scope))
    expect(scope.told).toEqual([1, 2, 'https://here/assets/page-1.jsß'])
  })

  it('is imported by what a worker begins with, and read by all others', () => {
    const code = 'import { a } from "./both-1.js"\na()'
    expect(classic('worker', code, true)).toMatch(
      /^import "\.\/both-1\.js"; const \{ a: a \} = globalThis\.jiko_both;\n/,
    )
    expect(classic('ask', code)).toBe('const { a: a } = globalThis.jiko_both;\na()')
    expect(classic('ask', 'import { x } from "./other-1.js"\nx()')).toBe('import { x } from "./other-1.js"\nx()')
  })

  it('cannot export what is assigned to later, nor import what is not there', () => {
    expect(() => classic('both', 'var a = 1\nfunction f() { a = 2 }\nexport { a, f }')).toThrow('assigned to later: a')
    expect(() => classic('both', 'var a = 1\nconst f = () => { [a] = [2] }\nexport { a, f }')).toThrow('later: a')
    expect(() => classic('both', 'var a = 1\nfunction f() { a++ }\nexport { a, f }')).toThrow('later: a')
    // A function's own variable of the same name is another one, and so is a property.
    expect(() =>
      classic('both', 'var a = {}\nfunction f(b) { var a = 1; a = 2; b.a = a }\na.a = 1\nexport { a, f }'),
    ).not.toThrow()
    expect(() => classic('page', 'import { x } from "./ask-1.js"\nx()')).toThrow('imports ./ask-1.js, which does not')
  })
})
