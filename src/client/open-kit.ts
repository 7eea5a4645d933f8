import { randomBytes, toBase32 } from '../lib/bytes.ts'
import { lazily } from '../lib/lazy.ts'
import { createOnce } from '../lib/memo.ts'
import { createComingStore } from '../store/coming-store.ts'
import { openStore } from '../store/open.ts'
import { LOCK_SETTING } from '../store/store.ts'
import { createAppUpdate } from './app-update.ts'
import { createClock } from './clock.ts'
import type { Kit, Opening } from './kit.ts'
import { createPacks } from './packs.ts'
import { createRecords } from './records.ts'
import { createSharedHost } from './shared-host.ts'
import { startWorker } from './start-worker.ts'
import { startSync } from './sync.ts'
import { createTaughtPacks } from './taught-packs.ts'
import { createWorkerHost } from './worker-host.ts'

export interface KitOptions {
  /** Where the app, its packs and its hub are. Default: the page's own folder. */
  base?: string | URL
  /** Programme that records belong to. Default: the one that was joined, else `default`. */
  program?: string
  /** Name of the local database. Default: `jiko`. */
  database?: string
  /** Script of the service worker, relative to `base`; false for none. Default: `sw.js`. */
  serviceWorker?: string | false
  /**
   * Public release keys (base64url) whose packs may run, as `jiko key` prints them. Without one no pack is believed.
   * The app has its own built in.
   */
  trustedKeys?: readonly string[]
  /** Folder of onnxruntime-web's `ort-wasm-simd-threaded.*`, relative to `base`. Default: `runtime/`. Packs for nano need none. */
  runtime?: string | URL
  /** Version of the app, sent along with each sync. */
  app?: string
  /**
   * Starts the inference worker at once, beside the storage: for a page whose first screen shows packs. The name of a pack
   * has it opened, too, where it is here: for one that is likely to be asked next.
   */
  eager?: boolean | string
  /** Starts its workers; `startWorkerAhead()` gives one that has been started already. Default: each is started when it is needed. */
  startWorker?: () => Worker
}

/**
 * Opens the toolkit: storage, the inference worker (started when first needed), the service worker, the sync. Nothing
 * heavy is loaded yet, and no network is needed.
 * @throws JikoError `storage/...` when the local database cannot be opened.
 */
export async function openKit(options?: KitOptions): Promise<Kit> {
  const { kit, opened } = startKit(options)
  await opened
  return kit
}

/**
 * The same kit at once, for a page that has something to show before the database is open: what is asked of it waits.
 * `opened` rejects where `openKit` would; then everything that was asked does too, and nothing goes on.
 */
export function startKit(options: KitOptions = {}): { kit: Kit; opened: Promise<void> } {
  const base = new URL(options.base ?? '.', document.baseURI)
  const name = options.database ?? 'jiko'
  const channel = new BroadcastChannel(name)
  const own = createWorkerHost(options.startWorker ?? startWorker, {
    trustedKeys: options.trustedKeys ?? [],
    runtime: new URL(options.runtime ?? 'runtime/', base).href,
  })
  const tabs = 'locks' in navigator && {
    locks: navigator.locks,
    channel: new BroadcastChannel(`${name}-worker`),
    tab: toBase32(randomBytes(5)),
  }
  const host = tabs ? createSharedHost({ own, ...tabs }) : { ...own, close: own.recycle }
  const { eager } = options
  if (eager) host.warm(eager === true ? undefined : eager)
  const coming = openStore({ name, channel })
  const store = createComingStore(coming)
  const moment = createClock()
  const script = options.serviceWorker ?? 'sw.js'
  const update = createAppUpdate(script === false ? undefined : new URL(script, base), () => location.reload())
  const sync = startSync({
    store,
    base,
    database: name,
    app: options.app ?? 'jiko',
    moment,
    ...(options.program !== undefined && { program: options.program }),
  })

  const people = createOnce(async () => (await import('../store/people.ts')).openPeople(name))

  const settings = { get: store.getSetting, set: store.setSetting }
  const teach = createOnce(async () =>
    (await import('./teach.ts')).createTeach({ host, store, moment, onWritten: sync.wake }),
  )

  const packs = createPacks({
    host,
    base: new URL('packs/', base),
    settings,
    persist: () => navigator.storage?.persist?.(),
    taught: createTaughtPacks(settings, () => store.signer.key),
  })

  const asking = createOnce(() => import('./open-pack.ts'))
  if (typeof eager === 'string') asking().catch(() => undefined)
  function opening(...asked: Parameters<Kit['opening']>): Opening {
    const begun = asking().then(({ openPack }) => {
      const [pack, operation] = asked
      return openPack(pack, { host, store, moment, onWritten: sync.wake }, operation)
    })
    const opened = begun.then((made) => made.opened)
    // Who only asks hears of it by its answer.
    opened.catch(() => undefined)
    return { opened, run: async (...given) => (await begun).run(...given) }
  }

  const kit: Kit = {
    packs,
    open: (...asked) => opening(...asked).opened,
    opening,
    clips: lazily(async () => (await import('./clips.ts')).createClips(host, packs)),
    hideFaces: async (...given) => (await import('./ask-pack.ts')).withoutFaces(host, ...given),
    look: (pack, text, operation) => host.call((api, job) => api.look(job, pack, text), operation),
    teach: lazily(teach),
    listen: async (options) => (await import('./microphone.ts')).listen(options),
    records: createRecords({ store, moment, onWritten: sync.wake }),
    people: lazily(async () => (await people()).people),
    lock: {
      // Asked at every start: the part that knows PINs is not fetched for a no.
      isSet: async () => (await store.getSetting(LOCK_SETTING)) !== undefined,
      set: async (...pins) => (await people()).lock.set(...pins),
      clear: async (pin) => (await people()).lock.clear(pin),
      open: async (pin) => (await people()).lock.open(pin),
    },
    sync: sync.room,
    device: {
      report: () => host.call((api) => api.device()),
      setMemory: (bytes) => host.call((api) => api.setMemory(bytes)),
      measureAgain: () => host.call((api) => api.measureAgain()),
    },
    update,
    async close() {
      sync.stop()
      host.close()
      store.close()
    },
  }
  const opened = coming.then(
    () => undefined,
    (error: unknown) => {
      sync.stop()
      host.close()
      throw error
    },
  )
  return { kit, opened }
}
