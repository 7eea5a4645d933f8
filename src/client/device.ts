import type { SyncRequest } from '../protocol/hub.ts'

/** Chromium's word on the link; where a browser says nothing it is taken to cost nothing. */
interface WithConnection {
  connection?: { type?: string; saveData?: boolean }
}

export function isMetered(navigator: object): boolean {
  const { type, saveData = false } = (navigator as WithConnection).connection ?? {}
  return saveData || type === 'cellular'
}

/** What the browser says about room, where it says anything. */
export async function roomOf(storage: StorageManager | undefined): Promise<SyncRequest['storage']> {
  if (!storage) return undefined
  const [persisted, { usage = 0, quota = 0 }] = await Promise.all([storage.persisted(), storage.estimate()])
  return { persisted, usage, quota }
}
