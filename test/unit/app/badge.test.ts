import { describe, expect, it } from 'vitest'
import { badgeUnsent } from '../../../src/app/badge.ts'
import type { SyncStatus } from '../../../src/client/kit.ts'
import { createSignal } from '../../../src/client/signal.ts'
import { syncStatus } from '../../helpers/sync-status.ts'

const status = (local: number): SyncStatus => syncStatus({ local, held: 7, final: 3, allSent: local === 0 })

describe('the number on the icon', () => {
  it('is of answers that are on this phone only, and goes with the last of them', () => {
    const shown: (number | 'none')[] = []
    const signal = createSignal(status(0))
    const stop = badgeUnsent(signal, {
      setAppBadge: async (count) => void shown.push(count),
      clearAppBadge: async () => void shown.push('none'),
    })
    for (const local of [1, 2, 2, 0]) signal.set(status(local))
    stop()
    signal.set(status(9))
    expect(shown).toEqual(['none', 1, 2, 'none'])
  })

  it('is none where the browser has no such thing, or refuses', async () => {
    const signal = createSignal(status(1))
    badgeUnsent(signal, {})
    badgeUnsent(signal, { setAppBadge: () => Promise.reject(new DOMException('no', 'NotAllowedError')) })
    await new Promise((done) => setTimeout(done))
  })
})
