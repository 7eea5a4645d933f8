import { createHub, type Hub, type HubOptions } from '../../../src/hub/app.ts'
import { createMemoryBlobs } from '../../../src/hub/blob-store/memory.ts'
import { createMemoryStore } from '../../../src/hub/store/memory.ts'
import type { HubStore } from '../../../src/hub/store/store.ts'
import { createSigner, generateKeyPair, type Signer } from '../../../src/protocol/sign.ts'
import { createMemoryDisk, type MemoryDisk } from '../../../src/store/memory-database.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import type { RecordStore } from '../../../src/store/store.ts'
import { createMemoryLock } from '../../../src/sync/memory-lock.ts'
import { createSync, type Sync, type SyncOptions } from '../../../src/sync/sync.ts'
import { createLink, type Link } from './link.ts'

export const PROGRAM = 'default'

export interface TestHub {
  hub: Hub
  store: HubStore
  signer: Signer
  /** Every accepted line that came in, with its id. */
  records(): Promise<{ id: string; line: string }[]>
}

export async function createTestHub({
  signer,
  now = 1_790_000_000_000,
  ...more
}: {
  now?: number
} & Partial<Omit<HubOptions, 'now'>> = {}): Promise<TestHub> {
  const store = more.store ?? createMemoryStore()
  await store.addProgram(PROGRAM, now)
  const own = signer ?? (await createSigner(await generateKeyPair(false)))
  let clock = now
  const hub = createHub({
    blobs: createMemoryBlobs(),
    signer: own,
    version: 'test',
    // Each look at the clock is a second later, so that no rate limit ever bites.
    now() {
      clock += 1000
      return clock
    },
    ...more,
    store,
  })
  return {
    hub,
    store,
    signer: own,
    async records() {
      const lines = await store.records(PROGRAM, { limit: 100_000 })
      return lines.map(({ stream, seq, line }) => ({ id: `${stream}/${seq}`, line }))
    },
  }
}

export interface Phone {
  store: RecordStore
  sync: Sync
  link: Link
  disk: MemoryDisk
}

/** A phone over a disk; made again over the same disk it is the next start of the app. */
export async function createPhone(
  { hub }: { hub: Pick<Hub, 'fetch'> },
  { disk = createMemoryDisk(), ...options }: { disk?: MemoryDisk } & Partial<SyncOptions> = {},
): Promise<Phone> {
  const store = options.store ?? (await openMemoryStore(disk))
  const link = createLink((request) => hub.fetch(request))
  let mono = 0
  const sync = createSync({
    store,
    fetch: link.fetch,
    hubUrl: 'http://hub.test',
    program: PROGRAM,
    app: 'test',
    lock: createMemoryLock(),
    moment() {
      mono += 100
      return { wall: 1_790_000_000_000, mono, session: 'run' }
    },
    random: () => 0.5,
    sleep: async (_ms, signal) => signal?.throwIfAborted(),
    ...options,
  })
  return { store, sync, link, disk }
}
