import { JikoError } from '../protocol/error.ts'
import { SYNC_SCOPE, SYNC_SCRIPT, SYNC_TAG } from '../protocol/service-worker.ts'

export interface BackgroundSync {
  /** Asks the browser to send once, as soon as it believes itself online, also when no page is open. */
  wanted(): Promise<void>
}

/** Only Chromium has them, and TypeScript's DOM does not know them. */
interface WithBackgroundSync extends ServiceWorkerRegistration {
  sync?: { register(tag: string): Promise<void> }
  periodicSync?: { register(tag: string, options: { minInterval: number }): Promise<void> }
}

export interface BackgroundSyncOptions {
  /** Where the app and its hub are. */
  base: URL
  database: string
  program: string | undefined
  app: string
  /** Changes with the code that sends: an older script makes way for it. */
  version: string
}

const HALF_A_DAY = 12 * 3_600_000

function isActive(registration: ServiceWorkerRegistration): Promise<void> {
  const worker = registration.active ? undefined : (registration.installing ?? registration.waiting)
  if (!worker) return Promise.resolve()
  return new Promise((resolve, reject) =>
    worker.addEventListener('statechange', () => {
      if (worker.state === 'activated') resolve()
      // It could not be installed, or a newer one took its place.
      if (worker.state === 'redundant') reject(new JikoError('sync/no-background', 'what sends unseen did not start'))
    }),
  )
}

/**
 * Sets up what sends when no page is open: a service worker of its own (`sw/sync.ts`), fetched behind everything else. Undefined
 * where the browser has none or does not wake any; the page's own triggers do then.
 */
export async function startBackgroundSync(options: BackgroundSyncOptions): Promise<BackgroundSync | undefined> {
  const { base, database, program, app, version } = options
  if (!('serviceWorker' in navigator) || !('sync' in ServiceWorkerRegistration.prototype)) return undefined
  const script = new URL(SYNC_SCRIPT, base)
  script.search = String(new URLSearchParams({ database, app, version, ...(program !== undefined && { program }) }))
  const registered = await navigator.serviceWorker.register(script, { scope: new URL(SYNC_SCOPE, base).href })
  await isActive(registered)
  const registration = registered as WithBackgroundSync
  // Refused unless the app is installed and used; it only hears earlier what a hub has lost or handed down.
  registration.periodicSync?.register(SYNC_TAG, { minInterval: HALF_A_DAY }).catch(() => undefined)
  return { wanted: async () => registration.sync?.register(SYNC_TAG) }
}
