import { i18n } from '@lingui/core'
import { describe, expect, it } from 'vitest'
import { firstTexts } from '../../../scripts/split-texts.ts'
import { createTexts, type LANGUAGES } from '../../../src/app/language.ts'

describe('which texts come first', () => {
  it('those that the entry and its static imports may show', () => {
    const files: Record<string, string> = {
      '/app/main.tsx': "import { a } from './a.tsx'\nimport type { T } from './typed.tsx'\nconst b = import('./b.tsx')",
      '/app/a.tsx': "import {\n  c,\n} from '../c.ts'\nexport const a = i18n.t('one')",
      '/c.ts': "import '/x'\nexport const c = i18n.t(\n  'two',\n  { size })",
      '/app/b.tsx': "i18n.t('later')",
      '/app/typed.tsx': "i18n.t('never')",
    }
    expect([...firstTexts('/app/main.tsx', (path) => files[path] ?? '')].sort()).toEqual(['one', 'two'])
  })

  it('of the app: those of home, not those of a screen that is fetched by itself', () => {
    const first = firstTexts('src/app/main.tsx')
    expect([...first]).toEqual(expect.arrayContaining(['nav.home', 'packs.none', 'error.download', 'pack.get']))
    expect(first.has('about.text')).toBe(false)
    expect(first.has('correct.open')).toBe(false)
    expect(first.has('error.too-dark')).toBe(false)
  })
})

describe('the texts of a language', () => {
  const part = (texts: Record<string, string>, loads: string[], name: string) => async () => {
    loads.push(name)
    return { messages: texts }
  }
  function languages(loads: string[], broken: readonly string[] = []): typeof LANGUAGES {
    const one = (language: string) => {
      const texts = (name: 'first' | 'rest') =>
        broken.includes(`${language} ${name}`)
          ? async () => Promise.reject(new Error('offline'))
          : part({ [name]: `${name} in ${language}` }, loads, `${language} ${name}`)
      return { name: language, direction: 'ltr' as const, first: texts('first'), rest: texts('rest') }
    }
    return { xa: one('xa'), xb: one('xb') }
  }

  it('come in two parts, each once', async () => {
    const loads: string[] = []
    const texts = createTexts(languages(loads))
    expect(await texts.activate('xb')).toBe('xb')
    expect([loads, texts.whole, i18n.t('first'), i18n.t('rest')]).toEqual([['xb first'], false, 'first in xb', 'rest'])
    await texts.complete()
    await texts.complete()
    expect([loads, texts.whole, i18n.t('first'), i18n.t('rest')]).toEqual([
      ['xb first', 'xb rest'],
      true,
      'first in xb',
      'rest in xb',
    ])
  })

  it('come whole with another language once a screen wanted them whole', async () => {
    const texts = createTexts(languages([]))
    await texts.activate('xa')
    await texts.complete()
    await texts.activate('xb')
    expect([texts.whole, i18n.t('rest')]).toEqual([true, 'rest in xb'])
  })

  it('are those of another language where they cannot be had, never half of one', async () => {
    const texts = createTexts(languages([], ['xb rest']))
    await texts.activate('xa')
    await texts.complete()
    expect(await texts.activate('xb')).toBe('xa')
    expect(i18n.t('rest')).toBe('rest in xa')
  })

  it('can be asked for again after a network that was away', async () => {
    const broken = ['xa rest']
    const known = languages([], broken)
    const texts = createTexts({ xa: { ...known.xa, rest: async () => languages([], broken).xa?.rest() } } as never)
    await texts.activate('xa')
    await expect(texts.complete()).rejects.toThrow('offline')
    expect(texts.whole).toBe(false)
    broken.pop()
    await texts.complete()
    expect(texts.whole).toBe(true)
  })
})
