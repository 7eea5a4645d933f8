import { expect, it } from 'vitest'
import { languageName } from '../../../src/app/clips/language-name.ts'

it('a language has the name its speakers look for, else one in the language of the app, else its tag', () => {
  expect(languageName('sw', 'fr')).toEqual({ name: 'Kiswahili', said: 'sw' })
  expect(languageName('so', 'sw')).toEqual({ name: 'Soomaali', said: 'so' })
  expect(languageName('ain', 'fr')).toEqual({ name: 'aïnou', said: 'fr' })
  expect(languageName('qzz', 'fr').name).toBe('qzz')
  expect(languageName('no tag!', 'fr')).toEqual({ name: 'no tag!', said: 'fr' })
})
