import { pickLanguage } from '../src/lib/pick-language.ts'
import { createKeptFiles, type KeptFiles } from './kept-files.ts'

/** Names are `locale-<language>-<hash>.js` and `texts-<language>-<hash>.js`, of any version. */
const languageOf = (url: string): string | undefined => /\/(?:locale|texts)-([a-z]+)-/.exec(url)?.[1]

/**
 * A phone downloads the texts of one language, not of all: at install those of the languages it has used; at first, of
 * the one it is set to.
 *
 * @param files by language, paths relative to the scope
 */
export function createLanguages(
  files: Readonly<Record<string, readonly string[]>>,
  scope: URL,
  caches: CacheStorage,
): KeptFiles {
  const known = Object.keys(files)
  const texts = createKeptFiles('jiko-languages-v1', Object.values(files).flat(), scope, caches)
  return {
    ...texts,
    async fetchUsed() {
      const used = (await texts.kept()).map(languageOf)
      const kept = known.filter((language) => used.includes(language))
      const wanted = kept.length > 0 ? kept : [pickLanguage(navigator.languages, known)]
      await texts.fetch(texts.urls.filter((url) => wanted.includes(languageOf(url) as string)))
    },
  }
}
