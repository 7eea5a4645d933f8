import { describe, expect, it } from 'vitest'
import { createPreferences, readPreferences } from '../../../src/app/state/preferences.ts'
import { pickLanguage } from '../../../src/lib/pick-language.ts'

const KNOWN = ['en', 'sw']
const DEFAULTS = { language: 'en', theme: 'auto', textSize: 1, place: false, person: undefined }

describe('pickLanguage', () => {
  it('takes the first wanted language that is known, whatever the region', () => {
    expect(pickLanguage(['fr-FR', 'sw-KE', 'en'], KNOWN)).toBe('sw')
  })
  it('falls back to English', () => {
    expect(pickLanguage(['am', ''], KNOWN)).toBe('en')
    expect(pickLanguage([], KNOWN)).toBe('en')
  })
})

describe('preferences', () => {
  it.each(['', 'null', '[]', '{"theme":', '"dark"', '{"language":"xx","theme":"neon","textSize":40}'])(
    'falls back for a saved %s',
    (text) => {
      expect(readPreferences(text, ['en'], KNOWN)).toEqual(DEFAULTS)
    },
  )

  it('keeps the fields that it knows when another one is bad', () => {
    const text = JSON.stringify({ language: 'sw', theme: 'neon', textSize: 2 })
    expect(readPreferences(text, ['en'], KNOWN)).toEqual({
      ...DEFAULTS,
      language: 'sw',
      textSize: 2,
    })
  })

  it('keeps no place unless somebody said so', () => {
    expect(readPreferences('{"place":"yes","person":7}', ['en'], KNOWN)).toEqual(DEFAULTS)
    expect(readPreferences('{"place":true,"person":"p"}', ['en'], KNOWN)).toMatchObject({ place: true, person: 'p' })
  })

  it('is read back at the next visit', () => {
    const saved = new Map<string, string>()
    const storage = {
      getItem: (key: string) => saved.get(key) ?? null,
      setItem: (key: string, value: string) => void saved.set(key, value),
    }
    createPreferences(storage, ['sw-TZ'], KNOWN).set({ theme: 'sunlight' })
    expect(createPreferences(storage, ['en'], KNOWN).value.value).toEqual({
      ...DEFAULTS,
      language: 'sw',
      theme: 'sunlight',
    })
  })

  it('is what another tab says, so that no answer is put down to the person before', () => {
    const saved = new Map<string, string>()
    const storage = {
      getItem: (key: string) => saved.get(key) ?? null,
      setItem: (key: string, value: string) => void saved.set(key, value),
    }
    const tabs = new EventTarget() as unknown as Window
    const here = createPreferences(storage, ['en'], KNOWN, tabs)
    createPreferences(storage, ['en'], KNOWN).set({ person: 'juma', textSize: 2 })
    tabs.dispatchEvent(Object.assign(new Event('storage'), { key: 'of somebody else' }))
    expect(here.value.value.person).toBe(undefined)
    tabs.dispatchEvent(Object.assign(new Event('storage'), { key: 'jiko-preferences' }))
    expect(here.value.value).toMatchObject({ person: 'juma', textSize: 2 })
    here.set({ theme: 'dark' })
    expect(JSON.parse(saved.get('jiko-preferences') ?? '')).toMatchObject({ person: 'juma', theme: 'dark' })
  })

  it('lasts for the visit when storage is full', () => {
    const storage = {
      getItem: () => null,
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError')
      },
    }
    const preferences = createPreferences(storage, ['en'], KNOWN)
    preferences.set({ theme: 'dark' })
    expect(preferences.value.value.theme).toBe('dark')
  })
})
