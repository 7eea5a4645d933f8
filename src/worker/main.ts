import { expose } from 'comlink'
import { createDeferred } from '../lib/deferred.ts'
import { lazily } from '../lib/lazy.ts'
import { createOnce } from '../lib/memo.ts'
import type { LinkFacts } from '../packs/cost.ts'
import type { Link } from '../packs/link.ts'
import { memoryLocks, webLocks } from '../packs/locks.ts'
import { openPartialFile } from '../packs/partial.ts'
import { createCacheStore } from '../packs/store-cache.ts'
import { PLAN_VERSION } from '../protocol/plan-version.ts'
import { PACK_SCRIPTS, runtimeCacheOf } from '../protocol/service-worker.ts'
import type { OnNews, WorkerConfig, WorkerPort } from '../protocol/worker.ts'
import type { Backend } from '../runtime/backend.ts'
import { createLazyBackend } from '../runtime/lazy-backend.ts'
import { memoryLimit } from '../runtime/memory.ts'
import type { KernelNotes } from '../runtime/nano/nano.ts'
import type { OrtOptions } from '../runtime/ort.ts'
import { ORT_THREADS, ORT_WASM, ORT_WEBGPU } from '../runtime/ort-ids.ts'
import type { Gpu } from '../runtime/ort-webgpu.ts'
import { cacheUsed } from './cache-runtime.ts'
import { carryErrors } from './error-transfer.ts'
import type { Keeping } from './keeping.ts'
import { createPackRoom, type PackRoom } from './pack-room.ts'
import { createWorkerService } from './service.ts'

const nanoBackend = (notes: KernelNotes): Backend =>
  createLazyBackend({ id: `nano ${PLAN_VERSION}`, engine: 'nano', steady: true }, async () => {
    const { createNanoBackend } = await import('../runtime/nano/nano.ts')
    return createNanoBackend({ notes })
  })

/** Only Chromium says anything about the link. */
const link = (): LinkFacts => (navigator as { connection?: LinkFacts }).connection ?? {}

const openPrivateFile = async (): Promise<FileSystemSyncAccessHandle> => {
  const root = await navigator.storage.getDirectory()
  return (await root.getFileHandle('jiko-partial-chunk', { create: true })).createSyncAccessHandle()
}

const ORT_SCRIPT = 'ort-wasm-simd-threaded'

/** Milliseconds after an answer in which the device is left to whoever reads it. */
const CALM = 1000

/** More threads than this gain nothing on models of this size. */
const MOST_THREADS = 4

/** onnxruntime-web, whose files are in `config.runtime`, in all its forms, of which none is loaded yet. */
function ortBackends({ runtime, compiled }: WorkerConfig, tell: OnNews): Backend[] {
  const modules: Record<string, WebAssembly.Module> = { ...compiled }
  const optionsFor = (id: string, build: string): OrtOptions => ({
    files: {
      mjs: new URL(`${ORT_SCRIPT}${build}.mjs`, runtime).href,
      wasm: new URL(`${ORT_SCRIPT}${build}.wasm`, runtime).href,
    },
    compiled: modules[id],
    onCompiled(module) {
      modules[id] = module
      tell({ kind: 'compiled', backend: id, module })
    },
  })
  const threads = Math.min(MOST_THREADS, navigator.hardwareConcurrency)
  return [
    createLazyBackend({ id: ORT_WASM, engine: 'onnx', steady: true }, async () => {
      const { createOrtWasmBackend } = await import('../runtime/ort-wasm.ts')
      return createOrtWasmBackend(optionsFor(ORT_WASM, ''))
    }),
    createLazyBackend({ id: ORT_WEBGPU, engine: 'onnx' }, async () => {
      const { createOrtWebgpuBackend } = await import('../runtime/ort-webgpu.ts')
      return createOrtWebgpuBackend((navigator as { gpu?: Gpu }).gpu, optionsFor(ORT_WEBGPU, '.jspi'))
    }),
    // Threads share memory, which browsers give only to a page that is alone in its process.
    ...(crossOriginIsolated && threads > 1
      ? [
          createLazyBackend({ id: ORT_THREADS, engine: 'onnx', steady: true, sharesCores: true }, async () => {
            const { createOrtThreadsBackend } = await import('../runtime/ort-wasm.ts')
            // The very same WebAssembly.
            return createOrtThreadsBackend({ ...optionsFor(ORT_WASM, ''), threads })
          }),
        ]
      : []),
  ]
}

