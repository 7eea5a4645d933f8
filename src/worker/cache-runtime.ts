/**
 * Keeps files that this worker has loaded from a folder. The service worker would do it, but on the very first visit
 * this worker can be older than it; the files come from the HTTP cache then, not over the network again.
 */
export async function cacheUsed(folder: URL, cacheOf: (file: string) => string): Promise<void> {
  const used = performance
    .getEntriesByType('resource')
    // Loaded twice under two names it is still one file.
    .map(({ name }) => name.replace(/\?.*$/, ''))
    .filter((url) => url.startsWith(folder.href))
    // A runtime's script is of no use without its WebAssembly, which a worker before this one may have fetched.
    .flatMap((url) => (url.endsWith('.mjs') ? [url, url.replace(/mjs$/, 'wasm')] : url))
  for (const url of new Set(used)) {
    const cache = await caches.open(cacheOf(url))
    if (!(await cache.match(url))) await cache.add(url)
  }
}
