import { clientsClaim } from 'workbox-core'
import {
  cleanupOutdatedCaches,
  createHandlerBoundToURL,
  type PrecacheEntry,
  precacheAndRoute,
} from 'workbox-precaching'
import { registerRoute } from 'workbox-routing'
import { CacheFirst } from 'workbox-strategies'
import {
  type FromServiceWorker,
  RUNTIME_CACHE,
  SYNC_TAG,
  type ToServiceWorker,
} from '../src/protocol/service-worker.ts'

declare const self: ServiceWorkerGlobalScope & { __WB_MANIFEST: (PrecacheEntry | string)[] }
/** `runtime/ort-<version>/`, the only runtime this build of the app can use. */
declare const __RUNTIME_FOLDER__: string

/** Background Sync is in no TypeScript lib. */
interface SyncEvent extends ExtendableEvent {
  readonly tag: string
}

const scope = new URL(self.registration.scope)

// The first visit is controlled from its first install on: a pack fetched then finds its runtime cached.
clientsClaim()
cleanupOutdatedCaches()
precacheAndRoute(self.__WB_MANIFEST)

// The app is one page; pages of the hub beside it, and anything else in the scope, go to the network untouched.
const isApp = ({ pathname }: URL): boolean => [scope.pathname, `${scope.pathname}index.html`].includes(pathname)
registerRoute(({ request, url }) => request.mode === 'navigate' && isApp(url), createHandlerBoundToURL('index.html'))

// A runtime's folder carries its version: what is cached is right for ever. Nothing is routed for /packs and /v1:
// the worker owns the chunks, and an answer of a hub must come from a hub.
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.startsWith(`${scope.pathname}runtime/`),
  new CacheFirst({ cacheName: RUNTIME_CACHE }),
)

self.addEventListener('activate', (event) => {
  event.waitUntil(dropOtherRuntimes())
})

/** A runtime is 14 MB, and an older one is of no use to this version of the app. */
async function dropOtherRuntimes(): Promise<void> {
  const current = new URL(__RUNTIME_FOLDER__, scope).href
  const cache = await caches.open(RUNTIME_CACHE)
  const old = (await cache.keys()).filter(({ url }) => !url.startsWith(current))
  await Promise.all(old.map((request) => cache.delete(request)))
}

self.addEventListener('message', (event) => {
  if ((event.data as Partial<ToServiceWorker> | null)?.type === 'SKIP_WAITING') void self.skipWaiting()
})

self.addEventListener('sync', (event) => {
  const { tag } = event as SyncEvent
  if (tag === SYNC_TAG) (event as SyncEvent).waitUntil(wakePages())
})

/** The pages hold the log and the Web Lock; with none open, the next start sends. */
async function wakePages(): Promise<void> {
  const message: FromServiceWorker = { type: 'sync-wanted' }
  for (const client of await self.clients.matchAll({ type: 'window', includeUncontrolled: true })) {
    client.postMessage(message)
  }
}
