import { type ReadonlySignal, signal } from '@preact/signals'

/** Chromium's event, in no TypeScript lib. */
interface BeforeInstallPromptEvent extends Event {
  prompt(): Promise<unknown>
}

export interface InstallOffer {
  /** True when the system would install the app and the person has not said no. */
  readonly possible: ReadonlySignal<boolean>
  accept(): Promise<void>
  dismiss(): void
}

const KEY = 'jiko-install-dismissed'

/** Holds the browser's prompt back until the app is worth keeping: the first saved answer. */
export function createInstallOffer(window: Window, storage: Pick<Storage, 'getItem' | 'setItem'>): InstallOffer {
  const event = signal<BeforeInstallPromptEvent | undefined>(undefined)
  const possible = signal(false)
  window.addEventListener('beforeinstallprompt', (prompt) => {
    prompt.preventDefault()
    event.value = prompt as BeforeInstallPromptEvent
    possible.value = storage.getItem(KEY) === null
  })
  window.addEventListener('appinstalled', () => {
    possible.value = false
  })
  return {
    possible,
    async accept() {
      possible.value = false
      await event.value?.prompt()
    },
    dismiss() {
      possible.value = false
      try {
        storage.setItem(KEY, '1')
      } catch {
        // Then it is asked again at the next visit.
      }
    },
  }
}
