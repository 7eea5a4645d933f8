import { createClock } from '../src/client/clock.ts'
import { isMetered, roomOf } from '../src/client/device.ts'
import { SYNC_TAG } from '../src/protocol/service-worker.ts'
import { openStore } from '../src/store/open.ts'
import { PROGRAM } from '../src/sync/enrol.ts'
import { createWebLock } from '../src/sync/lock.ts'
import { toSend } from '../src/sync/status.ts'
import { createSync } from '../src/sync/sync.ts'

/**
 * Sends the log when no page is open: a service worker of its own, beside the app's, so that the first screen does not wait for the
 * code that sends. No page is in its scope; it hears the browser's wake-ups and nothing else.
 */
declare const self: ServiceWorkerGlobalScope

/** Background Sync is in no TypeScript lib. */
interface SyncEvent extends ExtendableEvent {
  readonly tag: string
}

/** Service workers are ended after some five minutes: what arrived until then need not be sent again. */
const LONGEST = 4 * 60_000
/** A browser that believes itself online fires as soon as it is asked, and pages that reach no hub ask again and again. */
const CALM = 5 * 60_000

/** How the page that registered this script opened its store. */
const asked = new URL(self.location.href).searchParams
const database = asked.get('database') ?? 'jiko'
/** The scope is a folder in that of the app. */
const base = new URL('..', self.registration.scope)
let failedAt = Number.NEGATIVE_INFINITY

/** @throws when something is left that could have been sent: then the browser tries again by itself, later and later. */
async function send(): Promise<void> {
  const store = await openStore({ name: database, channel: new BroadcastChannel(database) })
  try {
    const sync = createSync({
      store,
      fetch: (url, init) => fetch(url, init),
      hubUrl: base.href,
      program: asked.get('program') ?? String((await store.getSetting(PROGRAM)) ?? 'default'),
      app: asked.get('app') ?? 'jiko',
      moment: createClock(),
      storage: () => roomOf(navigator.storage),
      metered: () => isMetered(navigator),
      lock: createWebLock(navigator.locks),
    })
    const status = await sync.now({ signal: AbortSignal.timeout(LONGEST) })
    if (toSend(status) === 0) return
    failedAt = performance.now()
    throw new Error(`not everything was sent: ${status.lastError}`)
  } finally {
    store.close()
  }
}

self.addEventListener('sync', (event) => {
  const { tag } = event as SyncEvent
  if (tag !== SYNC_TAG) return
  const isCalm = performance.now() - failedAt > CALM
  ;(event as SyncEvent).waitUntil(isCalm ? send() : Promise.reject(new Error('it was tried a moment ago, in vain')))
})
self.addEventListener('periodicsync', (event) => {
  const { tag } = event as SyncEvent
  if (tag === SYNC_TAG) (event as SyncEvent).waitUntil(send())
})
self.addEventListener('install', () => void self.skipWaiting())
