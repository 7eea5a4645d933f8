import { JikoError } from '../protocol/error.ts'
import type { Trigger } from '../sync/schedule.ts'
import { IDLE, readStatus, type SyncStatus } from '../sync/status.ts'
import { whenCalm } from './calm.ts'
import type { Kit } from './kit.ts'
import { createSignal } from './signal.ts'
import type { SyncEngine, SyncEngineOptions } from './sync-engine.ts'

export interface StartSyncOptions extends Omit<SyncEngineOptions, 'onError'> {
  onError?: (error: unknown) => void
  /** Fetches what sends. Default: a chunk of its own, which the first screen need not wait for. */
  load?: () => Promise<{ startSyncEngine(options: SyncEngineOptions): Promise<SyncEngine> }>
  /** Calls back when it is worth fetching it; returns how to stop. */
  occasions?: Trigger
  /** Resolves when nobody waits for anything. */
  calm?: () => Promise<void>
}

/** Behind the start of the page, which is for whoever opened it, and when a network is there again. */
const whenCalmOrOnline: Trigger = (fire) => {
  let stopped = false
  void whenCalm().then(() => stopped || fire())
  window.addEventListener('online', fire)
  return () => {
    stopped = true
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
  occasions = whenCalmOrOnline,
  calm = whenCalm,
  ...rest
}: StartSyncOptions): {
  room: Kit['sync']
  wake(): void
  stop(): void
} {
  const status = createSignal<SyncStatus>({
    ...IDLE,
    // Not before the store has said so.
    allSent: false,
  })
  let stopped = false
  let unavailable: Pick<SyncStatus, 'lastError' | 'lastMessage'> = {}
  let engine: SyncEngine | undefined
  let loading: Promise<SyncEngine> | undefined
  const current = (): Promise<SyncStatus> =>
    engine ? engine.sync.status() : readStatus(store, { running: false, ...unavailable })
  /** Nothing is read for a status that nobody has looked at. */
  let looked = false
  const refresh = (): void => {
    if (!looked) return
    current().then(
      (next) => stopped || status.set(next),
      (error) => stopped || onError(error),
    )
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
  function begin(): void {
    if (engine) engine.schedule.wake()
    else start().catch(() => undefined)
  }

  /** There is something to send: an answer that was just given is shown first. */
  function wake(): void {
    if (engine) engine.schedule.wake()
    else void calm().then(() => stopped || begin())
  }

  function look(): void {
    if (looked) return
    looked = true
    refresh()
  }

  stops.push(occasions(() => engine ?? begin()))
  return {
    room: {
      status: {
        get value() {
          look()
          return status.value
        },
        subscribe(listener) {
          look()
          return status.subscribe(listener)
        },
      },
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
        begin()
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
