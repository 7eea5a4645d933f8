import type { PackOffer } from '../../client/kit.ts'

/** What the app knew when it was last open: enough to draw the first screen before anything has been read. */
export interface LastTime {
  /** Packs as they were last listed; undefined when that was another build of the app, whose list may have another shape. */
  offers(): readonly PackOffer[] | undefined
  keepOffers(offers: readonly PackOffer[]): void
  /** The pack that was asked last, when getting it ready costs little. */
  pack(): string | undefined
  keepPack(name: string | undefined): void
  /** Home as it was, where anybody may see it: undefined where a PIN has to be asked for first. */
  home(): { answers: boolean } | undefined
  keepHome(home: { answers: boolean } | undefined): void
  /** There is an answer now. */
  keepAnswers(): void
}

const OFFERS = 'jiko-packs'
const PACK = 'jiko-pack'
const HOME = 'jiko-home'
const ANSWERS = 'answers'

/** @param build names the build of the app: its scripts' address, which changes with every byte of them */
export function createLastTime(storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>, build: string): LastTime {
  let written = storage.getItem(OFFERS)
  function write(key: string, value: string | undefined): void {
    try {
      if (value === undefined) storage.removeItem(key)
      else storage.setItem(key, value)
    } catch {
      // A full or forbidden storage: then the next start waits for the list.
    }
  }
  return {
    offers() {
      try {
        const [from, offers] = JSON.parse(written ?? '[]') as [string?, PackOffer[]?]
        return from === build ? offers : undefined
      } catch {
        return undefined
      }
    },
    keepOffers(offers) {
      const text = JSON.stringify([build, offers])
      if (text !== written) write(OFFERS, text)
      written = text
    },
    pack: () => storage.getItem(PACK) ?? undefined,
    keepPack: (name) => write(PACK, name),
    home() {
      const home = storage.getItem(HOME)
      return home === null ? undefined : { answers: home === ANSWERS }
    },
    keepHome: (home) => write(HOME, home && (home.answers ? ANSWERS : 'none')),
    keepAnswers() {
      // Another tab may have set a PIN since: what is gone stays gone.
      if (storage.getItem(HOME) !== null) write(HOME, ANSWERS)
    },
  }
}
