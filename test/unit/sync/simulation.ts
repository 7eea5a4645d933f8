import { utf8 } from '../../../src/lib/bytes.ts'
import { sha256 } from '../../../src/lib/sha256.ts'
import { EMPTY_HASH, nextHash, nextHashOf } from '../../../src/protocol/log.ts'
import { parseRecord } from '../../../src/protocol/record.ts'
import { createMemoryDisk, type MemoryDisk } from '../../../src/store/memory-database.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import type { RecordStore } from '../../../src/store/store.ts'
import { correction, photo, result, resultWith } from '../store/samples.ts'
import { cutAnswer, cutRequest, type Fault, faults } from './link.ts'
import { createPhone, createTestHub, type Phone, PROGRAM, type TestHub } from './world.ts'

/** One thing that happens. Plain data, so that a failing history shrinks and can be played again. */
export type Event =
  | { type: 'write'; phone: number; photo: boolean; fuse?: number }
  | { type: 'correct'; phone: number }
  /** Faults of the requests in order, by index into `FAULTS`; beyond them the link is good. `fuse`: killed at that step. */
  | { type: 'sync'; phone: number; faults: number[]; fuse?: number }
  | { type: 'together' }
  | { type: 'clone'; phone: number }
  | { type: 'wipe'; phone: number }
  /** The hub gets back a backup in which `kept` of 4 quarters of each stream are there. */
  | { type: 'restore-hub'; kept: number }

type Hubs = { current: TestHub }

const FAULTS: readonly ((hubs: Hubs, write: () => Promise<void>) => Fault)[] = [
  () => faults.none,
  () => faults.refused,
  () => faults.answerLost,
  () => faults.thrice,
  () => faults.portalPage,
  () => faults.portalNoContent,
  () => faults.failing,
  () => faults.unavailable,
  () => faults.tooLarge,
  () => cutAnswer(60, true),
  () => cutAnswer(60, false),
  (hubs) => cutRequest(700, (request) => hubs.current.hub.fetch(request)),
  // No fault, but a record is saved while the request is under way.
  (_, write) => async (forward) => {
    await write()
    return forward()
  },
  (_, write) => async (forward) => {
    const answer = await forward()
    await write()
    return answer
  },
]
export const FAULT_COUNT = FAULTS.length

interface Actor {
  phone: Phone
  disk: MemoryDisk
  /** Steps (requests and writes) until it is killed. */
  fuse: { left: number }
  /** Records that were reported saved and have not been wiped since. */
  saved: Set<string>
  /** Hashes of chains that were looked at: nothing rewrites a line. */
  verified: Set<string>
}

const MOST_PHONES = 4
const ALIVE = Number.POSITIVE_INFINITY

/**
 * Plays a history of phones and a hub, then lets everybody sync over good links, and looks whether the invariants of
 * sync.md hold: nothing saved is lost (I3), nothing counted twice (I2), chains verify (I4), "final" and "all sent" are
 * true (I1, I9), nothing un-final leaves a phone (I8).
 * @throws Error that says which does not.
 */
