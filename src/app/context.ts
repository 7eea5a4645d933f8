import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Kit } from '../client/kit.ts'
import type { Texts } from './language.ts'
import type { Attempts } from './state/attempt.ts'
import type { InstallOffer } from './state/install-offer.ts'
import type { Navigation } from './state/navigation.ts'
import type { Packs } from './state/packs.ts'
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
  readonly installOffer: InstallOffer
  /** Says a line to screen readers without moving the focus. */
  announce(text: string): void
}

export const AppContext = createContext<App | undefined>(undefined)

export function useApp(): App {
  const app = useContext(AppContext)
  if (!app) throw new Error('useApp is for screens inside the shell')
  return app
}
