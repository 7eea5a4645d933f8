import { Workbox } from 'workbox-window'
import { createSignal, type Signal } from './signal.ts'

export interface AppUpdate {
  readonly waiting: Signal<boolean>
  apply(): Promise<void>
}

/** Registers the service worker and tells when a new version of the app waits. Without one (plain HTTP, old browser) nothing ever waits. */
export function createAppUpdate(scriptUrl: URL | undefined, reload: () => void): AppUpdate {
  const waiting = createSignal(false)
  if (!scriptUrl || !('serviceWorker' in navigator)) return { waiting, apply: async () => undefined }
  const workbox = new Workbox(scriptUrl.href)
  workbox.addEventListener('waiting', () => waiting.set(true))
  // Registering fails offline on the very first visit, and in private windows of some browsers: the app works on without.
  workbox.register({ immediate: true }).catch((error) => console.warn('jiko: no service worker', error))
  return {
    waiting,
    async apply() {
      workbox.addEventListener('controlling', reload)
      workbox.messageSkipWaiting()
    },
  }
}
