import type { Moment } from '../protocol/record.ts'
import { type FromServiceWorker, SYNC_TAG } from '../protocol/service-worker.ts'
import type { RecordStore } from '../store/store.ts'
import { type Enrolment, enrol, enrolment, fetchToken, PROGRAM } from '../sync/enrol.ts'
import { createWebLock } from '../sync/lock.ts'
import { createMemoryLock } from '../sync/memory-lock.ts'
import { writeRecordBundle } from '../sync/record-bundle.ts'
import { onEvent, type Schedule, startSchedule, type Trigger } from '../sync/schedule.ts'
import { createSync, type Sync } from '../sync/sync.ts'
import { noteLoss } from './canary-places.ts'
import { startMakingRoom } from './make-room.ts'

export interface SyncEngineOptions {
  store: RecordStore
  /** Where the hub is. */
  base: URL
  /** Where records go; the one that was joined, else `default`, when left out. */
  program?: string
  app: string
  moment(): Moment
  /** Told of mistakes of ours; what the network does is in the status. */
  onError: (error: unknown) => void
}

/** Sends what waits whenever it may be worth trying. */
export interface SyncEngine {
  readonly sync: Sync
  readonly schedule: Schedule
  readonly program: string
  /** What is not final yet, as a file to be carried by hand. */
  exportFile(): Promise<File>
  enrol(link: string, signal?: AbortSignal): Promise<Enrolment>
  enrolment(): Promise<Enrolment | undefined>
  token(signal?: AbortSignal): ReturnType<typeof fetchToken>
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

/** Chromium's word on the link; where a browser says nothing it is taken to cost nothing. */
interface WithConnection {
  connection?: { type?: string; saveData?: boolean }
}

function isMetered(): boolean {
  const { type, saveData = false } = (navigator as WithConnection).connection ?? {}
  return saveData || type === 'cellular'
}

export async function startSyncEngine({
  store,
  base,
  app,
  moment,
  onError,
  ...options
}: SyncEngineOptions): Promise<SyncEngine> {
  const program = options.program ?? String((await store.getSetting(PROGRAM)) ?? 'default')
  const hub = { store, fetch: (url: string, init: RequestInit) => fetch(url, init), hubUrl: base.href, program, app }
  // Before anything is sent: the first answer then says that it was heard.
  await noteLoss(store).catch(onError)
  const sync = createSync({
    ...hub,
    moment,
    storage: () => roomOf(navigator.storage),
    metered: isMetered,
    lock: 'locks' in navigator ? createWebLock(navigator.locks) : createMemoryLock(),
  })
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
  const stopMakingRoom = startMakingRoom(store, onError)
  function stop(): void {
    stopMakingRoom()
    schedule.stop()
  }
  return {
    sync,
    schedule: { wake: schedule.wake, stop },
    program,
    async exportFile() {
      const parts: Blob[] = []
      // As Blobs, which a browser may keep on disk: a hundred photos do not fit the memory of a cheap phone.
      for await (const part of writeRecordBundle({ ...hub, moment })) parts.push(new Blob([part]))
      return new File(parts, `records-${new Date().toISOString().slice(0, 10)}.jikorec`)
    },
    enrol: (link, signal) => enrol(link, hub, signal),
    enrolment: () => enrolment(hub),
    token: (signal) => fetchToken(hub, signal),
  }
}
