import type { PackOffer } from '../../client/kit.ts'
import type { Signal } from '../../client/signal.ts'
import type { Attempts } from './attempt.ts'
import type { Batches } from './batch.ts'
import type { Navigation } from './navigation.ts'

/** What another app shared, and waits for somebody to say which task it is for. */
export interface Handed {
  files: readonly Blob[]
  takes: NonNullable<PackOffer['takes']>
  /** It is for this task. */
  give(pack: string): void
  discard(): void
}

/** Resolves when it is on its way, or thrown away. */
export type Take = (files: readonly Blob[]) => Promise<void>

export interface HandedOptions {
  attempts: Pick<Attempts, 'begin'>
  batches: () => Promise<Pick<Batches, 'add'>>
  navigation: Pick<Navigation, 'go'>
  offers: Signal<readonly PackOffer[] | undefined>
  /** Whether the page was opened for it: then what only one task takes needs no question. Else whoever is here does something else, and is not to be disturbed. */
  atOnce: boolean
  /** What home asks about. */
  waiting: Signal<Handed | undefined> & { set(handed: Handed | undefined): void }
}

/** The value of a signal, once it has one. */
const known = <T>({ subscribe }: Signal<T | undefined>): Promise<T> =>
  new Promise((resolve) => {
    let stop = (): void => undefined
    stop = subscribe((value) => {
      if (value === undefined) return
      resolve(value)
      queueMicrotask(() => stop())
    })
  })

/** By the first of them: a person shares things of one kind. */
function kindOf([file]: readonly Blob[]): Handed['takes'] {
  const [kind] = (file?.type ?? '').split('/')
  return kind === 'image' || kind === 'audio' || kind === 'text' ? kind : 'bytes'
}

/** Those of the packs on this phone that can be asked with it. */
export const takersOf = ({ takes }: Pick<Handed, 'takes'>, offers: readonly PackOffer[]): readonly PackOffer[] =>
  offers.filter((offer) => offer.state === 'ready' && (offer.takes ?? 'image') === takes)

export function createTake({ attempts, batches, navigation, offers, atOnce, waiting }: HandedOptions): Take {
  let settle = (): void => undefined

  function done(): void {
    waiting.set(undefined)
    settle()
  }

  function give(pack: string): void {
    const { files = [] } = waiting.value ?? {}
    const [only] = files
    done()
    if (only && files.length === 1) void attempts.begin(pack, only)
    else if (only)
      void batches().then((made) => {
        navigation.go({ screen: 'batch' })
        return made.add(pack, files)
      })
  }

  return async (files) => {
    if (files.length === 0) return
    // Whatever waited before has been seen, and was not wanted.
    done()
    const handed = { files, takes: kindOf(files), give, discard: done }
    const settled = new Promise<void>((resolve) => {
      settle = resolve
    })
    waiting.set(handed)
    const [taker, ...others] = atOnce ? takersOf(handed, await known(offers)) : []
    if (taker && others.length === 0 && waiting.value === handed) give(taker.name)
    await settled
  }
}
