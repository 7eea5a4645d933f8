import { SHARE_CACHE } from '../protocol/service-worker.ts'

/** A `.jikopack` that was opened in a file manager or shared by another app, where the app is installed. */
export function takeFiles(take: (file: Blob) => Promise<void>): void {
  void takeShared(take)
  const { launchQueue } = window as { launchQueue?: LaunchQueue }
  launchQueue?.setConsumer(async ({ files = [] }) => {
    for (const handle of files) await take(await handle.getFile())
  })
}

/** The service worker has put it aside. It goes only once it was looked at: a page may be killed before. */
async function takeShared(take: (file: Blob) => Promise<void>): Promise<void> {
  if (!('caches' in window) || !(await caches.has(SHARE_CACHE))) return
  const shared = await caches.open(SHARE_CACHE)
  for (const key of await shared.keys()) {
    const file = await (await shared.match(key))?.blob()
    if (file) await take(file)
  }
  await caches.delete(SHARE_CACHE)
}

/** Chromium's, in no TypeScript lib. */
interface LaunchQueue {
  setConsumer(consumer: (launched: { files?: FileSystemFileHandle[] }) => void): void
}
