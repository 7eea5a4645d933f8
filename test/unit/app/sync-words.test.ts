import { i18n } from '@lingui/core'
import { beforeEach, describe, expect, it } from 'vitest'
import { syncSummary } from '../../../src/app/sync-words.ts'
import type { SyncStatus } from '../../../src/client/kit.ts'
import { syncStatus } from '../../helpers/sync-status.ts'

const status = (part: Partial<SyncStatus>): SyncStatus => syncStatus({ allSent: false, ...part })

describe('the one line about sending', () => {
  beforeEach(() => i18n.loadAndActivate({ locale: 'en', messages: {} }))

  it.each([
    [{ allSent: true }, 'empty'],
    [{ local: 2, held: 1, final: 3 }, 'local'],
    [{ held: 1, final: 3 }, 'held'],
    [{ final: 3, allSent: true }, 'final'],
  ] as const)('%o is %s', (part, state) => {
    expect(syncSummary(status(part)).state).toBe(state)
  })

  it('never says that all has arrived while a photo waits, or the kit does not say so', () => {
    expect(syncSummary(status({ final: 3, blobsWaiting: 1 })).state).toBe('local')
    expect(syncSummary(status({ final: 3, allSent: false })).state).toBe('held')
  })
})
