import type { PackOffer } from '../../client/kit.ts'
import type { Signal } from '../../client/signal.ts'
import type { Gate } from './gate.ts'
import { isTask } from './packs.ts'

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
  /** Asks a task about them. */
  ask(pack: string, files: readonly Blob[]): void
  offers: Signal<readonly PackOffer[] | undefined>
  /** A locked app answers nobody. */
  closed: Gate['closed']
  /** Whether the page was opened for it: then what only one task takes needs no question. Else whoever is here does something else, and is not to be disturbed. */
  atOnce: boolean
  /** What home asks about. */
  waiting: Signal<Handed | undefined> & { set(handed: Handed | undefined): void }
}

/** The value of a signal, once it is such a one. */
const until = <T, U extends T>({ subscribe }: Signal<T>, is: (value: T) => value is U): Promise<U> =>
  new Promise((resolve) => {
    let stop = (): void => undefined
    stop = subscribe((value) => {
      if (!is(value)) return
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
  offers.filter(isTask(offers)).filter((offer) => offer.state === 'ready' && (offer.takes ?? 'image') === takes)

export function createTake({ ask, offers, closed, atOnce, waiting }: HandedOptions): Take {
  let settle = (): void => undefined

  function done(): void {
    waiting.set(undefined)
    settle()
  }

  function give(pack: string): void {
    const { files = [] } = waiting.value ?? {}
    done()
    ask(pack, files)
  }

  /** The only pack that takes it, where no question is needed. */
  async function onlyTaker(handed: Handed): Promise<string | undefined> {
    if (!atOnce) return undefined
    await until(closed, (door) => door === undefined)
    const list = await until(offers, (known) => known !== undefined)
    const [taker, ...others] = takersOf(handed, list)
    return others.length === 0 ? taker?.name : undefined
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
    const taker = await onlyTaker(handed)
    if (taker !== undefined && waiting.value === handed) give(taker)
    await settled
  }
}
