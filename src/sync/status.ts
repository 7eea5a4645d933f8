import { countRecords, type RecordCounts } from '../store/counts.ts'
import type { RecordStore } from '../store/store.ts'

/** How far everything on this device has got. The first three are counts of records. */
export interface SyncStatus extends RecordCounts {
  /** Attachments not yet whole at any hub. */
  blobsWaiting: number
  /** Of these, full photos that wait for a link where bytes cost nothing, or for somebody to ask. */
  blobsDeferred: number
  /** Of these, those that are not sent before somebody has looked at them: see `Kit.records.seen`. */
  blobsUnseen: number
  /** Attachments that some hub has, and the root is not known to have. */
  blobsHeld: number
  /** True only when the local tip equals the final tip and every attachment is at the root. */
  allSent: boolean
  running: boolean
  /** Milliseconds since 1970, by this device's clock, of the last answer from our hub. */
  lastContact?: number
  /** Why the last try failed, as an error code, and in words for a log. */
  lastError?: string
  lastMessage?: string
  /** Milliseconds that the hub wants to be left alone, from the end of the last try. */
  retryAfter?: number
}

/** Of a device that has nothing, and does nothing. */
export const IDLE: SyncStatus = {
  local: 0,
  held: 0,
  final: 0,
  blobsWaiting: 0,
  blobsDeferred: 0,
  blobsUnseen: 0,
  blobsHeld: 0,
  allSent: true,
  running: false,
}

export type Outlook = Pick<SyncStatus, 'running' | 'lastContact' | 'lastError' | 'lastMessage' | 'retryAfter'>

export async function readStatus(store: RecordStore, outlook: Outlook, metered = false): Promise<SyncStatus> {
  const counts = countRecords(await store.streams())
  const { previews, full, held, unseen } = await store.countAttachments()
  const blobs = {
    blobsWaiting: previews + full + unseen,
    blobsDeferred: metered ? full : 0,
    blobsUnseen: unseen,
    blobsHeld: held,
  }
  const allSent = counts.local + counts.held + blobs.blobsWaiting + held === 0
  return { ...counts, ...blobs, allSent, ...outlook }
}

/** How much there is that could be sent now: nothing that waits for a cheaper link or for somebody to look at it. */
export const toSend = ({
  local,
  blobsWaiting,
  blobsDeferred,
  blobsUnseen,
}: Pick<SyncStatus, 'local' | 'blobsWaiting' | 'blobsDeferred' | 'blobsUnseen'>): number =>
  local + blobsWaiting - blobsDeferred - blobsUnseen
