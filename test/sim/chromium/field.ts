import type { SyncStatus } from '../../../src/sync/status.ts'
import type { CheckedWorld } from '../check.ts'
import type { Gate } from './gate.ts'
import type { HubOnDisk } from './hub.ts'
import type { PhonePage } from './page.ts'
import type { ChromiumPhone } from './phone.ts'

declare const phone: PhonePage

/** What was seen happen, not what was meant to. */
export interface Played {
  rounds: number
  phoneKills: number
  hubKills: number
  records: number
}

/** Browsers, a village hub and the root above it, and what must be remembered to judge them. */
export interface Field extends CheckedWorld {
  phones: ChromiumPhone[]
  hubs: [HubOnDisk, HubOnDisk]
  gate: Gate
  played: Played
  values: number
}

export function nextLabel(field: Field): string {
  field.played.records += 1
  return `record-${field.played.records}`
}

export async function write(
  field: Field,
  node: ChromiumPhone,
  sizes: readonly number[] = [],
  page = node.page,
): Promise<void> {
  await page.evaluate(([label, photos]) => phone.write(label, photos), [nextLabel(field), sizes] as const)
}

export async function sync(field: Field, node: ChromiumPhone, page = node.page): Promise<SyncStatus> {
  const status = await page.evaluate(() => phone.sync())
  // Somebody who runs the new hub has told them its key.
  if (status.lastError !== 'sync/hub-changed') return status
  await page.evaluate((key) => phone.trust(key), field.hubs[1].signer.key)
  return page.evaluate(() => phone.sync())
}
