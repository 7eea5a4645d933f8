export interface KeptFiles {
  /** Absolute URLs of those that this version of the app has. */
  readonly urls: readonly string[]
  /** URLs of the files that are kept, of any version. */
  kept(): Promise<string[]>
  /** Fetches what is not kept yet. @throws when one of them cannot be fetched. */
  fetch(urls: readonly string[]): Promise<void>
  /**
   * At install: where this phone has used any of them, those of this version, whole. A new version of the app is not
   * installed before, else what works today would not open tomorrow without a network.
   */
  fetchUsed(): Promise<void>
  /** At activation: files of other versions. */
  dropOld(): Promise<void>
  /** What is kept, else from the network, and kept from then on; undefined for any other URL. */
  answer(url: string): Promise<Response> | undefined
}

/**
 * Files of the app apart from the precache, which is the same for everybody and all or nothing: which of these a phone
 * keeps depends on what it uses. Names carry a hash or a version, so what is kept is right for ever.
 *
 * @param files paths relative to the scope
 */
export function createKeptFiles(name: string, files: readonly string[], scope: URL, caches: CacheStorage): KeptFiles {
  const urls = files.map((file) => new URL(file, scope).href)
  const kept = async (): Promise<string[]> => (await (await caches.open(name)).keys()).map(({ url }) => url)

  async function fetchMissing(wanted: readonly string[]): Promise<void> {
    const cache = await caches.open(name)
    for (const url of wanted) if (!(await cache.match(url))) await cache.add(url)
  }

  return {
    urls,
    kept,
    fetch: fetchMissing,
    async fetchUsed() {
      if ((await kept()).length > 0) await fetchMissing(urls)
    },
    async dropOld() {
      const cache = await caches.open(name)
      for (const request of await cache.keys()) if (!urls.includes(request.url)) await cache.delete(request)
    },
    answer(url) {
      if (!urls.includes(url)) return undefined
      return (async () => {
        const cache = await caches.open(name)
        const found = await cache.match(url)
        if (found) return found
        const response = await fetch(url)
        if (response.ok) await cache.put(url, response.clone())
        return response
      })()
    },
  }
}
