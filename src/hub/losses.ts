import { writeAudit } from './access/audit.ts'
import type { AuditEntry, HubStore } from './store/store.ts'

const ACTION = 'storage-lost'
/** Entries of the audit log that are looked through: what was long ago is in the log itself. */
const RECENT = 1000

/** A browser emptied storage of a phone: what was only there is gone, and somebody should look. */
export interface Loss {
  device: string
  at: number
  /** Names of the kinds of storage. */
  what: string
}

/** The phone says it until it is answered; and nobody shall fill the log by saying it all day. */
const AGAIN = 3_600_000

export async function noteLoss(store: HubStore, program: string, { device, at, what }: Loss): Promise<void> {
  const known = (await recentLosses(store, program)).find((loss) => loss.device === device)
  if (known && known.what === what && at - known.at < AGAIN) return
  await writeAudit(store, program, { at, by: device, action: ACTION, about: what })
}

/** Newest first. */
export async function recentLosses(store: HubStore, program: string): Promise<Loss[]> {
  const entries: AuditEntry[] = await store.audit(program, { limit: RECENT })
  return entries.filter(({ action }) => action === ACTION).map(({ by, at, about }) => ({ device: by, at, what: about }))
}
