import type { Moment } from '../protocol/record.ts'
import { type FromServiceWorker, SYNC_TAG } from '../protocol/service-worker.ts'
import type { RecordStore } from '../store/store.ts'
import { createWebLock } from '../sync/lock.ts'
import { createMemoryLock } from '../sync/memory-lock.ts'
import { onEvent, startSchedule, type Trigger } from '../sync/schedule.ts'
import type { SyncStatus } from '../sync/status.ts'
import { createSync } from '../sync/sync.ts'
import type { Kit } from './kit.ts'
import { createSignal } from './signal.ts'

export interface StartSyncOptions {
  store: RecordStore
  /** Where the hub is. */
  base: URL
  program: string
  app: string
  moment(): Moment
  /** Told of mistakes of ours; what the network does is in the status. */
  onError?: (error: unknown) => void
}

/** A registration with Background Sync, which only Chromium has and TypeScript's DOM does not know. */
interface WithBackgroundSync {
  sync?: { register(tag: string): Promise<void> }
}

const onServiceWorkerMessage: Trigger = (fire) => {
  const listener = ({ data }: MessageEvent<FromServiceWorker | undefined>): void => {
    if (data?.type === 'sync-wanted') fire()
  }
  navigator.serviceWorker?.addEventListener('message', listener)
  return () => navigator.serviceWorker?.removeEventListener('message', listener)
}

async function registerBackgroundSync(): Promise<void> {
  const registration = (await navigator.serviceWorker?.getRegistration()) as WithBackgroundSync | undefined
  await registration?.sync?.register(SYNC_TAG)
}

async function roomOf(
  storage: StorageManager | undefined,
): Promise<{ persisted: boolean; usage: number; quota: number } | undefined> {
  if (!storage) return undefined
  const [persisted, { usage = 0, quota = 0 }] = await Promise.all([storage.persisted(), storage.estimate()])
  return { persisted, usage, quota }
}

/** Sends what waits whenever it may be worth trying, and tells how far everything has got. */
export function startSync({ store, base, program, app, moment, onError = console.error }: StartSyncOptions): {
  room: Kit['sync']
  wake(): void
  stop(): void
} {
  const sync = createSync({
    store,
    fetch: (url, init) => fetch(url, init),
    hubUrl: base.href,
    program,
    app,
    moment,
    storage: () => roomOf(navigator.storage),
    lock: 'locks' in navigator ? createWebLock(navigator.locks) : createMemoryLock(),
  })
  const status = createSignal<SyncStatus>({
    local: 0,
    held: 0,
    final: 0,
    blobsWaiting: 0,
    // Not before the store has said so.
    allSent: false,
    running: false,
  })
  let stopped = false
  const refresh = (): void => {
    sync.status().then((next) => stopped || status.set(next), onError)
  }
  const stops = [store.subscribe(refresh), sync.subscribe(refresh)]
  refresh()
  const schedule = startSchedule({
    sync,
    triggers: [
      onEvent(window, 'online'),
      onEvent(document, 'visibilitychange', () => document.visibilityState === 'visible'),
    ],
    wakeUps: [onServiceWorkerMessage],
    register: registerBackgroundSync,
    onError,
  })
  return {
    room: { status, now: () => sync.now() },
    wake: schedule.wake,
    stop() {
      stopped = true
      schedule.stop()
      for (const stop of stops) stop()
    },
  }
}
