/// <reference path="./defines.d.ts" />
import { i18n, type Messages } from '@lingui/core'

type Load = () => Promise<{ messages: Messages }>

interface Language {
  /** In its own words, as its speakers look for it. */
  name: string
  direction: 'ltr' | 'rtl'
  /** Texts that the first screen may show. */
  first: Load
  /** All others. */
  rest: Load
}

/** Each language is two chunks of its own: only the one in use is read. */
export const LANGUAGES: Readonly<Record<string, Language>> = {
  en: {
    name: 'English',
    direction: 'ltr',
    first: () => import('./locales/en/messages.po'),
    rest: () => import('./locales/en/messages.po?rest'),
  },
  fr: {
    name: 'Français',
    direction: 'ltr',
    first: () => import('./locales/fr/messages.po'),
    rest: () => import('./locales/fr/messages.po?rest'),
  },
  pt: {
    name: 'Português',
    direction: 'ltr',
    first: () => import('./locales/pt/messages.po'),
    rest: () => import('./locales/pt/messages.po?rest'),
  },
  es: {
    name: 'Español',
    direction: 'ltr',
    first: () => import('./locales/es/messages.po'),
    rest: () => import('./locales/es/messages.po?rest'),
  },
  sw: {
    name: 'Kiswahili',
    direction: 'ltr',
    first: () => import('./locales/sw/messages.po'),
    rest: () => import('./locales/sw/messages.po?rest'),
  },
  ha: {
    name: 'Hausa',
    direction: 'ltr',
    first: () => import('./locales/ha/messages.po'),
    rest: () => import('./locales/ha/messages.po?rest'),
  },
  am: {
    name: 'አማርኛ',
    direction: 'ltr',
    first: () => import('./locales/am/messages.po'),
    rest: () => import('./locales/am/messages.po?rest'),
  },
  ar: {
    name: 'العربية',
    direction: 'rtl',
    first: () => import('./locales/ar/messages.po'),
    rest: () => import('./locales/ar/messages.po?rest'),
  },
  hi: {
    name: 'हिन्दी',
    direction: 'ltr',
    first: () => import('./locales/hi/messages.po'),
    rest: () => import('./locales/hi/messages.po?rest'),
  },
}

export const directionOf = (language: string): 'ltr' | 'rtl' => LANGUAGES[language]?.direction ?? 'ltr'

export interface Texts {
  /**
   * Makes `i18n` speak a language, and says which one it speaks now: the wanted one, else the first whose texts can be
   * read. Offline only those are here that this phone has used.
   */
  activate(wanted: string): Promise<string>
  /** Whether the active language has all its texts, not only those of the first screen. */
  readonly whole: boolean
  /** Brings the rest of them. */
  complete(): Promise<void>
}

export function createTexts(languages: typeof LANGUAGES = LANGUAGES): Texts {
  const first = new Set<string>()
  const whole = new Set<string>()
  /** Once a screen has asked for all texts, another language comes with all of hers. */
  let all = false

  async function load(language: string, part: 'first' | 'rest', here: Set<string>): Promise<void> {
    const found = languages[language]
    if (!found || here.has(language)) return
    i18n.load(language, (await found[part]()).messages)
    here.add(language)
  }
  async function read(language: string): Promise<boolean> {
    try {
      await Promise.all([load(language, 'first', first), all && load(language, 'rest', whole)])
      return true
    } catch {
      return false
    }
  }
  return {
    get whole() {
      return whole.has(i18n.locale)
    },
    async activate(wanted) {
      for (const language of new Set([wanted, ...Object.keys(languages)])) {
        if (!(await read(language))) continue
        i18n.activate(language)
        return language
      }
      return i18n.locale
    },
    complete() {
      all = true
      return load(i18n.locale, 'rest', whole)
    },
  }
}
