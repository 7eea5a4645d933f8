/// <reference path="./defines.d.ts" />
import { i18n, type Messages } from '@lingui/core'

interface Language {
  /** In its own words, as its speakers look for it. */
  name: string
  direction: 'ltr' | 'rtl'
  load(): Promise<{ messages: Messages }>
}

/** Each language is a chunk of its own: only the one in use is read. */
export const LANGUAGES: Readonly<Record<string, Language>> = {
  en: { name: 'English', direction: 'ltr', load: () => import('./locales/en/messages.po') },
  fr: { name: 'Français', direction: 'ltr', load: () => import('./locales/fr/messages.po') },
  pt: { name: 'Português', direction: 'ltr', load: () => import('./locales/pt/messages.po') },
  es: { name: 'Español', direction: 'ltr', load: () => import('./locales/es/messages.po') },
  sw: { name: 'Kiswahili', direction: 'ltr', load: () => import('./locales/sw/messages.po') },
  ha: { name: 'Hausa', direction: 'ltr', load: () => import('./locales/ha/messages.po') },
  am: { name: 'አማርኛ', direction: 'ltr', load: () => import('./locales/am/messages.po') },
  ar: { name: 'العربية', direction: 'rtl', load: () => import('./locales/ar/messages.po') },
  hi: { name: 'हिन्दी', direction: 'ltr', load: () => import('./locales/hi/messages.po') },
}

export const directionOf = (language: string): 'ltr' | 'rtl' => LANGUAGES[language]?.direction ?? 'ltr'

/**
 * Makes `i18n` speak a language, and says which one it speaks now: the wanted one, else the first whose texts can be
 * read. Offline only those are here that this phone has used.
 */
export async function activateLanguage(wanted: string): Promise<string> {
  for (const language of new Set([wanted, ...Object.keys(LANGUAGES)])) {
    const messages = await LANGUAGES[language]?.load().then(
      (module) => module.messages,
      () => undefined,
    )
    if (!messages) continue
    i18n.loadAndActivate({ locale: language, messages })
    return language
  }
  return i18n.locale
}
