import { JikoError } from '../protocol/error.ts'
import type { Trigger } from '../sync/schedule.ts'
import { readStatus, type SyncStatus } from '../sync/status.ts'
import type { Kit } from './kit.ts'
import { createSignal } from './signal.ts'
import type { SyncEngine, SyncEngineOptions } from './sync-engine.ts'

export interface StartSyncOptions extends Omit<SyncEngineOptions, 'onError'> {
  onError?: (error: unknown) => void
  /** Fetches what sends. Default: a chunk of its own, which the first screen need not wait for. */
  load?: () => Promise<{ startSyncEngine(options: SyncEngineOptions): Promise<SyncEngine> }>
  /** Calls back when it is worth fetching it; returns how to stop. */
  occasions?: Trigger
}

/** After the page's own files, so that on a slow link they are not held up, and when a network is there again. */
const whenLoadedOrOnline: Trigger = (fire) => {
  if (document.readyState === 'complete') queueMicrotask(fire)
  else window.addEventListener('load', fire, { once: true })
  window.addEventListener('online', fire)
  return () => {
    window.removeEventListener('load', fire)
    window.removeEventListener('online', fire)
  }
}

/**
 * Tells how far everything has got, at once; the part that sends is fetched behind the page. Where it cannot be fetched
 * nothing could be sent either: it is asked for again whenever there is something to send.
 */
export function startSync({
  store,
  onError = console.error,
  load = () => import('./sync-engine.ts'),
  occasions = whenLoadedOrOnline,
  ...rest
}: StartSyncOptions): {
  room: Kit['sync']
  wake(): void
  stop(): void
} {
  const status = createSignal<SyncStatus>({
    local: 0,
    held: 0,
    final: 0,
    blobsWaiting: 0,
    blobsDeferred: 0,
    blobsHeld: 0,
    // Not before the store has said so.
    allSent: false,
    running: false,
  })
  let stopped = false
  let unavailable: Pick<SyncStatus, 'lastError' | 'lastMessage'> = {}
  let engine: SyncEngine | undefined
  let loading: Promise<SyncEngine> | undefined
  const current = (): Promise<SyncStatus> =>
    engine ? engine.sync.status() : readStatus(store, { running: false, ...unavailable })
  const refresh = (): void => {
    current().then((next) => stopped || status.set(next), onError)
  }
  const stops = [store.subscribe(refresh)]
  let engineStops: (() => void)[] = []
  const stopEngine = (): void => {
    for (const stop of engineStops.splice(0)) stop()
  }

  function checkOpen(): void {
    if (stopped) throw new DOMException('the kit was closed', 'AbortError')
  }

  async function startEngine(): Promise<SyncEngine> {
    const { startSyncEngine } = await load().catch((cause) => {
      const message = 'the part of the app that sends could not be fetched; it is tried again'
      throw new JikoError('sync/offline', message, { cause })
    })
    checkOpen()
    const started = await startSyncEngine({ store, onError, ...rest })
    engineStops = [started.sync.subscribe(refresh), started.schedule.stop]
    if (stopped) stopEngine()
    checkOpen()
    engine = started
    refresh()
    return engine
  }

  /** Whatever kept it from starting, the next occasion tries again. */
  function start(): Promise<SyncEngine> {
    loading ??= startEngine().catch((error) => {
      loading = undefined
      if (!stopped) {
        const { code, message } = error instanceof JikoError ? error : new JikoError('sync/failed', String(error))
        unavailable = { lastError: code, lastMessage: message }
        if (code === 'sync/failed') onError(error)
        refresh()
      }
      throw error
    })
    return loading
  }

  /** Starting it is a try to send; one that runs already is woken. */
  function wake(): void {
    if (engine) engine.schedule.wake()
    else start().catch(() => undefined)
  }

  refresh()
  stops.push(occasions(() => engine ?? wake()))
  return {
    room: {
      status,
      async now(options) {
        await start().catch(() => undefined)
        return engine ? engine.sync.now(options) : current()
      },
      async enrol(link, { signal } = {}) {
        const joined = await (await start()).enrol(link, signal)
        if (joined.program !== engine?.program) {
          stopEngine()
          engine = undefined
          loading = undefined
        }
        wake()
        return joined
      },
      exportFile: async () => (await start()).exportFile(),
      enrolment: async () => (await start()).enrolment(),
      token: async ({ signal } = {}) => (await start()).token(signal),
    },
    wake,
    stop() {
      stopped = true
      stopEngine()
      for (const stop of stops) stop()
    },
  }
}
