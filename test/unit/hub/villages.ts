import type { Hub } from '../../../src/hub/app.ts'
import type { BlobStore } from '../../../src/hub/blob-store/blob-store.ts'
import { createMemoryBlobs } from '../../../src/hub/blob-store/memory.ts'
import type { Forwarder } from '../../../src/hub/forward/forward.ts'
import { createMemoryStore } from '../../../src/hub/store/memory.ts'
import type { HubStore } from '../../../src/hub/store/store.ts'
import { EMPTY_HASH, nextHash } from '../../../src/protocol/log.ts'
import { parseRecord } from '../../../src/protocol/record.ts'
import type { Signer } from '../../../src/protocol/sign.ts'
import { createMemoryDisk, type MemoryDisk } from '../../../src/store/memory-database.ts'
import { photo, result, resultWith } from '../store/samples.ts'
import { createLink, cutAnswer, type Fault, faults, type Link } from '../sync/link.ts'
import { createPhone, createTestHub, type Phone, PROGRAM } from '../sync/world.ts'

/** One thing that happens. Plain data, so that a failing history shrinks and can be played again. */
export type Event =
  | { type: 'write'; phone: number; photo: boolean }
  /** A phone meets a village hub; faults of the requests in order, by index. */
  | { type: 'sync'; phone: number; village: number; faults: number[] }
  | { type: 'forward'; village: number; faults: number[] }
  | { type: 'clone'; phone: number }
  /** The village gets back a backup in which `kept` of 4 quarters of each stream are there, and no photos. */
  | { type: 'restore'; village: number; kept: number }
  /** The same with the root, of which "final" is no longer true until the villages have told it again. */
  | { type: 'restore-root'; kept: number }

const FAULTS: readonly Fault[] = [
  faults.none,
  faults.refused,
  faults.answerLost,
  faults.thrice,
  faults.portalPage,
  faults.failing,
  faults.tooLarge,
  cutAnswer(60, true),
]
export const FAULT_COUNT = FAULTS.length
const VILLAGES = 2
const MOST_PHONES = 3

interface Village {
  hub: Hub
  store: HubStore
  blobs: BlobStore
  signer: Signer
  forwarder: Forwarder
  link: Link
}

interface Actor {
  disk: MemoryDisk
  /** The same install at each of the villages. */
  at: Phone[]
}

/**
 * Phones that wander between two village hubs below one root. Looks after every event that "final" is true (I1), and at
 * the end, over good links, that all is at the root (I3), once (I2), in chains that verify (I4), and that phones know (I9).
 * @throws Error that says what does not hold.
 */
export async function simulate(events: readonly Event[]): Promise<void> {
  let root = await createTestHub()
  let rootLost = false
  const villages: Village[] = []
  const actors: Actor[] = []
  const saved = new Set<string>()

  async function open(store?: HubStore, signer?: Signer, blobs = createMemoryBlobs()): Promise<Village> {
    const link = createLink((request) => root.hub.fetch(request))
    const made = await createTestHub({
      upstream: 'http://root.test',
      upstreamLink: { fetch: link.fetch, sleep: async () => undefined, random: () => 0.5 },
      blobs,
      ...(store && { store }),
      ...(signer && { signer }),
    })
    const { forwarder } = made.hub
    if (!forwarder) return fail('a village has no forwarder')
    return { ...made, blobs, forwarder, link }
  }
  async function join(disk: MemoryDisk): Promise<void> {
    const at: Phone[] = []
    for (let i = 0; i < VILLAGES; i++) {
      const hub = { fetch: async (request: Request) => (villages[i] as Village).hub.fetch(request) }
      at.push(await createPhone({ hub }, { disk, hubUrl: `http://village-${i}.test` }))
    }
    actors.push({ disk, at })
  }
  const pick = <T>(all: readonly T[], index: number): T => all[index % all.length] as T

  async function happen(event: Event): Promise<void> {
    switch (event.type) {
      case 'write': {
        const label = `record-${saved.size + 1}`
        const file = event.photo ? await photo(saved.size + 1, 2000) : undefined
        const { store } = pick(pick(actors, event.phone).at, 0)
        await store.append(file ? resultWith(file, label) : result(label), file ? [file] : [])
        saved.add(label)
        break
      }
      case 'sync': {
        const phone = pick(pick(actors, event.phone).at, event.village)
        phone.link.next(...event.faults.map((index) => pick(FAULTS, index)))
        await phone.sync.now()
        break
      }
      case 'forward': {
        const { link, forwarder } = pick(villages, event.village)
        link.next(...event.faults.map((index) => pick(FAULTS, index)))
        await forwarder.now()
        break
      }
      case 'clone':
        if (actors.length < MOST_PHONES) await join(pick(actors, event.phone).disk.copy())
        break
      case 'restore': {
        const index = event.village % VILLAGES
        const { store, signer } = pick(villages, index)
        villages[index] = await open(await restore(store, event.kept), signer)
        break
      }
      case 'restore-root':
        root = await createTestHub({ store: await restore(root.store, event.kept), signer: root.signer })
        rootLost = true
        break
    }
    if (!rootLost) for (const actor of actors) await checkFinal(actor, root.store)
  }

  for (let i = 0; i < VILLAGES; i++) villages.push(await open())
  await join(createMemoryDisk())
  await join(createMemoryDisk())
  for (const event of events) await happen(event)

  // A hub that was started again asks at once what the root has.
  for (const [i, { store, blobs, signer }] of villages.entries()) villages[i] = await open(store, signer, blobs)
  // Better days: everybody gets through, several times, since what one sends may be news for its clone.
  for (let round = 0; round < 5; round++) {
    for (const [i, { at }] of actors.entries()) {
      const phone = pick(at, i)
      phone.link.clear()
      await phone.sync.now()
    }
    for (const { forwarder, link } of villages) {
      link.clear()
      await forwarder.now()
    }
  }
  for (const [i, { at }] of actors.entries()) {
    const status = await pick(at, i).sync.now()
    if (!status.allSent) fail(`I9: a phone is never told that all is sent: ${JSON.stringify(status)}`)
  }
  await checkRoot(root.store, saved)
}

