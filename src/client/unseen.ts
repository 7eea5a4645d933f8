import { recordId } from '../protocol/log.ts'
import { attachmentsOf } from '../protocol/record.ts'
import type { RecordStore } from '../store/store.ts'

const MOST = 10_000
const PAGE = 50
/** Further back nothing still waits but what was written by somebody else, who has to look themselves. */
const MOST_PAGES = 20

type UnseenStore = Pick<RecordStore, 'get' | 'history' | 'waitingAttachments' | 'attachmentsSeen'>

const waiting = async (store: UnseenStore): Promise<string[]> =>
  (await store.waitingAttachments(MOST, 'unseen')).map(({ sha256 }) => sha256)

/** Somebody has looked at the photos of these records, or of all. @returns whether any may be sent now that might not before */
export async function seen(store: UnseenStore, ids: readonly string[] | undefined): Promise<boolean> {
  // Of one that was erased meanwhile nothing is left to send.
  const records = ids && (await Promise.all(ids.map(store.get)))
  const named = records?.flatMap((record) => (record ? attachmentsOf(record.body) : [])).map(({ sha256 }) => sha256)
  return store.attachmentsSeen(named ?? (await waiting(store)))
}

/** Ids of the records whose photos wait for somebody to look at them, newest first. */
export async function unseen(store: UnseenStore, theirs: { actor?: string } = {}): Promise<string[]> {
  const left = new Set(await waiting(store))
  const ids: string[] = []
  let before: string | undefined
  for (let pages = 0; left.size > 0 && pages < MOST_PAGES; pages++) {
    const page = await store.history({ limit: PAGE, ...theirs, ...(before !== undefined && { before }) })
    for (const { record } of page) {
      before = recordId(record.stream, record.seq)
      const named = attachmentsOf(record.body).filter(({ sha256 }) => left.delete(sha256))
      if (named.length > 0) ids.push(before)
    }
  }
  return ids
}