async function start(config: WorkerConfig, tell: OnNews): Promise<Omit<WorkerPort, 'configure'>> {
  const { trustedKeys: trusted } = config
  const runtime = new URL(config.runtime)
  const estimate = (): Promise<StorageEstimate> => navigator.storage.estimate()
  const store = createCacheStore({ caches, estimate })
  const get: Link['fetch'] = (url, init) => fetch(url, init)
  let kept: Keeping | undefined
  const keeping = createOnce(async () => {
    const { openKeeping } = await import('./keeping.ts')
    kept = await openKeeping({ store, link, estimate })
    return kept
  })
  const count = (bytes: number): void => {
    keeping()
      .then((opened) => opened.count(bytes))
      .catch(() => undefined)
  }
  const nano = nanoBackend(store)
  const backends = [nano, ...ortBackends(config, tell)]
  const gpu = (navigator as { gpu?: Gpu }).gpu
  /** Kept with what packs need: what was tried and found faster must be there without a network. */
  async function keepRuntimes(): Promise<void> {
    await cacheUsed(runtime, runtimeCacheOf)
    for (const [folder, cache] of Object.entries(PACK_SCRIPTS))
      await cacheUsed(new URL(`../${folder}/`, runtime), () => cache)
  }
  const exclusive = 'locks' in navigator ? webLocks(navigator.locks) : memoryLocks()
  const room = await createPackRoom({
    store,
    fetch: get,
    openPartial: () => openPartialFile(openPrivateFile),
    makeRoom: async (bytes, forPack) => (await keeping()).makeRoom(bytes, forPack),
    // An install opens the books first. Only a repair may begin before; then its bytes are written down afterwards.
    spend: (bytes, pack) => (kept ? kept.spend(bytes, pack) : count(bytes)),
    link: () => kept?.link() ?? link(),
    exclusive,
    trusted,
    backends,
    code: `${import.meta.url} ${navigator.userAgent}`,
    usualLimit: memoryLimit((navigator as { deviceMemory?: number }).deviceMemory),
    async isFree({ id }) {
      if (id === ORT_WEBGPU && !(await gpu?.requestAdapter())) return false
      const script = new URL(id === ORT_WEBGPU ? `${ORT_SCRIPT}.jspi.wasm` : `${ORT_SCRIPT}.wasm`, runtime).href
      return id === nano.id || (await caches.match(script)) !== undefined || !(await (await keeping()).usage()).metered
    },
  })
  const packs: PackRoom = {
    ...room,
    async measure(...args) {
      const faster = await room.measure(...args)
      await keepRuntimes()
      return faster
    },
  }
  const offers = createOnce(async () => {
    const { createOffers } = await import('./offers.ts')
    const linkOfList = { fetch: get, stallMs: 10_000, spend: count }
    return createOffers({ store, link: linkOfList, facts: link, estimate, trusted, choose: packs.choose })
  })
  const clips = lazily(async () => (await import('./clips.ts')).openClips(store, exclusive))
  const service = createWorkerService({
    packs,
    keeping,
    offers: {
      offers: async (indexUrl) => (await offers()).offers(indexUrl),
      check: async (indexUrl, force) => (await offers()).check(indexUrl, force),
    },
    openBundle: async (file) => (await import('./keeping.ts')).openBundle(file, store),
    exportFile: async (name) => (await import('./keeping.ts')).exportBlob(store, name),
    receive: async (...given) => (await import('./receive.ts')).receive(...given),
    encode: async (pixels) => (await import('./decode-photo.ts')).encodePicture(pixels),
    decodeToKeep: async (photo) => (await import('./decode-photo.ts')).decodeToKeep(photo),
    encodePhoto: async (pixels) => (await import('./decode-photo.ts')).encodePhoto(pixels),
    now: () => performance.now(),
    calm: () => new Promise((done) => setTimeout(done, CALM)),
    clips,
    device: async () => (await import('./device.ts')).reportDevice(packs, store),
    backends,
    onSpent: () => tell({ kind: 'spent' }),
  })
  return {
    ...service,
    async install(...args) {
      const status = await service.install(...args)
      await keepRuntimes()
      return status
    },
    dropClips: (name, language) => clips.drop(name, language),
  }
}

carryErrors()
const configured = createDeferred<[WorkerConfig, OnNews]>()
const ready = configured.promise.then(([config, tell]) => start(config, tell))
// Whoever calls hears of it; until then it must not count as unhandled.
ready.catch(() => undefined)
const configure: WorkerPort['configure'] = (config, onNews = () => undefined) => configured.resolve([config, onNews])
type Method = Exclude<keyof WorkerPort, 'configure'>
// Exposed at once: a worker's port delivers as soon as this script has run, and what nobody listens to is lost.
expose(
  new Proxy({} as WorkerPort, {
    get: (_, method) =>
      method === 'configure'
        ? configure
        : async (...given: never[]) => ((await ready)[method as Method] as (...all: never[]) => unknown)(...given),
  }),
)
