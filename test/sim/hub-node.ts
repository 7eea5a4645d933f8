import { createHub, type Hub } from '../../src/hub/app.ts'
import type { BlobStore } from '../../src/hub/blob-store/blob-store.ts'
import { createMemoryBlobs, type MemoryBlobs, noBlobs } from '../../src/hub/blob-store/memory.ts'
import { createMemoryStore, emptyState, type MemoryState } from '../../src/hub/store/memory.ts'
import type { HubStore } from '../../src/hub/store/store.ts'
import { createSigner, generateKeyPair, type Signer } from '../../src/protocol/sign.ts'
import { createLink, type Link } from '../unit/sync/link.ts'
import { PROGRAM } from '../unit/sync/world.ts'

export interface HubDisk {
  state: MemoryState
  blobs: MemoryBlobs
}

/** Steps (statements) until something happens to the hub. */
interface Trouble {
  left: number
  how: 'killed' | 'full'
}

export interface HubNode {
  readonly index: number
  readonly signer: Signer
  disk: HubDisk
  hub: Hub
  trouble: Trouble
  backup?: HubDisk
  /** To the root. */
  readonly link: Link
}

/** What changes the wrapping of a store, to prove that the checker notices. */
export type Sabotage = (store: HubStore, index: number) => HubStore

const WRITES = new Set([
  'addProgram',
  'seeDevice',
  'append',
  'restoreLines',
  'addForks',
  'addChanges',
  'erase',
  'addBlob',
  'noteAbove',
  'forgetAbove',
  'noteForkAbove',
  'noteBlobAbove',
  'setSetting',
  'claimSetting',
  'truncate',
  'finish',
  'remove',
])

const ALIVE: Trouble = { left: Number.POSITIVE_INFINITY, how: 'killed' }

export const isDead = ({ trouble }: HubNode): boolean => trouble.how === 'killed' && trouble.left <= 0

/** Each method of a store is a statement: before it the process may die, or the disk be full for once. */
function fragile<T extends HubStore | BlobStore>(node: HubNode, store: T): T {
  return new Proxy(store, {
    get(target, name, receiver) {
      const method = Reflect.get(target, name, receiver)
      if (typeof method !== 'function') return method
      return async (...args: unknown[]) => {
        const { trouble } = node
        if (isDead(node)) throw new Error('this hub was killed')
        if (trouble.how === 'killed' || WRITES.has(String(name))) trouble.left -= 1
        if (trouble.how === 'full' && trouble.left === 0) throw new Error('the disk is full')
        return method.apply(target, args)
      }
    },
  })
}

export interface HubWorld {
  now(): number
  sabotage?: Sabotage
  reach(index: number, request: Request): Promise<Response>
  note(url: string, init: RequestInit): void
}

/** Starts the process anew over what is on its disk. */
export function start(node: HubNode, { now, note, sabotage = (store) => store }: HubWorld): void {
  node.trouble = { ...ALIVE }
  const { state, blobs } = node.disk
  node.hub = createHub({
    store: fragile(node, sabotage(createMemoryStore(state), node.index)),
    blobs: fragile(node, createMemoryBlobs(now, blobs)),
    signer: node.signer,
    version: 'sim',
    now,
    ...(node.index > 0 && {
      upstream: 'http://hub-0.test',
      upstreamLink: {
        fetch: (url: string, init: RequestInit) => {
          note(url, init)
          return node.link.fetch(url, init)
        },
        sleep: async () => undefined,
        random: () => 0.5,
      },
    }),
  })
}

export async function createHubNode(index: number, world: HubWorld): Promise<HubNode> {
  const node: HubNode = {
    index,
    signer: await createSigner(await generateKeyPair(false)),
    disk: { state: emptyState(), blobs: noBlobs() },
    hub: undefined as unknown as Hub,
    trouble: { ...ALIVE },
    link: createLink((request) => world.reach(0, request)),
  }
  await createMemoryStore(node.disk.state).addProgram(PROGRAM, 1)
  start(node, world)
  return node
}

export const copyOf = (disk: HubDisk): HubDisk => structuredClone(disk)
