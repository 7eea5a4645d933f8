import type { Workbox } from 'workbox-window'
import { whenCalm } from './calm.ts'
import { createSignal, type Signal } from './signal.ts'

export interface AppUpdate {
  readonly waiting: Signal<boolean>
  apply(): Promise<void>
}

/** Registers the service worker and tells when a new version of the app waits. Without one (plain HTTP, old browser) nothing ever waits. */
export function createAppUpdate(scriptUrl: URL | undefined, reload: () => void): AppUpdate {
  const waiting = createSignal(false)
  if (!scriptUrl || !('serviceWorker' in navigator)) return { waiting, apply: async () => undefined }
  const registered = register(scriptUrl, () => waiting.set(true))
  // This fails offline on the very first visit, and in private windows of some browsers: the app works on without.
  registered.catch((error) => console.warn('jiko: no service worker', error))
  return {
    waiting,
    async apply() {
      const workbox = await registered
      workbox.addEventListener('controlling', reload)
      workbox.messageSkipWaiting()
    },
  }
}

/** What registers is a file of its own: the first screen does not wait for it, and a page that works offline already lets its user go first. */
async function register(scriptUrl: URL, onWaiting: () => void): Promise<Workbox> {
  if (navigator.serviceWorker.controller) await whenCalm()
  const { Workbox } = await import('workbox-window')
  const workbox = new Workbox(scriptUrl.href)
  workbox.addEventListener('waiting', onWaiting)
  await workbox.register({ immediate: true })
  return workbox
}
