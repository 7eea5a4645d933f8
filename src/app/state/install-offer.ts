import { createSignal, type Signal } from '../../client/signal.ts'

/** Chromium's event, in no TypeScript lib. */
interface BeforeInstallPromptEvent extends Event {
  prompt(): Promise<unknown>
}

export interface InstallOffer {
  /** True when the system would install the app and the person has not said no. */
  readonly possible: Signal<boolean>
  accept(): Promise<void>
  dismiss(): void
}

const KEY = 'jiko-install-dismissed'

/** Holds the browser's prompt back until the app is worth keeping: the first saved answer. */
export function createInstallOffer(window: Window, storage: Pick<Storage, 'getItem' | 'setItem'>): InstallOffer {
  let event: BeforeInstallPromptEvent | undefined
  const possible = createSignal(false)
  window.addEventListener('beforeinstallprompt', (prompt) => {
    prompt.preventDefault()
    event = prompt as BeforeInstallPromptEvent
    possible.set(storage.getItem(KEY) === null)
  })
  window.addEventListener('appinstalled', () => {
    possible.set(false)
  })
  return {
    possible,
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
