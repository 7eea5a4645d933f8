import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Circumstances, Kit } from '../client/kit.ts'
import type { Signal } from '../client/signal.ts'
import type { Clips } from './clips/stocks.ts'
import type { Texts } from './language.ts'
import type { Attempts } from './state/attempt.ts'
import type { Batches } from './state/batch.ts'
import type { Gate } from './state/gate.ts'
import type { Handed } from './state/handed.ts'
import type { InstallOffer } from './state/install-offer.ts'
import type { Navigation } from './state/navigation.ts'
import type { Packs } from './state/packs.ts'
import type { Places } from './state/place.ts'
import type { PreferenceStore } from './state/preferences.ts'
import type { Records } from './state/records.ts'

/** All that screens share; made once, when the kit is open. */
export interface App {
  readonly kit: Kit
  readonly navigation: Navigation
  readonly preferences: PreferenceStore
  readonly texts: Texts
  readonly packs: Packs
  readonly records: Records
  readonly attempts: Attempts
  readonly gate: Gate
  /** Many photos at once: code that only they fetch. */
  batches(): Promise<Batches>
  /** Recorded speech: the same. */
  clips(): Promise<Clips>
  /** What another app shared. */
  readonly handed: Signal<Handed | undefined>
  /** How many photos of a batch wait for their answer, also since before the page was killed. */
  readonly waiting: Signal<number>
  places(): Promise<Places>
  /** Who and where, as far as a person allows that to be kept. */
  circumstances(): Promise<Circumstances>
  readonly installOffer: InstallOffer
  /** Says a line to screen readers without moving the focus. */
  announce(text: string): void
}

export const AppContext = createContext<App | undefined>(undefined)

/** Apart from the app: words are needed also where it could not be opened. */
export const TextsContext = createContext<Texts | undefined>(undefined)

export function useTexts(): Texts {
  const texts = useContext(TextsContext)
  if (!texts) throw new Error('useTexts is for what `startApp` renders')
  return texts
}

export function useApp(): App {
  const app = useContext(AppContext)
  if (!app) throw new Error('useApp is for screens inside the shell')
  return app
}
