import type { HubStore } from '../../src/hub/store/store.ts'
import type { Change } from '../../src/store/corrected.ts'
import { corrected } from '../../src/store/corrected.ts'
import { type RecordStore, UNSEEN_MS } from '../../src/store/store.ts'
import type { SyncStatus } from '../../src/sync/status.ts'
import { HUBS } from './events.ts'
import { createHubNode, type HubNode, isDead } from './hub-node.ts'
import { createPhoneNode, type PhoneNode } from './phone-node.ts'

/** What breaks the code on purpose, at its seams: the proof that the checker can fail. */
export interface Sabotage {
  hubStore?: (store: HubStore, index: number) => HubStore
  phoneStore?: (store: RecordStore) => RecordStore
  merge?: (changes: readonly Change[]) => ReturnType<typeof corrected>
  status?: (status: SyncStatus) => SyncStatus
  /** The smallest request that gets through a `drip`: more than it should take. */
  window?: number
}

export interface Sent {
  url: string
  method: string
  headers: Record<string, string>
  body: Uint8Array<ArrayBuffer>
}

export interface World {
  clock: number
  /** Milliseconds of `clock` in which nothing happened at all. */
  skipped: number
  hubs: HubNode[]
  phones: PhoneNode[]
  readonly sabotage: Sabotage
  readonly merge: (changes: readonly Change[]) => ReturnType<typeof corrected>
  now(): number
  reach(index: number, request: Request): Promise<Response>
  /** Keeps a request that was sent, to be replayed. */
  note(url: string, init: RequestInit): void
  readonly requests: Sent[]
  /** Every `stream/seq/H` and every photo that was ever durable at the root. */
  readonly atRoot: Set<string>
  readonly photosAtRoot: Set<string>
  /** How much of each of the root's streams was looked at. */
  readonly looked: Map<string, number>
  /** Labels that may be missing at the end, and why: somebody said so, or nobody has them any more. */
  readonly excused: Map<string, string>
  /** Photos that nobody has looked at, and when each was written. */
  readonly unseen: Map<string, number>
  /** Those of them that were sent all the same, or asked about. */
  readonly leaked: string[]
  results: number
  values: number
}

const MOST_REQUESTS = 40

export async function createWorld(sabotage: Sabotage = {}): Promise<World> {
  const world: World = {
    clock: 1_790_000_000_000,
    skipped: 0,
    hubs: [],
    phones: [],
    sabotage,
    merge: sabotage.merge ?? corrected,
    // Each look at the clock is a second later, so that no rate limit ever bites.
    now() {
      world.clock += 1000
      return world.clock
    },
    async reach(index, request) {
      const node = world.hubs[index]
      if (!node) throw new TypeError('no such hub')
      const photo = /sha256-([0-9a-f]{64})/.exec(request.url)?.[1] ?? ''
      const since = world.unseen.get(photo)
      if (since !== undefined && world.clock - since < UNSEEN_MS) world.leaked.push(photo)
      const response = await node.hub.fetch(request)
      if (isDead(node)) throw new TypeError('fetch failed')
      return response
    },
    note(url, { method = 'GET', headers, body }) {
      if (!body) return
      world.requests.push({ url, method, headers: headers as Record<string, string>, body: body as Sent['body'] })
      if (world.requests.length > MOST_REQUESTS) world.requests.shift()
    },
    requests: [],
    atRoot: new Set(),
    photosAtRoot: new Set(),
    looked: new Map(),
    excused: new Map(),
    unseen: new Map(),
    leaked: [],
    results: 0,
    values: 0,
  }
  for (let index = 0; index < HUBS; index++) world.hubs.push(await createHubNode(index, hubWorld(world)))
  for (let i = 0; i < 2; i++) world.phones.push(await createPhoneNode(phoneWorld(world)))
  return world
}

export const hubWorld = ({ now, reach, note, sabotage }: World) => ({
  now,
  reach,
  note,
  ...(sabotage.hubStore && { sabotage: sabotage.hubStore }),
})

export const phoneWorld = (world: World) => {
  const { now, reach, note, sabotage } = world
  return {
    now,
    skipped: () => world.skipped,
    reach,
    note,
    ...(sabotage.phoneStore && { sabotage: sabotage.phoneStore }),
  }
}
