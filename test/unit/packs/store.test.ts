import { expect, it } from 'vitest'
import { createCacheStore } from '../../../src/packs/store-cache.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { CHUNK_CACHE } from '../../../src/protocol/service-worker.ts'
import { createFakeCacheStorage } from '../../helpers/fake-cache-storage.ts'
import { packStoreContract } from '../../helpers/pack-store-contract.ts'

packStoreContract('memory', async (quota) => createMemoryStore(quota === undefined ? {} : { quota }))

packStoreContract('Cache Storage', async (quota) => {
  const caches = createFakeCacheStorage(quota === undefined ? {} : { quota })
  return createCacheStore({ caches, estimate: async () => ({ usage: caches.used, quota: caches.quota }) })
})

it('keeps everything in the one cache that the service worker spares, as complete responses', async () => {
  const caches = createFakeCacheStorage()
  const store = createCacheStore({ caches })
  await store.putChunk('c'.repeat(64), new Uint8Array([1, 2, 3]))
  await store.putManifest('leaf', 'text')
  expect(await caches.keys()).toEqual([CHUNK_CACHE])
  const entries = await (await caches.open(CHUNK_CACHE)).keys()
  expect(entries.map(({ url }) => new URL(url).pathname)).toEqual([
    `/packs/.chunks/${'c'.repeat(64)}`,
    '/packs/.manifests/leaf',
  ])
})

it('says storage/failed when the browser profile is broken, and works again afterwards', async () => {
  const caches = createFakeCacheStorage()
  const store = createCacheStore({ caches })
  caches.broken = true
  await expect(store.getManifest('leaf')).rejects.toMatchObject({ code: 'storage/failed' })
  await expect(store.putManifest('leaf', 'x')).rejects.toMatchObject({ code: 'storage/failed' })
  await expect(store.listChunks()).rejects.toMatchObject({ code: 'storage/failed' })
  caches.broken = false
  await store.putManifest('leaf', 'x')
  expect(await store.getManifest('leaf')).toBe('x')
})

it('still says storage/quota when even the estimate fails', async () => {
  const caches = createFakeCacheStorage({ quota: 2 })
  const store = createCacheStore({ caches, estimate: () => Promise.reject(new Error('no estimate here')) })
  await expect(store.putChunk('d'.repeat(64), new Uint8Array(3))).rejects.toMatchObject({
    code: 'storage/quota',
    detail: { bytes: 3 },
  })
})
