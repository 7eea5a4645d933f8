import { randomBytes, toBase32 } from '../../src/lib/bytes.ts'
import type { Moment } from '../../src/protocol/record.ts'
import { createMemoryDisk, type MemoryDisk } from '../../src/store/memory-database.ts'
import { openMemoryStore } from '../../src/store/open.ts'
import type { RecordStore } from '../../src/store/store.ts'
import { createMemoryLock } from '../../src/sync/memory-lock.ts'
import { createSync, type Sync } from '../../src/sync/sync.ts'
import { createLink, type Link } from '../unit/sync/link.ts'
import { PROGRAM } from '../unit/sync/world.ts'
import { HUBS } from './events.ts'

export interface PhoneNode {
  disk: MemoryDisk
  store: RecordStore
  /** The same install at each of the hubs. */
  at: Sync[]
  links: Link[]
  /** Steps (requests and writes) until it is killed, and writes until the device is full for once. */
  fuse: number
  quota: number
  metered: boolean
  /** Milliseconds that its clock is ahead. */
  skew: number
  /** As its clock tells it: of this run of the app. */
  moment(): Moment
  backup?: { disk: MemoryDisk; saved: ReadonlySet<string> }
  /** Labels of results that it was told are saved, and has not lost with its storage since. */
  saved: Set<string>
  /** Hashes of chains that were looked at. */
  readonly verified: Set<string>
  /** Labels by place in the log, as seen while their text was here. */
  readonly named: Map<string, string>
  /** It has spoken of the records of others, or was copied: a log that was written twice is not told apart by who hears of it. */
  speaks: boolean
  copied: boolean
  pruned: boolean
}

export interface PhoneWorld {
  now(): number
  /** Milliseconds in which nothing happened. */
  skipped(): number
  reach(index: number, request: Request): Promise<Response>
  note(url: string, init: RequestInit): void
  /** Changes the store, to prove that the checker notices. */
  sabotage?: (store: RecordStore) => RecordStore
}

const ALIVE = Number.POSITIVE_INFINITY

function burn(node: PhoneNode): void {
  if (node.fuse <= 0) throw new Error('this phone was killed')
  node.fuse -= 1
}

/** Before each row that is written. */
export function beforeWrite(node: PhoneNode): void {
  burn(node)
  node.quota -= 1
  if (node.quota === 0) throw new DOMException('no room left', 'QuotaExceededError')
}

async function openStore(node: PhoneNode, { sabotage = (store) => store }: PhoneWorld): Promise<RecordStore> {
  return sabotage(await openMemoryStore(node.disk))
}

function syncAt(index: number, node: PhoneNode, store: RecordStore, link: Link, world: PhoneWorld): Sync {
  return createSync({
    store,
    fetch: (url, init) => {
      burn(node)
      world.note(url, init)
      return link.fetch(url, init)
    },
    hubUrl: `http://hub-${index}.test`,
    program: PROGRAM,
    app: 'sim',
    lock: createMemoryLock(),
    metered: () => node.metered,
    moment: () => node.moment(),
    random: () => 0.5,
    sleep: async (_ms, signal) => signal?.throwIfAborted(),
  })
}

/** The next start of the app. */
export async function startPhone(node: PhoneNode, world: PhoneWorld): Promise<void> {
  Object.assign(node, { fuse: ALIVE, quota: ALIVE, metered: false })
  let looks = 0
  const begun = world.skipped()
  const session = toBase32(randomBytes(5))
  node.moment = () => {
    looks += 1
    return { wall: world.now() + node.skew, mono: 100 * looks + world.skipped() - begun, session, zone: 0 }
  }
  node.store = await openStore(node, world)
  node.links = Array.from({ length: HUBS }, (_, index) => createLink((request) => world.reach(index, request)))
  node.at = node.links.map((link, index) => syncAt(index, node, node.store, link, world))
}

/** Another tab over the same storage, which does not know of the first one's lock. */
export async function openTab(node: PhoneNode, index: number, world: PhoneWorld): Promise<Sync> {
  const link = createLink((request) => world.reach(index, request))
  return syncAt(index, node, await openStore(node, world), link, world)
}

export async function createPhoneNode(
  world: PhoneWorld,
  from: { disk?: MemoryDisk; saved?: ReadonlySet<string>; named?: ReadonlyMap<string, string>; skew?: number } = {},
): Promise<PhoneNode> {
  const node = {
    fuse: ALIVE,
    quota: ALIVE,
    metered: false,
    skew: from.skew ?? 0,
    saved: new Set(from.saved),
    verified: new Set<string>(),
    named: new Map(from.named),
    speaks: false,
    copied: from.disk !== undefined,
    pruned: false,
  } as PhoneNode
  node.disk = from.disk ? from.disk.copy(() => beforeWrite(node)) : createMemoryDisk(() => beforeWrite(node))
  await startPhone(node, world)
  return node
}
