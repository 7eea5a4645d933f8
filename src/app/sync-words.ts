import { i18n } from '@lingui/core'
import type { SyncStatus } from '../client/kit.ts'
import type { RecordState } from '../protocol/record.ts'

/** The one line about everything: never "all sent" unless the kit says so, which looks at photos too. */
export function syncSummary(status: SyncStatus): { state: RecordState | 'empty'; text(): string; count: number } {
  const { local, held, final, blobsWaiting, blobsHeld, allSent } = status
  if (local + held + final + blobsWaiting + blobsHeld === 0)
    return { state: 'empty', text: () => i18n.t('sync.empty'), count: 0 }
  if (local > 0) return { state: 'local', text: () => i18n.t('sync.local', { count: local }), count: local }
  if (blobsWaiting > 0)
    return { state: 'local', text: () => i18n.t('sync.photos', { count: blobsWaiting }), count: blobsWaiting }
  if (held + blobsHeld > 0 || !allSent) {
    const count = held + blobsHeld
    return { state: 'held', text: () => i18n.t('sync.held', { count }), count }
  }
  return { state: 'final', text: () => i18n.t('sync.all-sent'), count: 0 }
}

/** How far one record has got. */
export function stateName(state: RecordState): string {
  if (state === 'local') return i18n.t('state.local')
  return state === 'held' ? i18n.t('state.held') : i18n.t('state.final')
}
