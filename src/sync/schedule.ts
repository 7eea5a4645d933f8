import { backoff } from '../lib/backoff.ts'
import { UNSEEN_MS } from '../store/store.ts'
import { type SyncStatus, toSend } from './status.ts'
import type { Sync } from './sync.ts'

/** Calls `fire` when it may be worth trying now; returns how to stop. */
export type Trigger = (fire: () => void) => () => void

/** `online` on a window, or `visibilitychange` on a document while it is visible. */
export const onEvent =
  (target: EventTarget, type: string, when: () => boolean = () => true): Trigger =>
  (fire) => {
    const listener = (): void => {
      if (when()) fire()
    }
    target.addEventListener(type, listener)
    return () => target.removeEventListener(type, listener)
  }

export interface ScheduleOptions {
  sync: Pick<Sync, 'now'>
  triggers: readonly Trigger[]
  /** Asks for one Background Sync, where the browser has it: what waits is sent also when no page is open. */
  register?: () => Promise<unknown>
  /** Runs `callback` once after `ms`; returns how to prevent it. */
  after?: (ms: number, callback: () => void) => () => void
  random?: () => number
  /** Told of a failure that is a mistake of ours: everything else is in the sync's status. */
  onError?: (error: unknown) => void
}

export interface Schedule {
  /** Something new waits: try now, unless the hub has asked to be left alone. */
  wake(): void
  stop(): void
}

const BASE = 5_000
const CAP = 15 * 60_000

const later = (ms: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, ms)
  return () => clearTimeout(timer)
}

/**
 * Decides when to sync: at the start, on each trigger, after each record (`wake`), and, only while something waits that
 * could not be sent, by a timer that backs off. A phone with nothing to send costs nothing.
 */
export function startSchedule(options: ScheduleOptions): Schedule {
  const { sync, triggers, register } = options
  const { after = later, random = Math.random, onError = () => undefined } = options
  const stopped = new AbortController()
  let cancelTimer = (): void => undefined
  let attempt = 0
  let running = false
  /** Until the timer fires: the hub said `Retry-After`. */
  let resting = false
  let waitedBefore = Number.POSITIVE_INFINITY

  function wake(): void {
    if (resting || stopped.signal.aborted) return
    cancelTimer()
    void run()
  }

  async function run(): Promise<void> {
    // A run in progress is joined all the same: what woke us may be a record that it no longer looks at.
    const first = !running
    running = true
    try {
      const status = await sync.now({ signal: stopped.signal })
      if (first) plan(status)
    } catch (error) {
      if (!stopped.signal.aborted) onError(error)
    } finally {
      if (first) running = false
    }
  }

  function plan(status: SyncStatus): void {
    cancelTimer()
    const { blobsUnseen, retryAfter = 0 } = status
    const waits = toSend(status)
    if (waits < waitedBefore) attempt = 0
    waitedBefore = waits
    // What nobody looks at goes by itself in the end.
    if (waits === 0 && blobsUnseen > 0) cancelTimer = after(UNSEEN_MS, wake)
    if (waits === 0) return
    resting = retryAfter > 0
    cancelTimer = after(Math.max(retryAfter, backoff(attempt, { base: BASE, cap: CAP, random })), () => {
      resting = false
      wake()
    })
    attempt += 1
    // Refused without permission or outside of a page: then the timer and the triggers have to do.
    register?.().catch(() => undefined)
  }

  const stops = triggers.map((trigger) => trigger(wake))
  wake()
  return {
    wake,
    stop() {
      stopped.abort()
      cancelTimer()
      for (const stop of stops) stop()
    },
  }
}
