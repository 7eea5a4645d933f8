import { pickLanguage } from '../src/lib/pick-language.ts'

const CACHE = 'jiko-languages-v1'

export interface Languages {
  /** At install: the languages this phone has used, as this version has them; at first, the one it is set to. */
  fetchUsed(): Promise<void>
  /** At activation: texts of other versions. */
  dropOld(): Promise<void>
  /** The answer for one of the language files; undefined for any other URL. */
  answer(url: string): Promise<Response> | undefined
}

/**
 * A phone downloads the texts of one language, not of all. They are kept apart from the precache, which is the same for
 * everybody, yet an install fails without them, so that a new version always opens offline in the language in use.
 *
 * @param files by language, paths relative to the scope
 */
export function createLanguages(files: Readonly<Record<string, string>>, scope: URL, caches: CacheStorage): Languages {
  const urlOf = (language: string): string | undefined => {
    const file = files[language]
    return file && new URL(file, scope).href
  }
  const current = new Set(Object.keys(files).map(urlOf))
  /** Names are `locale-<language>-<hash>.js`, of any version. */
  const languageOf = (url: string): string | undefined => /\/locale-([a-z]+)-/.exec(url)?.[1]

  return {
    async fetchUsed() {
      const cache = await caches.open(CACHE)
      const known = Object.keys(files)
      const used = (await cache.keys()).map(({ url }) => languageOf(url))
      const kept = known.filter((language) => used.includes(language))
      for (const language of kept.length > 0 ? kept : [pickLanguage(navigator.languages, known)]) {
        const url = urlOf(language)
        if (url && !(await cache.match(url))) await cache.add(url)
      }
    },
    async dropOld() {
      const cache = await caches.open(CACHE)
      for (const request of await cache.keys()) if (!current.has(request.url)) await cache.delete(request)
    },
    answer(url) {
      if (!current.has(url)) return undefined
      return (async () => {
        const cache = await caches.open(CACHE)
        const kept = await cache.match(url)
        if (kept) return kept
        const response = await fetch(url)
        if (response.ok) await cache.put(url, response.clone())
        return response
      })()
    },
  }
}
