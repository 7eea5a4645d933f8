import { PrecacheController, type PrecacheEntry } from 'workbox-precaching'
import { SHARE_ACTION, type ToServiceWorker } from '../src/protocol/service-worker.ts'
import { createKeptFiles } from './kept-files.ts'
import { createLanguages } from './languages.ts'
import { takeShared } from './share.ts'

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: (PrecacheEntry | string)[] }
/** Scripts that the first answer does not need. */
declare const __LATER_FILES__: readonly string[]
/** Files of `runtime/`, by the cache they are kept in: onnxruntime-web, and scripts that only some packs need. */
declare const __RUNTIME_FILES__: Readonly<Record<string, readonly string[]>>
/** Text files of the languages, each on the wire only when used. */
declare const __LANGUAGE_FILES__: Readonly<Record<string, readonly string[]>>

const scope = new URL(self.registration.scope)
const shell = new PrecacheController()
shell.addToCacheList(self.__WB_MANIFEST)
const openPage = shell.createHandlerBoundToURL('index.html')
const later = createKeptFiles('jiko-later-v1', __LATER_FILES__, scope, caches)
// Fetched with the first pack that needs it, and most phones never do.
const runtimes = Object.entries(__RUNTIME_FILES__).map(([name, files]) => createKeptFiles(name, files, scope, caches))
const apart = [later, ...runtimes, createLanguages(__LANGUAGE_FILES__, scope, caches)]

self.addEventListener('install', (event) => {
  event.waitUntil(Promise.all([shell.install(event), ...apart.map((files) => files.fetchUsed())]))
})

self.addEventListener('activate', (event) => {
  // Claimed at once: a pack fetched during the first visit then finds its runtime cached.
  const claimed = Promise.all([shell.activate(event), ...apart.map((files) => files.dropOld())])
  event.waitUntil(claimed.then(() => self.clients.claim()).then(fetchLater))
})

let fetching: Promise<void> | undefined

/** Behind the first screen; what a cut network leaves out is tried again with every start of the app. */
function fetchLater(): Promise<void> {
  fetching ??= later
    .fetch(later.urls)
    .catch(() => undefined)
    .finally(() => {
      fetching = undefined
    })
  return fetching
}

/**
 * Makes a page, and with it its workers, cross-origin isolated, which threads need. No host has to be set up for it, and no
 * page is loaded twice: one that was opened before this service worker is isolated the next time. Nothing of another origin
 * is shown; what is fetched from one is fetched with CORS, which isolation lets through.
 */
async function isolated(answer: Promise<Response>): Promise<Response> {
  const response = await answer
  // What is no answer of the app has no headers that may be read.
  if (response.type === 'error' || response.type.startsWith('opaque')) return response
  const { status, statusText } = response
  const headers = new Headers(response.headers)
  headers.set('cross-origin-opener-policy', 'same-origin')
  headers.set('cross-origin-embedder-policy', 'require-corp')
  return new Response(response.body, { status, statusText, headers })
}

/** An isolated page starts only workers that are isolated too, wherever their scripts come from. */
const needsIsolation = ({ mode, destination }: Request): boolean => mode === 'navigate' || destination === 'worker'

/**
 * What is not named here goes to the network untouched: pages of a hub in the same scope, its answers under /v1, and
 * /packs, whose chunks the inference worker keeps.
 */
function answer(event: FetchEvent): Promise<Response> | undefined {
  const { request } = event
  const url = new URL(request.url)
  if (!url.href.startsWith(scope.href)) return undefined
  const path = url.pathname.slice(scope.pathname.length)
  if (request.method === 'POST' && path === SHARE_ACTION) return takeShared(request, scope, caches)
  if (request.method !== 'GET') return undefined
  // The app is one page, whatever follows the question mark.
  if (request.mode === 'navigate')
    return path === '' || path === 'index.html' ? openPage({ request, event, url }) : undefined
  const cacheKey = shell.getCacheKeyForURL(url.href)
  if (cacheKey) return shell.strategy.handle({ request, event, params: { cacheKey } })
  // A script asked for under another name is the same script, loaded once more.
  const href = url.href.replace(/\?threads$/, '')
  for (const files of apart) {
    const response = files.answer(href)
    if (response) return response
  }
  return request.destination === 'worker' ? fetch(request) : undefined
}

self.addEventListener('fetch', (event) => {
  const response = answer(event)
  if (response) event.respondWith(needsIsolation(event.request) ? isolated(response) : response)
  if (event.request.mode === 'navigate') event.waitUntil(fetchLater())
})

self.addEventListener('message', (event) => {
  if ((event.data as Partial<ToServiceWorker> | null)?.type === 'SKIP_WAITING') void self.skipWaiting()
})
