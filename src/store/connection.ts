import { type IDBPDatabase, openDB } from 'idb'
import { JikoError } from '../protocol/error.ts'
import { type JikoSchema, upgrade, VERSION } from './schema.ts'
import { asStorageError } from './storage-error.ts'

type Handle = IDBPDatabase<JikoSchema>

export interface Connection {
  /** Runs `job` on the open database. When the connection turns out to be gone, reopens it and runs `job` once more. */
  use<T>(job: (db: Handle) => Promise<T>): Promise<T>
  close(): void
}

/**
 * How browsers say that a connection is gone: closed in the background (https://webkit.org/b/197050) or the storage
 * process died (https://webkit.org/b/273827).
 */
const GONE = new Set(['InvalidStateError', 'UnknownError'])

/**
 * @param blockedMs how long another tab with an older version may keep us from opening.
 * @param version of the schema; anything but the default is for tests of upgrades.
 */
export function createConnection(name: string, blockedMs = 10_000, version = VERSION): Connection {
  let current: Promise<Handle> | undefined
  let closed = false

  function begin(): Promise<Handle> {
    let timer: ReturnType<typeof setTimeout> | undefined
    let abandoned = false
    let giveUp: (reason: JikoError) => void = () => undefined
    const blocked = new Promise<never>((_, reject) => {
      giveUp = reject
    })
    const request = openDB<JikoSchema>(name, version, {
      upgrade: (db, from, to, tx) => upgrade(db, from, to ?? version, tx),
      blocked: () => {
        timer = setTimeout(() => {
          abandoned = true
          giveUp(new JikoError('storage/blocked', 'Another tab has an older version of this app open: close it.'))
        }, blockedMs)
      },
      // Another tab upgrades or deletes: give way at once, or it waits for ever. Our next use finds out which it was.
      blocking: () => {
        forget()
        void request.then((db) => db.close())
      },
      terminated: () => forget(),
    })
    request.then(
      (db) => (abandoned || closed) && db.close(),
      () => undefined,
    )
    const opening = Promise.race([request, blocked]).finally(() => clearTimeout(timer))
    const forget = (): void => {
      if (current === opening) current = undefined
    }
    opening.catch(forget)
    return opening
  }

  async function attempt<T>(job: (db: Handle) => Promise<T>, last: boolean): Promise<T> {
    if (closed) throw new JikoError('storage/closed', 'The store was closed: open it again.')
    current ??= begin()
    const mine = current
    const db = await mine
    try {
      return await job(db)
    } catch (error) {
      const gone = error instanceof DOMException && (GONE.has(error.name) || current !== mine)
      if (!gone || last) throw error
      if (current === mine) current = undefined
      db.close()
      return attempt(job, true)
    }
  }

  return {
    async use(job) {
      try {
        return await attempt(job, false)
      } catch (error) {
        throw asStorageError(error)
      }
    },
    close() {
      closed = true
      void current?.then(
        (db) => db.close(),
        () => undefined,
      )
      current = undefined
    },
  }
}
