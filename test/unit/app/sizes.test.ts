import { describe, expect, it } from 'vitest'
import { languageOf, laterList } from '../../../scripts/build-service-worker.ts'
import { shellScripts } from '../../../scripts/shell-list.ts'
import { BUDGETS, type FileSize, laterBytes, overBudget, partOf, shellBytes } from '../../../scripts/sizes.ts'

const SCRIPTS = ['assets/index-abc.js', 'assets/index-a.js', 'assets/a-a.js', 'assets/b-a.js']
const file = (path: string, brotli: number): FileSize => ({
  path,
  raw: brotli * 3,
  brotli,
  part: partOf(path, SCRIPTS),
})

describe('size budgets', () => {
  it.each([
    ['index.html', 'shell'],
    ['sw.js', 'shell'],
    ['assets/index-abc.js', 'shell'],
    ['assets/locale-sw-abc.js', 'languages'],
    ['assets/nano-abc.js', 'nano'],
    ['assets/keeping-abc.js', 'later'],
    ['assets/index-abc.css', 'shell'],
    ['assets/kernels-abc.wasm', 'nano'],
    ['runtime/ort-1.30.0/ort.wasm', 'runtime'],
    ['sync-worker.js', 'sender'],
    ['icon-512.png', 'others'],
  ] as const)('%s counts as %s', (path, part) => {
    expect(partOf(path, SCRIPTS)).toBe(part)
  })

  it('leave the way to an answer first among what comes later', () => {
    const paths = ['assets/about-AbC12_-x.js', 'assets/answer-AbC12_-x.js', 'assets/answer-form-AbC12_-x.js']
    const more = ['assets/ask-AbC12_-x.js', 'assets/index-abc.js', 'assets/later-styles-AbC12_-x.js']
    expect(laterList([...paths, ...more], SCRIPTS)).toEqual([
      'assets/answer-AbC12_-x.js',
      'assets/ask-AbC12_-x.js',
      'assets/later-styles-AbC12_-x.js',
      'assets/about-AbC12_-x.js',
      'assets/answer-form-AbC12_-x.js',
    ])
  })

  it('count one language, the longest', () => {
    const files = [
      file('assets/index-a.js', 1000),
      file('assets/locale-en-a.js', 10),
      file('assets/locale-sw-a.js', 20),
      file('assets/texts-sw-a.js', 50),
      file('assets/texts-en-a.js', 40),
      file('assets/history-a.js', 7),
    ]
    expect(shellBytes(files)).toBe(1020)
    expect(laterBytes(files)).toBe(57)
  })

  it('are kept to the byte', () => {
    const half = BUDGETS.shell / 2
    expect(overBudget([file('assets/a-a.js', half), file('assets/b-a.js', half)])).toEqual([])
    expect(overBudget([file('assets/a-a.js', half), file('assets/b-a.js', half + 1)])).toHaveLength(1)
  })

  it('hold for what comes later apart from the shell', () => {
    const script = (brotli: number) => file('assets/history-a.js', brotli)
    expect(shellBytes([script(BUDGETS.later)])).toBe(0)
    expect(overBudget([script(BUDGETS.largest)])).toEqual([])
    expect(overBudget([script(BUDGETS.later + 1)])).toHaveLength(1)
    expect(overBudget([file('sync-worker.js', BUDGETS.sender + 1)])).toHaveLength(1)
  })

  it('take for the shell what its entries import, however far away, and nothing that is only asked for', () => {
    const chunk = (name: string, imports: string[], isEntry = false) => ({
      name,
      fileName: `${name}.js`,
      imports: imports.map((file) => `${file}.js`),
      isEntry,
    })
    const chunks = [
      chunk('index', ['shared'], true),
      chunk('worker', ['shared'], true),
      chunk('shared', ['deep']),
      chunk('deep', ['shared']),
      chunk('microphone', ['rows'], true),
      chunk('history', ['rows', 'shared']),
      chunk('rows', []),
    ]
    expect(shellScripts(chunks)).toEqual(['deep.js', 'index.js', 'shared.js', 'worker.js'])
  })

  it('know a language file by its name only', () => {
    expect(languageOf('assets/locale-sw-CsdA1jb2.js')).toBe('sw')
    expect(languageOf('assets/texts-sw-CsdA1jb2.js')).toBe('sw')
    expect(languageOf('assets/localexx-a.js')).toBeUndefined()
  })
})
