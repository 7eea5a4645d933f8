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
  sw: { name: 'Kiswahili', direction: 'ltr', load: () => import('./locales/sw/messages.po') },
}

export const directionOf = (language: string): 'ltr' | 'rtl' => LANGUAGES[language]?.direction ?? 'ltr'

/** Makes `i18n` speak a language. @throws when its texts cannot be read, e.g. offline and not cached yet. */
export async function activateLanguage(language: string): Promise<void> {
  const found = LANGUAGES[language] ?? LANGUAGES.en
  if (!found) return
  const { messages } = await found.load()
  i18n.loadAndActivate({ locale: language, messages })
}
