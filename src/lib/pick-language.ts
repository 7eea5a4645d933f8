/** The first of the wanted BCP 47 languages that is known, by its base language; else English. */
export function pickLanguage(wanted: readonly string[], known: readonly string[]): string {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split('-')[0]
    const found = known.find((language) => language === base)
    if (found) return found
  }
  return 'en'
}
