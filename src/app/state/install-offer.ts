import { createSignal, type Signal } from '../../client/signal.ts'

/** Chromium's event, in no TypeScript lib. */
interface BeforeInstallPromptEvent extends Event {
  prompt(): Promise<unknown>
}

export interface InstallOffer {
  /** True when the app can be installed and the person has not said no. */
  readonly possible: Signal<boolean>
  /** On an iPhone a page can not ask: the person has to do it, and what is not installed there is deleted after a week without use. */
  readonly byHand: boolean
  accept(): Promise<void>
  dismiss(): void
}

const KEY = 'jiko-install-dismissed'

/** Holds the browser's prompt back until the app is worth keeping: the first saved answer. */
export function createInstallOffer(window: Window, storage: Pick<Storage, 'getItem' | 'setItem'>): InstallOffer {
  let event: BeforeInstallPromptEvent | undefined
  const refused = (): boolean => storage.getItem(KEY) !== null
  // Only Safari on iPhones and iPads has this, false while the app runs in the browser.
  const byHand = (window.navigator as { standalone?: boolean }).standalone === false
  const possible = createSignal(byHand && !refused())
  window.addEventListener('beforeinstallprompt', (prompt) => {
    prompt.preventDefault()
    event = prompt as BeforeInstallPromptEvent
    possible.set(!refused())
  })
  window.addEventListener('appinstalled', () => {
    possible.set(false)
  })
  return {
    possible,
    byHand,
    async accept() {
      possible.set(false)
      await event?.prompt()
    },
    dismiss() {
      possible.set(false)
      try {
        storage.setItem(KEY, '1')
      } catch {
        // Then it is asked again at the next visit.
      }
    },
  }
}
