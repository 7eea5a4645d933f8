import { expose } from 'comlink'
import { createDeferred } from '../lib/deferred.ts'
import type { LinkFacts } from '../packs/cost.ts'
import type { Link } from '../packs/link.ts'
import { memoryLocks, webLocks } from '../packs/locks.ts'
import { createCacheStore } from '../packs/store-cache.ts'
import { PLAN_VERSION } from '../protocol/plan-version.ts'
import { RUNTIME_CACHE, TOKENIZER_CACHE } from '../protocol/service-worker.ts'
import type { WorkerApi, WorkerConfig } from '../protocol/worker.ts'
import { createLazyBackend } from '../runtime/lazy-backend.ts'
import { createOrtWasmBackend } from '../runtime/ort-wasm.ts'
import { cacheUsedRuntime } from './cache-runtime.ts'
import { carryErrors } from './error-transfer.ts'
import { createPackRoom } from './pack-room.ts'
import { createWorkerService } from './service.ts'

const nano = createLazyBackend({ id: `nano ${PLAN_VERSION}`, engine: 'nano' }, async () => {
  const { createNanoBackend } = await import('../runtime/nano/nano.ts')
  return createNanoBackend()
})

/** Only Chromium says anything about the link. */
const link = (): LinkFacts => (navigator as { connection?: LinkFacts }).connection ?? {}

async function start(config: WorkerConfig): Promise<Omit<WorkerApi, 'configure'>> {
  const { trustedKeys: trusted } = config
  const runtime = new URL(config.runtime)
  const wasmPaths = {
    mjs: new URL('ort-wasm-simd-threaded.mjs', runtime).href,
    wasm: new URL('ort-wasm-simd-threaded.wasm', runtime).href,
  }
  const store = createCacheStore({ caches, estimate: () => navigator.storage.estimate() })
  const { openKeeping, createOffers, openBundle, exportBlob } = await import('./keeping.ts')
  const keeping = await openKeeping({ store, link })
  const get: Link['fetch'] = (url, init) => fetch(url, init)
  const packs = await createPackRoom({
    store,
    fetch: get,
    makeRoom: keeping.makeRoom,
    spend: keeping.spend,
    exclusive: 'locks' in navigator ? webLocks(navigator.locks) : memoryLocks(),
    trusted,
    backends: [nano, createOrtWasmBackend({ wasmPaths })],
  })
  const service = createWorkerService({
    packs,
    keeping,
    offers: createOffers({
      store,
      link: { fetch: get, stallMs: 10_000, spend: keeping.count },
      trusted,
      choose: packs.choose,
    }),
    openBundle: (file) => openBundle(file, store),
    exportFile: (name) => exportBlob(store, name),
    receive: async (given, input) => (await import('./receive.ts')).receive(given, input),
    encode: async (pixels) => (await import('./decode-photo.ts')).encodePicture(pixels),
    now: () => performance.now(),
  })
  return {
    ...service,
    async install(...args) {
      const status = await service.install(...args)
      await cacheUsedRuntime(runtime, await caches.open(RUNTIME_CACHE))
      await cacheUsedRuntime(new URL('../tokens/', runtime), await caches.open(TOKENIZER_CACHE))
      return status
    },
  }
}

carryErrors()
const configured = createDeferred<WorkerConfig>()
const ready = configured.promise.then(start)
// Whoever calls hears of it; until then it must not count as unhandled.
ready.catch(() => undefined)
// Exposed at once: a worker's port delivers as soon as this script has run, and what nobody listens to is lost.
expose({
  configure: (config) => configured.resolve(config),
  install: async (...args) => (await ready).install(...args),
  importFile: async (...args) => (await ready).importFile(...args),
  exportFile: async (name) => (await ready).exportFile(name),
  offers: async (indexUrl) => (await ready).offers(indexUrl),
  check: async (...args) => (await ready).check(...args),
  usage: async () => (await ready).usage(),
  setBudget: async (perMonth) => (await ready).setBudget(perMonth),
  makeRoom: async (bytes) => (await ready).makeRoom(bytes),
  evicted: async () => (await ready).evicted(),
  list: async () => (await ready).list(),
  pending: async () => (await ready).pending(),
  open: async (...args) => (await ready).open(...args),
  run: async (...args) => (await ready).run(...args),
  remove: async (name) => (await ready).remove(name),
  cancel: async (job) => (await ready).cancel(job),
} satisfies WorkerApi)