function fail(what: string): never {
  throw new Error(what)
}

/** I1: what a phone calls final is on the root's chain. */
async function checkFinal({ at: [phone] }: Actor, root: HubStore): Promise<void> {
  for (const { stream, final } of (await phone?.store.streams()) ?? []) {
    if (final === 0) continue
    const own = await phone?.store.get(`${stream}/${final}`)
    const [there] = await root.positions(PROGRAM, stream, final, final)
    if (own?.hash !== there?.hash) fail(`I1: ${stream}/${final} is final on a phone and not at the root`)
  }
}

/** I2, I3 and I4 at the root. */
async function checkRoot(root: HubStore, saved: ReadonlySet<string>): Promise<void> {
  const counted = new Map<string, Set<string>>()
  for (const { stream, tip, hash } of await root.streams(PROGRAM)) {
    let chained = EMPTY_HASH
    for (const { line } of await root.lines(PROGRAM, stream, 1, tip)) {
      chained = await nextHash(chained, line)
      const body = parseRecord(line)
      if (body.kind !== 'result') continue
      // A moved line says where it was first written: whoever counts, counts by origin.
      const identity: string = JSON.parse(line).origin?.hash ?? chained
      const label = 'label' in body.answer ? body.answer.label : ''
      counted.set(label, (counted.get(label) ?? new Set()).add(identity))
      for (const { sha256 } of body.attachments) {
        if (!(await root.namedBlob(PROGRAM, sha256))?.whole) fail(`I3: the photo of ${label} is not at the root`)
      }
    }
    if (chained !== hash) fail(`I4: the chain of ${stream} at the root does not verify`)
  }
  for (const label of saved) {
    const times = counted.get(label)?.size ?? 0
    if (times !== 1) fail(`${times === 0 ? 'I3' : 'I2'}: ${label} is at the root ${times} times`)
  }
}

/** An older state of a store: the first part of each stream, and what was known then of the hub above. */
async function restore(old: HubStore, quarters: number): Promise<HubStore> {
  const restored = createMemoryStore()
  await restored.addProgram(PROGRAM, 0)
  const upstream = await old.setting(`above ${PROGRAM}`)
  if (upstream !== undefined) await restored.setSetting(`above ${PROGRAM}`, upstream)
  for (const { stream, device, epoch, tip, announced, above } of await old.streams(PROGRAM)) {
    const kept = Math.floor((tip * quarters) / 4)
    const lines = await old.lines(PROGRAM, stream, 1, kept)
    const end = lines.at(-1)
    if (!end || !announced) continue
    const head = await old.provenHead(PROGRAM, stream, 1, kept)
    await restored.seeDevice(PROGRAM, { key: device, app: 'test', at: 0 })
    await restored.append(PROGRAM, {
      stream,
      device,
      epoch,
      after: { seq: 0, hash: EMPTY_HASH },
      lines: lines.map((line) => {
        const body = parseRecord(line.line)
        return { ...line, attachments: body.kind === 'result' ? body.attachments : [] }
      }),
      announced: { seq: end.seq, hash: end.hash, signature: announced.signature },
      proven: head && head.seq <= kept ? [head] : [],
      receivedAt: 1,
    })
    const final = Math.min(above.final, kept)
    await restored.noteAbove(PROGRAM, stream, { held: final, final })
  }
  return restored
}