export async function simulate(events: readonly Event[]): Promise<void> {
  const hubs: Hubs = { current: await createTestHub() }
  const hub = { hub: { fetch: (request: Request) => hubs.current.hub.fetch(request) } }
  const actors: Actor[] = []
  let records = 0

  async function start(disk: MemoryDisk, fuse: Actor['fuse']): Promise<Phone> {
    const phone = await createPhone(hub, { disk, store: await openMemoryStore(disk) })
    phone.link.weather = () => {
      burn(fuse)
      return undefined
    }
    return phone
  }
  async function add(make: (beforeWrite: () => void) => MemoryDisk, saved: Iterable<string>): Promise<void> {
    const fuse = { left: ALIVE }
    const disk = make(() => burn(fuse))
    actors.push({ disk, fuse, phone: await start(disk, fuse), saved: new Set(saved), verified: new Set() })
  }
  async function revive(actor: Actor): Promise<void> {
    actor.fuse.left = ALIVE
    actor.phone = await start(actor.disk, actor.fuse)
  }
  const pick = (index: number): Actor => actors[index % actors.length] as Actor

  async function write(actor: Actor, withPhoto: boolean): Promise<void> {
    records += 1
    const label = `record-${records}`
    const file = withPhoto ? await photo(records, 2000) : undefined
    const saved = await actor.phone.store
      .append(file ? resultWith(file, label) : result(label), file ? [file] : [])
      .catch(() => undefined)
    if (saved) actor.saved.add(label)
  }

  async function sync(actor: Actor): Promise<void> {
    const status = await actor.phone.sync.now().catch((error) => {
      if (actor.fuse.left > 0) throw error
      return undefined
    })
    if (status && status.lastError === undefined) await checkPhone(actor, hubs.current, status.allSent)
  }

  async function happen(event: Event): Promise<void> {
    switch (event.type) {
      case 'write': {
        const actor = pick(event.phone)
        actor.fuse.left = event.fuse ?? ALIVE
        await write(actor, event.photo)
        if (event.fuse !== undefined) await revive(actor)
        break
      }
      case 'correct': {
        const { phone } = pick(event.phone)
        const [latest] = await phone.store.list({ limit: 1, kind: 'result' })
        if (latest) await phone.store.append(correction(`${latest.stream}/${latest.seq}`, 'corrected'))
        break
      }
      case 'sync': {
        const actor = pick(event.phone)
        const list = event.faults.map((index) =>
          (FAULTS[index % FAULT_COUNT] ?? (() => faults.none))(hubs, () => write(actor, false)),
        )
        const { weather } = actor.phone.link
        actor.phone.link.weather = (request) => {
          weather(request)
          return list.shift()
        }
        actor.fuse.left = event.fuse ?? ALIVE
        await sync(actor)
        await revive(actor)
        break
      }
      case 'together':
        await Promise.all(actors.map(sync))
        break
      case 'clone': {
        const { disk, saved } = pick(event.phone)
        if (actors.length < MOST_PHONES) await add((beforeWrite) => disk.copy(beforeWrite), saved)
        break
      }
      case 'wipe':
        actors.splice(event.phone % actors.length, 1)
        if (actors.length === 0) await add(createMemoryDisk, [])
        break
      case 'restore-hub':
        hubs.current = await restore(hubs.current, event.kept)
        break
    }
    for (const actor of actors) await checkDisk(actor)
  }

  await add(createMemoryDisk, [])
  await add(createMemoryDisk, [])
  for (const event of events) await happen(event)

  // Better days: everybody gets through, twice, since what one phone sends may be news for its clone.
  for (let round = 0; round < 2; round++) for (const actor of actors) await sync(actor)
  const counted = await checkHub(hubs.current)
  for (const actor of actors) {
    const { local, blobsWaiting, lastError } = await actor.phone.sync.status()
    if (local > 0 || blobsWaiting > 0)
      fail(`I3: ${local} records and ${blobsWaiting} photos never got through: ${lastError}`)
    for (const label of actor.saved) if (!counted.has(label)) fail(`I3: ${label} was saved and is not at the hub`)
  }
}

function fail(what: string): never {
  throw new Error(what)
}

function burn(fuse: { left: number }): void {
  if (fuse.left <= 0) throw new Error('this phone was killed')
  fuse.left -= 1
}

const labelOf = (line: string): string | undefined => {
  const body = parseRecord(line)
  return body.kind === 'result' && 'label' in body.answer ? body.answer.label : undefined
}

const linesOf = async (store: RecordStore, stream: string): Promise<string[]> =>
  (await store.lines(stream, 1, 100_000)).map(String)

/** I4 and I8 on a phone: its chains verify, and what was saved on it is on it. */
async function checkDisk({ disk, saved, verified }: Actor): Promise<void> {
  const { streams, rows } = await disk.open().transact('read', async (tables) => {
    const streams = await tables.streams()
    return { streams, rows: await Promise.all(streams.map(({ stream, tip }) => tables.records(stream, 1, tip + 1))) }
  })
  for (const [i, { stream, tip, hash, held, final }] of streams.entries()) {
    const lines = rows[i] ?? []
    if (final > held || held > tip) fail(`marks of ${stream} are out of order: ${final} ${held} ${tip}`)
    if (lines.length !== tip) fail(`I4: ${stream} on a phone has ${lines.length} lines of ${tip}`)
    if (verified.has(hash)) continue
    let chained = EMPTY_HASH
    for (const { line } of lines) chained = await nextHash(chained, line ?? '')
    if (chained !== hash) fail(`I4: the chain of ${stream} on a phone does not verify`)
    verified.add(hash)
  }
  const labels = new Set(rows.flat().map(({ line }) => labelOf(line ?? '')))
  for (const label of saved) if (!labels.has(label)) fail(`I8: ${label} was saved and is no longer on its phone`)
}

