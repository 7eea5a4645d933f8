import { isAbort, sleep as realSleep } from '../lib/abort.ts'
import { JikoError } from '../protocol/error.ts'
import { sendAttachment } from './attachments.ts'
import { createDown } from './down.ts'
import { asMember } from './enrol.ts'
import type { ExchangeDeps } from './exchange.ts'
import type { SyncLock } from './lock.ts'
import { createPace } from './pace.ts'
import { createPersist, type Persist } from './persist.ts'
import { describeTips, pushRecords } from './push.ts'
import { createShared } from './shared.ts'
import { type Outlook, readStatus, type SyncStatus } from './status.ts'
import { createTrust } from './trust.ts'

export interface SyncOptions extends Omit<ExchangeDeps, 'pace' | 'trust'> {
  lock: SyncLock
  /** True while bytes cost money: then full photos wait, until somebody asks for them. */
  metered?: () => boolean
  random?: () => number
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
}

export interface Sync {
  /**
   * Sends what waits, records before photos, and asks the hub how far it has us. Calls during a run join it. Resolves
   * whether it went well or not: `lastError` says why not, and nothing is lost by it.
   * @param options.photos full photos too, whatever they cost.
   * @throws AbortError
   */
  now(options?: { signal?: AbortSignal; photos?: boolean }): Promise<SyncStatus>
  status(): Promise<SyncStatus>
  /** Calls back when a run begins, ends or hears from the hub. How records get on in between, the store tells. */
  subscribe(listener: () => void): () => void
  /** A person confirmed the new key of a hub after `sync/hub-changed`. */
  trustHub(key: string): Promise<void>
}

/** The phone's side of `sync.md`, over whatever `fetch`, store and lock it is given. */
export function createSync({
  lock,
  random = Math.random,
  sleep = realSleep,
  metered = () => false,
  ...options
}: SyncOptions): Sync {
  const { store, moment } = options
  const hubUrl = options.hubUrl.endsWith('/') ? options.hubUrl : `${options.hubUrl}/`
  const trust = createTrust(store, hubUrl, options.program)
  const deps: ExchangeDeps = {
    ...options,
    hubUrl,
    pace: createPace(),
    trust: {
      ...trust,
      async check(answer) {
        await trust.check(answer)
        look({ ...outlook, lastContact: moment().wall })
      },
    },
  }
  const listeners = new Set<() => void>()
  let outlook: Outlook = { running: false }
  let paced: number | undefined
  let photosAsked = false

  function look(next: Outlook): void {
    outlook = next
    for (const listener of listeners) queueMicrotask(listener)
  }

  async function sendAll(signal: AbortSignal): Promise<void> {
    await store.attachmentsDue(moment())
    const persist = createPersist(sleep, random)
    for (;;) {
      const { answer, reached } = await pushRecords(deps, persist, createDown(store), signal)
      // Of what is final only the root can say that it is lost.
      for (const sha256 of answer.blobs) await store.attachmentWanted(sha256, answer.root ?? false)
      // Whether those that were sent are at the root already, the next answer says.
      if (!(await sendPhotos(reached, persist, signal))) return
    }
  }

  /** False when there was nothing to send; true also when there are records again, which go first. */
  async function sendPhotos(reached: string, persist: Persist, signal: AbortSignal): Promise<boolean> {
    const unwanted = new Set<string>()
    let sent = false
    const yields = async (): Promise<boolean> => describeTips(await store.streams()) !== reached
    for (;;) {
      if (await yields()) return true
      const which = photosAsked || !metered() ? 'all' : 'previews'
      const waiting = await store.waitingAttachments(unwanted.size + 1, which)
      const next = waiting.find(({ sha256 }) => !unwanted.has(sha256))
      if (!next) return sent
      const photo = await store.attachment(next.sha256)
      const outcome = photo ? await sendAttachment(next.sha256, photo, yields, deps, persist, signal) : 'unwanted'
      if (outcome === 'interrupted') return true
      if (outcome === 'unwanted') unwanted.add(next.sha256)
      else {
        await store.attachmentHeld(next.sha256)
        sent = true
      }
    }
  }

  const status = (): Promise<SyncStatus> => readStatus(store, outlook, metered())

  /** How much this link takes at once was learnt at a price: it is remembered over restarts. */
  async function recallPace(): Promise<void> {
    if (paced !== undefined) return
    const known = await store.getSetting(`pace ${hubUrl}`)
    deps.pace = createPace(typeof known === 'number' ? known : undefined)
    paced = deps.pace.bytes
  }
  async function keepPace(): Promise<void> {
    if (paced === undefined || deps.pace.bytes === paced) return
    paced = deps.pace.bytes
    // Only a hint: where there is no room to keep it, the next run begins slowly.
    await store.setSetting(`pace ${hubUrl}`, paced).catch(() => undefined)
  }

  const run = createShared(async (signal) => {
    look({ ...outlook, running: true })
    await recallPace()
    try {
      await lock.hold((lost) => {
        const stop = either(signal, lost)
        return asMember(() => sendAll(stop), deps, stop)
      }, signal)
      const { lastContact } = outlook
      look({ running: false, ...(lastContact !== undefined && { lastContact }) })
      return !(await status()).allSent
    } catch (error) {
      look({ ...outlook, running: false })
      look({ ...outlook, ...describe(error, signal) })
      return false
    } finally {
      await keepPace()
    }
  })

  return {
    async now({ signal, photos = false } = {}) {
      if (photos) photosAsked = true
      try {
        await run(signal)
      } finally {
        if (photos) photosAsked = false
      }
      return status()
    },
    status,
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    trustHub: (key) => trust.confirm(key),
  }
}

/** @throws what is not an outcome of a sync: the caller's own abort, or a mistake of ours. */
function describe(error: unknown, signal: AbortSignal): Partial<Outlook> {
  if (isAbort(error) && !signal.aborted) {
    return { lastError: 'sync/elsewhere', lastMessage: 'another tab took over the sending' }
  }
  if (!(error instanceof JikoError)) throw error
  const { retryAfter } = error.detail
  return {
    lastError: error.code,
    lastMessage: error.message,
    ...(typeof retryAfter === 'number' && { retryAfter }),
  }
}

/** `AbortSignal.any`, which phones before Chrome 116 lack. */
function either(a: AbortSignal, b: AbortSignal): AbortSignal {
  const controller = new AbortController()
  for (const signal of [a, b]) {
    if (signal.aborted) controller.abort(signal.reason)
    else signal.addEventListener('abort', () => controller.abort(signal.reason), { once: true })
  }
  return controller.signal
}
