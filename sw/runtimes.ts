import { RUNTIME_CACHE } from '../src/protocol/service-worker.ts'

export interface Runtimes {
  /** At install: where this phone has used a runtime, that of this version, whole. */
  fetchUsed(): Promise<void>
  /** At activation: files of other versions, each 14 MB of no use any more. */
  dropOld(): Promise<void>
}

/**
 * A runtime is fetched with the first pack that needs it, and most phones never do. Where one is in use, a new version
 * of the app with another runtime is not installed before it has all of it: else the packs that work today would not
 * open tomorrow without a network.
 *
 * @param files paths relative to the scope, versions in their names
 */
export function createRuntimes(files: readonly string[], scope: URL, caches: CacheStorage): Runtimes {
  const current = files.map((file) => new URL(file, scope).href)
  return {
    async fetchUsed() {
      const cache = await caches.open(RUNTIME_CACHE)
      if ((await cache.keys()).length === 0) return
      for (const url of current) if (!(await cache.match(url))) await cache.add(url)
    },
    async dropOld() {
      const cache = await caches.open(RUNTIME_CACHE)
      for (const request of await cache.keys()) if (!current.includes(request.url)) await cache.delete(request)
    },
  }
}