/** I1 and I9, right after a phone and its hub have spoken. */
async function checkPhone({ phone: { store } }: Actor, { store: hub }: TestHub, allSent: boolean): Promise<void> {
  for (const { stream, tip, final } of await store.streams()) {
    const there = new Set((await hub.positions(PROGRAM, stream, 1, tip)).map(({ hash }) => hash))
    let chained = EMPTY_HASH
    for (const [i, line] of (await linesOf(store, stream)).entries()) {
      chained = await nextHash(chained, line)
      if (i < final && !there.has(chained)) fail(`I1: ${stream}/${i + 1} is final on a phone and not at the root`)
      if (allSent && !there.has(chained)) fail(`I9: all sent, but ${stream}/${i + 1} is not at the root`)
      if (!allSent) continue
      const body = parseRecord(line)
      for (const { sha256 } of body.kind === 'result' ? body.attachments : []) {
        if (!(await hub.namedBlob(PROGRAM, sha256))?.whole) fail(`I9: all sent, but the photo ${sha256} is not whole`)
      }
    }
  }
}

/** I2 and I4 at the hub. Returns the labels that are there. */
async function checkHub({ store, records }: TestHub): Promise<Set<string>> {
  const counted = new Map<string, Set<string>>()
  const ends = new Map<string, string>()
  const seqOf = (id: string): number => Number(id.slice(17))
  const lines = await records()
  for (const { id, line } of lines.sort((a, b) => seqOf(a.id) - seqOf(b.id))) {
    const stream = id.slice(0, 16)
    ends.set(stream, await nextHashOf(ends.get(stream) ?? EMPTY_HASH, await sha256(utf8(line))))
    const label = labelOf(line)
    if (label === undefined) continue
    // A clone of a clone moves the same lines again: whoever counts, counts by origin.
    const identity: string = JSON.parse(line).origin?.hash ?? ends.get(stream)
    const known = counted.get(label) ?? new Set()
    if (known.has(id)) fail(`I2: ${id} is there twice`)
    counted.set(label, known.add(identity))
  }
  for (const [label, identities] of counted) {
    if (identities.size > 1) fail(`I2: ${label} is counted ${identities.size} times`)
  }
  for (const { stream, hash } of await store.streams(PROGRAM)) {
    if ((ends.get(stream) ?? EMPTY_HASH) !== hash) fail(`I4: the chain of ${stream} at the hub does not verify`)
  }
  return new Set(counted.keys())
}

/** The same hub with an older state: the first part of each stream, and no photos. */
async function restore(old: TestHub, quarters: number): Promise<TestHub> {
  const restored = await createTestHub({ signer: old.signer })
  const lines = await old.records()
  for (const { stream, device, epoch, tip, announced } of await old.store.streams(PROGRAM)) {
    const kept = Math.floor((tip * quarters) / 4)
    if (kept === 0 || !announced) continue
    const positions = await old.store.positions(PROGRAM, stream, 1, kept)
    const end = positions.at(-1)
    if (!end) continue
    await restored.store.seeDevice(PROGRAM, { key: device, app: 'test', at: 0 })
    await restored.store.append(PROGRAM, {
      stream,
      device,
      epoch,
      after: { seq: 0, hash: EMPTY_HASH },
      lines: positions.map((position) => {
        const line = lines.find(({ id }) => id === `${stream}/${position.seq}`)?.line ?? ''
        const body = parseRecord(line)
        return { ...position, line, attachments: body.kind === 'result' ? body.attachments : [] }
      }),
      announced: { seq: end.seq, hash: end.hash, signature: announced.signature },
      receivedAt: 1,
    })
  }
  return restored
}
