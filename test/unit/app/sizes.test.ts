import { describe, expect, it } from 'vitest'
import { languageOf } from '../../../scripts/build-service-worker.ts'
import { BUDGETS, type FileSize, overBudget, partOf, shellBytes } from '../../../scripts/sizes.ts'

const file = (path: string, brotli: number): FileSize => ({ path, raw: brotli * 3, brotli, part: partOf(path) })

describe('size budgets', () => {
  it.each([
    ['index.html', 'shell'],
    ['sw.js', 'shell'],
    ['assets/index-abc.js', 'shell'],
    ['assets/locale-sw-abc.js', 'languages'],
    ['assets/nano-abc.js', 'nano'],
    ['assets/keeping-abc.js', 'extras'],
    ['runtime/ort-1.30.0/ort.wasm', 'runtime'],
    ['icon-512.png', 'others'],
  ] as const)('%s counts as %s', (path, part) => {
    expect(partOf(path)).toBe(part)
  })

  it('count one language, the longest', () => {
    const files = [
      file('assets/index-a.js', 1000),
      file('assets/locale-en-a.js', 10),
      file('assets/locale-sw-a.js', 20),
    ]
    expect(shellBytes(files)).toBe(1020)
  })

  it('are kept to the byte', () => {
    const half = BUDGETS.shell / 2
    expect(overBudget([file('assets/a-a.js', half), file('assets/b-a.js', half)])).toEqual([])
    expect(overBudget([file('assets/a-a.js', half), file('assets/b-a.js', half + 1)])).toHaveLength(1)
  })

  it('hold for the extras apart from the shell', () => {
    const extra = (brotli: number) => file('assets/later-a.js', brotli)
    expect(shellBytes([extra(BUDGETS.extras)])).toBe(0)
    expect(overBudget([extra(BUDGETS.extras)])).toEqual([])
    expect(overBudget([extra(BUDGETS.extras + 1)])).toHaveLength(1)
  })

  it('know a language file by its name only', () => {
    expect(languageOf('assets/locale-sw-CsdA1jb2.js')).toBe('sw')
    expect(languageOf('assets/localexx-a.js')).toBeUndefined()
  })
})
