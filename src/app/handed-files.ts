import { SHARE_CACHE, SHARE_FIELDS } from '../protocol/service-worker.ts'

export interface Takers {
  /** A `.jikopack`. @param now whether somebody has opened it this moment */
  pack(file: Blob, now: boolean): Promise<void>
  /** Photos, sound or text to be asked about. Resolves when that is on its way, or not wanted. */
  media(files: readonly Blob[]): Promise<void>
}

/** What was opened in a file manager or shared by another app, where the app is installed. */
export function takeFiles(takers: Takers): void {
  void takeShared(takers)
  const { launchQueue } = window as { launchQueue?: LaunchQueue }
  launchQueue?.setConsumer(async ({ files = [] }) => {
    for (const handle of files) await takers.pack(await handle.getFile(), true)
  })
}

/** The service worker has put it aside. It goes only once it was looked at: a page may be killed before. */
async function takeShared({ pack, media }: Takers): Promise<void> {
  if (!('caches' in window) || !(await caches.has(SHARE_CACHE))) return
  const shared = await caches.open(SHARE_CACHE)
  const files: Blob[] = []
  for (const key of await shared.keys()) {
    const file = await (await shared.match(key))?.blob()
    if (file && new URL(key.url).pathname.split('/').at(-1)?.startsWith(`${SHARE_FIELDS.pack}-`))
      await pack(file, false)
    else if (file) files.push(file)
  }
  await media(files)
  await caches.delete(SHARE_CACHE)
}

/** Chromium's, in no TypeScript lib. */
interface LaunchQueue {
  setConsumer(consumer: (launched: { files?: FileSystemFileHandle[] }) => void): void
}
