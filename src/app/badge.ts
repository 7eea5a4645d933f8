import type { SyncStatus } from '../client/kit.ts'
import type { Signal } from '../client/signal.ts'

/** What an installed app may show on its icon; not every browser has it. */
export interface Badge {
  setAppBadge?(count: number): Promise<void>
  clearAppBadge?(): Promise<void>
}

/** On the icon of the app: how many answers are on this phone only. A browser that does not allow it shows none. */
export function badgeUnsent(status: Signal<SyncStatus>, badge: Badge): () => void {
  let shown: number | undefined
  return status.subscribe(({ local }) => {
    // A phone draws its icons anew for each of these.
    if (local === shown) return
    shown = local
    const showing = local > 0 ? badge.setAppBadge?.(local) : badge.clearAppBadge?.()
    showing?.catch(() => undefined)
  })
}
