import type { Moment } from '../protocol/record.ts'
import type { RecordStore } from '../store/store.ts'
import { type Enrolment, enrol, enrolment, fetchToken, PROGRAM } from '../sync/enrol.ts'
import { createWebLock } from '../sync/lock.ts'
import { createMemoryLock } from '../sync/memory-lock.ts'
import { writeRecordBundle } from '../sync/record-bundle.ts'
import { onEvent, type Schedule, startSchedule } from '../sync/schedule.ts'
import { createSync, type Sync } from '../sync/sync.ts'
import { startBackgroundSync } from './background-sync.ts'
import { noteLoss } from './canary-places.ts'
import { isMetered, roomOf } from './device.ts'
import { startMakingRoom } from './make-room.ts'

export interface SyncEngineOptions {
  store: RecordStore
  /** Where the hub is. */
  base: URL
  /** Name of the store's database. */
  database: string
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

export async function startSyncEngine({
  store,
  base,
  database,
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
    metered: () => isMetered(navigator),
    lock: 'locks' in navigator ? createWebLock(navigator.locks) : createMemoryLock(),
  })
  // Where its script cannot be fetched, the next start tries again.
  const background = startBackgroundSync({
    base,
    database,
    program: options.program,
    app,
    // The name carries a hash of all that it is made of, which is what the service worker sends with too.
    version: import.meta.url,
  }).catch(() => undefined)
  const schedule = startSchedule({
    sync,
    triggers: [
      onEvent(window, 'online'),
      onEvent(document, 'visibilitychange', () => document.visibilityState === 'visible'),
    ],
    register: async () => (await background)?.wanted(),
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
