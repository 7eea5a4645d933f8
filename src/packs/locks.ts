import { raceAbort } from '../lib/abort.ts'
import { createSerial } from '../lib/serial.ts'

/** Runs one piece of work at a time under a name, over all tabs of an origin; waits for its turn or for the signal. */
export type RunExclusive = <T>(name: string, work: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** The part of `navigator.locks` that is used. */
export interface WebLocks {
  request(name: string, options: { signal?: AbortSignal }, work: () => Promise<void>): Promise<unknown>
}

/** Over all tabs and workers. The browser lets go of the lock when a tab dies. */
export const webLocks =
  (locks: WebLocks): RunExclusive =>
  async <T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> => {
    let result: { value: T } | undefined
    await locks.request(name, signal ? { signal } : {}, async () => {
      result = { value: await work() }
    })
    // The lock resolves only after the work did, so the result is there.
    return (result as { value: T }).value
  }

/** Within this process only: Node, tests, and browsers without Web Locks. */
export function memoryLocks(): RunExclusive {
  const queues = new Map<string, ReturnType<typeof createSerial>>()
  return async (name, work, signal) => {
    const queue = queues.get(name) ?? createSerial()
    queues.set(name, queue)
    let free: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      free = resolve
    })
    const turn = new Promise<void>((resolve) => {
      void queue(() => {
        resolve()
        return held
      })
    })
    try {
      await raceAbort(turn, signal)
      return await work()
    } finally {
      free()
    }
  }
}

/** Whatever changes which packs are here holds this lock: installs, removals and collecting never see half of each other. */
export const PACKS_LOCK = 'jiko-packs'
