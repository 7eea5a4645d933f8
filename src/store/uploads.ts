import type { Moment } from '../protocol/record.ts'
import { release, sendable } from './attachments.ts'
import { type Database, RANK, type Tables, type UploadRow } from './database.ts'
import { type RecordStore, UNSEEN_MS } from './store.ts'

type Uploads = Pick<
  RecordStore,
  | 'waitingAttachments'
  | 'attachmentHeld'
  | 'heldAttachments'
  | 'attachmentsFinal'
  | 'attachmentWanted'
  | 'attachmentsSeen'
  | 'attachmentsDue'
>

type Clock = Pick<Moment, 'wall' | 'mono' | 'session'>

/**
 * Whether it has waited long enough. Within one run of the app by the clock that only goes forward: a phone whose clock is
 * set right, from 1970 say, has not waited since. Between two runs by the clock there is, in whichever direction it went.
 */
const isDue = (since: Clock, now: Clock): boolean =>
  (since.session === now.session ? now.mono - since.mono : Math.abs(now.wall - since.wall)) >= UNSEEN_MS

const RANKS = {
  previews: [RANK.preview, RANK.preview],
  all: [RANK.preview, RANK.full],
  unseen: [RANK.unseen, RANK.unseen],
} as const

const unseenRows = (tables: Tables): Promise<UploadRow[]> => tables.uploads(RANK.unseen, RANK.unseen, 10_000)

/** The attachments of a store on their way: from here to a hub, from there to the root. */
export function createUploads(database: Database, changed: () => void): Uploads {
  /** Those of `pick` may be sent from now on. */
  async function letGo(pick: (tables: Tables) => Promise<readonly string[]>): Promise<boolean> {
    const moved = await database.transact('write', async (tables) => {
      let any = false
      for (const sha256 of await pick(tables)) any = (await release(tables, sha256)) || any
      return any
    })
    if (moved) changed()
    return moved
  }

  return {
    async waitingAttachments(limit, which = 'all') {
      const [from, to] = RANKS[which]
      const rows = await database.transact('read', (tables) => tables.uploads(from, to, limit))
      return rows.map(({ sha256, type, size }) => ({ sha256, type, size }))
    },
    async attachmentHeld(sha256) {
      await database.transact('write', async (tables) => {
        const row = await tables.upload(sha256)
        if (row) await tables.putUpload({ ...row, order: [RANK.held, row.order[1], row.order[2]] })
      })
      changed()
    },
    async heldAttachments(limit) {
      const rows = await database.transact('read', (tables) => tables.uploads(RANK.held, RANK.held, limit))
      return rows.map(({ sha256 }) => sha256)
    },
    async attachmentsFinal(sha256s) {
      if (sha256s.length === 0) return
      await database.transact('write', async (tables) => {
        for (const sha256 of sha256s) await tables.deleteUpload(sha256)
      })
      changed()
    },
    async attachmentWanted(sha256, evenFinal = false) {
      const outcome = await database.transact('write', async (tables) => {
        const known = await tables.upload(sha256)
        if (known && known.order[0] !== RANK.held) return 'same'
        if (!known && !evenFinal) return 'absent'
        const row = await tables.attachment(sha256)
        if (!row) return 'absent'
        const { preview = false, order = [RANK.held, 0, 0] } = known ?? {}
        await tables.putUpload(sendable({ sha256, type: row.type, size: row.bytes.byteLength, preview, order }))
        return 'moved'
      })
      if (outcome === 'moved') changed()
      return outcome !== 'absent'
    },
    attachmentsSeen: (sha256s) => letGo(async () => sha256s),
    async attachmentsDue(now) {
      await letGo(async (tables) =>
        (await unseenRows(tables)).filter(({ since }) => !since || isDue(since, now)).map(({ sha256 }) => sha256),
      )
    },
  }
}
