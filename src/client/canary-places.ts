import { type CanaryPlace, checkCanaries } from '../store/canaries.ts'
import type { RecordStore } from '../store/store.ts'
import { LOST } from '../sync/down.ts'

const NAME = 'jiko-canary'

function places(store: RecordStore): CanaryPlace[] {
  const indexedDb: CanaryPlace = {
    name: 'IndexedDB',
    read: async () => (await store.getSetting(NAME)) as string | undefined,
    write: (id) => store.setSetting(NAME, id),
  }
  const cacheStorage: CanaryPlace = {
    name: 'Cache Storage',
    read: async () => (await (await caches.open(NAME)).match(NAME))?.text(),
    write: async (id) => (await caches.open(NAME)).put(NAME, new Response(id)),
  }
  const localStorage: CanaryPlace = {
    name: 'localStorage',
    read: async () => window.localStorage.getItem(NAME) ?? undefined,
    write: async (id) => window.localStorage.setItem(NAME, id),
  }
  return [indexedDb, cacheStorage, localStorage]
}

/** Looks whether the browser has emptied one of its storages, and notes it until a hub was told. */
export async function noteLoss(store: RecordStore): Promise<void> {
  const lost = await checkCanaries(places(store))
  if (lost.length === 0) return
  const noted = await store.getSetting(LOST)
  await store.setSetting(LOST, [...new Set([...(Array.isArray(noted) ? noted.map(String) : []), ...lost])])
}
