/**
 * Keeps the runtime's files that this worker has loaded. The service worker would do it, but on the very first visit
 * this worker can be older than it; the files come from the HTTP cache then, not over the network again.
 */
export async function cacheUsedRuntime(folder: URL, cache: Cache): Promise<void> {
  const used = performance
    .getEntriesByType('resource')
    .map(({ name }) => name)
    .filter((url) => url.startsWith(folder.href))
  for (const url of new Set(used)) {
    if (!(await cache.match(url))) await cache.add(url)
  }
}
