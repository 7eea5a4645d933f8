import type { RecordStore } from './store.ts'

/**
 * A store that is still being opened. What is asked of it waits until it is there, and rejects as the opening does.
 * @throws Error when the `signer` is wanted before that: it is made with the database
 */
export function createComingStore(opening: Promise<RecordStore>): RecordStore {
  let here: RecordStore | undefined
  opening.then(
    (store) => {
      here = store
    },
    () => undefined,
  )

  /** Whoever stopped listening before it was there never hears anything. */
  function subscribe(listener: () => void): () => void {
    let stop = (): void => undefined
    let stopped = false
    opening.then(
      (store) => {
        if (!stopped) stop = store.subscribe(listener)
      },
      () => undefined,
    )
    return () => {
      stopped = true
      stop()
    }
  }

  return new Proxy({} as RecordStore, {
    get(_, name: keyof RecordStore) {
      if (name === 'signer') {
        if (here) return here.signer
        throw new Error('the store is not open yet: wait for anything of it before its signer is used')
      }
      if (name === 'subscribe') return here?.subscribe ?? subscribe
      if (name === 'close') return () => void opening.then((store) => store.close()).catch(() => undefined)
      return async (...given: never[]) => ((await opening)[name] as (...all: never[]) => unknown)(...given)
    },
  })
}
