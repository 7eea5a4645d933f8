import { LANGUAGES } from '../language.ts'

/** What a language is called, and in which language that is said: in itself where the browser can, else in that of the app. */
export function languageName(tag: string, inLanguage: string): { name: string; said: string } {
  const own = LANGUAGES[tag]?.name
  if (own !== undefined) return { name: own, said: tag }
  try {
    const names = new Intl.DisplayNames([tag, inLanguage], { type: 'language' })
    return { name: names.of(tag) ?? tag, said: names.resolvedOptions().locale }
  } catch {
    // A pack may call its languages what it likes.
    return { name: tag, said: inLanguage }
  }
}
