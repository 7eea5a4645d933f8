import { createHash } from 'node:crypto'
import { ACCEPTED, GONE } from '../../src/hub/verdict.ts'
import { EMPTY_HASH } from '../../src/protocol/log.ts'
import { isAbout, parseRecord, type RecordBody } from '../../src/protocol/record.ts'
import type { Change } from '../../src/store/corrected.ts'
import { RANK, type RecordRow, type UploadRow } from '../../src/store/database.ts'
import type { RecordStore, StreamState } from '../../src/store/store.ts'
import { PROGRAM } from '../unit/sync/world.ts'
import type { HubNode } from './hub-node.ts'
import type { PhoneNode } from './phone-node.ts'
import type { World } from './world.ts'

/** What is looked at of a phone and of a hub: those of the simulator, or copies of what a browser's and a process's disk hold. */
export interface CheckedPhone extends Pick<PhoneNode, 'saved' | 'named' | 'verified' | 'copied' | 'pruned'> {
  disk: Pick<PhoneNode['disk'], 'open'>
  store: Pick<RecordStore, 'history'>
}
export interface CheckedHub {
  readonly index: number
  readonly signer: Pick<HubNode['signer'], 'key'>
  disk: Pick<HubNode['disk'], 'state'>
}
export interface CheckedWorld extends Pick<World, 'merge' | 'atRoot' | 'photosAtRoot' | 'looked' | 'excused'> {
  readonly phones: readonly CheckedPhone[]
  /** The root first. */
  readonly hubs: readonly CheckedHub[]
}

export class Broken extends Error {
  readonly invariant: string
  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`)
    this.invariant = invariant
  }
}

export function fail(invariant: string, what: string): never {
  throw new Broken(invariant, what)
}

const digest = (...parts: (string | Uint8Array)[]): string => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}
/** The chain, computed here anew and by nothing of what is tested. */
const chain = (previous: string, lineHash: string): string =>
  digest(Buffer.from(previous, 'hex'), Buffer.from(lineHash, 'hex'))

const programOf = ({ disk }: CheckedHub) => {
  const program = disk.state.programs.get(PROGRAM)
  if (!program) throw new Error('a hub without its program')
  return program
}

/** Notes what is durable at the root now: "final" may be said of nothing else. */
export function lookAtRoot({ hubs: [root], atRoot, photosAtRoot, looked }: CheckedWorld): void {
  const { rows, blobs } = programOf(root as CheckedHub)
  for (const [stream, lines] of rows) {
    for (let at = looked.get(stream) ?? 0; at < lines.length; at++) atRoot.add(`${stream}/${at + 1}/${lines[at]?.hash}`)
    looked.set(stream, lines.length)
  }
  for (const sha256 of blobs.keys()) photosAtRoot.add(sha256)
}

interface PhoneRows {
  streams: StreamState[]
  rows: Map<string, RecordRow[]>
  uploads: UploadRow[]
}

export function readPhone({ disk }: CheckedPhone): Promise<PhoneRows> {
  return disk.open().transact('read', async (tables) => {
    const streams = await tables.streams()
    const rows = new Map<string, RecordRow[]>()
    for (const { stream, tip } of streams) rows.set(stream, await tables.records(stream, 1, tip + 1))
    return { streams, rows, uploads: await tables.uploads(RANK.preview, RANK.unseen, 100_000) }
  })
}

export const labelOf = (line: string): string | undefined => /"answer":\{[^}]*"label":"([^"]+)"/.exec(line)?.[1]
const photosOf = (line: string): string[] => {
  const body = parseRecord(line)
  return isAbout(body) ? [] : body.attachments.map(({ sha256 }) => sha256)
}

/** I1, I4 and I8 on a phone, after anything that happened to it. */
export async function checkPhone(world: CheckedWorld, node: CheckedPhone): Promise<void> {
  const { streams, rows, uploads } = await readPhone(node)
  const waits = new Set(uploads.map(({ sha256 }) => sha256))
  const labels = new Set<string>()
  for (const { stream, tip, hash, held, final } of streams) {
    if (final > held || held > tip) fail('marks', `${stream} has ${final} final, ${held} held of ${tip}`)
    const lines = rows.get(stream) ?? []
    if (lines.length !== tip) fail('I4', `${stream} on a phone has ${lines.length} lines of ${tip}`)
    const known = node.verified.has(hash)
    let chained = EMPTY_HASH
    for (const { seq, line, gone, hash: said } of lines) {
      if (!known) chained = chain(chained, line === undefined ? (gone?.hash ?? '') : digest(line))
      if (!known && chained !== said) fail('I4', `${stream}/${seq} on a phone does not follow from the line before`)
      if (seq === final && !world.atRoot.has(`${stream}/${seq}/${said}`)) {
        fail('I1', `${stream}/${seq} is final on a phone and was never at the root`)
      }
      const place = `${stream}/${seq}/${said}`
      const label = line === undefined ? node.named.get(place) : labelOf(line)
      if (label !== undefined) {
        node.named.set(place, label)
        if (line !== undefined || gone?.why === 'pruned') labels.add(label)
      }
      if (gone?.why === 'pruned' && !world.atRoot.has(`${stream}/${seq}/${said}`)) {
        fail('I8', `${stream}/${seq} was pruned and was never at the root`)
      }
    }
    node.verified.add(hash)
  }
  // A fork moves what it can say anew: of a line that was pruned before, once the root had it, nothing is left.
  const forked = new Set(
    node.pruned ? [...node.named].filter(([place]) => world.atRoot.has(place)).map(([, of]) => of) : [],
  )
  for (const label of node.saved) {
    if (labels.has(label) || forked.has(label) || world.excused.has(label)) continue
    fail('I8', `${label} was saved and is no longer on its phone`)
  }
  await checkPhotos(world, node, rows, waits)
}

/** A photo that is not known at the root is on its phone, and waits; one that does not wait is at the root. */
async function checkPhotos(
  world: CheckedWorld,
  node: CheckedPhone,
  rows: PhoneRows['rows'],
  waits: ReadonlySet<string>,
) {
  const named = [...rows.values()].flat().flatMap(({ line }) => (line?.includes('"sha256"') ? photosOf(line) : []))
  if (named.length === 0) return
  await node.disk.open().transact('read', async (tables) => {
    for (const sha256 of named) {
      if (!(await tables.hasAttachment(sha256)))
        fail('I8', `the photo ${sha256} is gone from its phone, its record is not`)
      if (!waits.has(sha256) && !world.photosAtRoot.has(sha256)) {
        fail('I1', `the photo ${sha256} is final on a phone and was never at the root`)
      }
    }
  })
}

/** I9: what a phone says is all sent is at the root. */
export async function checkAllSent(world: CheckedWorld, node: CheckedPhone): Promise<void> {
  const { streams, rows } = await readPhone(node)
  for (const { stream, tip, hash } of streams) {
    if (tip > 0 && !world.atRoot.has(`${stream}/${tip}/${hash}`))
      fail('I9', `all sent, but ${stream}/${tip} is not at the root`)
    for (const { line } of rows.get(stream) ?? []) {
      for (const sha256 of line?.includes('"sha256"') ? photosOf(line) : []) {
        if (!world.photosAtRoot.has(sha256)) fail('I9', `all sent, but the photo ${sha256} was never at the root`)
      }
    }
  }
}

/** I4 at a hub. */
export function checkChains(node: CheckedHub): void {
  const { streams, rows } = programOf(node)
  for (const { stream, tip, hash } of streams.values()) {
    const lines = rows.get(stream) ?? []
    let chained = EMPTY_HASH
    for (const { line, lineHash, verdict } of lines) {
      if (!verdict.startsWith('gone: ') && digest(line) !== lineHash)
        fail('I4', `a line of ${stream} at hub ${node.index} was changed`)
      chained = chain(chained, lineHash)
    }
    if (lines.length !== tip || chained !== hash)
      fail('I4', `the chain of ${stream} at hub ${node.index} does not verify`)
  }
}

/** Where a label still is: on a phone, at a hub, or kept apart at one. */
export async function labelsAnywhere({
  phones,
  hubs,
}: CheckedWorld): Promise<{ labels: Set<string>; photos: Set<string> }> {
  const labels = new Set<string>()
  const photos = new Set<string>()
  const note = (line: string): void => {
    const label = labelOf(line)
    if (label !== undefined) labels.add(label)
  }
  for (const phone of phones) {
    for (const { line = '' } of [...(await readPhone(phone)).rows.values()].flat()) {
      note(line)
      if (line.includes('"sha256"')) for (const sha256 of photosOf(line)) photos.add(sha256)
    }
  }
  for (const node of hubs) {
    const { streams, rows, forks, blobs } = programOf(node)
    for (const [stream, lines] of rows) {
      const proven = node.index === 0 ? lines.length : (streams.get(stream)?.proven ?? 0)
      for (const { line } of lines.slice(0, proven)) note(line)
    }
    for (const { line } of forks.values()) note(line)
    for (const sha256 of blobs.keys()) photos.add(sha256)
  }
  return { labels, photos }
}

/** I2, I3, I5 and I6 at the root, once everybody has spoken. */
export function checkRoot(
  world: CheckedWorld,
  there: { labels: ReadonlySet<string>; photos: ReadonlySet<string> },
  saved: ReadonlySet<string>,
): void {
  const [root] = world.hubs as [CheckedHub]
  const { rows, forks, blobs } = programOf(root)
  const identities = new Map<string, Set<string>>()
  const labels = new Set([...forks.values()].map(({ line }) => labelOf(line)))
  let lost = 0
  for (const lines of rows.values()) {
    for (const { line, hash, verdict, attachments } of lines) {
      if (verdict === GONE.pruned) lost += 1
      const label = labelOf(line)
      if (label === undefined) continue
      if (verdict !== ACCEPTED) fail('I3', `${label} is at the root, but as "${verdict}"`)
      // A moved line says where it was first written: whoever counts, counts by origin.
      const identity: string = JSON.parse(line).origin?.hash ?? hash
      identities.set(label, (identities.get(label) ?? new Set()).add(identity))
      labels.add(label)
      // A village may erase what the root keeps, and its phones too: then a photo that still waited is nowhere.
      if (world.excused.get(label)?.startsWith('erased')) continue
      for (const { sha256 } of attachments) {
        if (!blobs.has(sha256) && there.photos.has(sha256))
          fail('I3', `the photo ${sha256} of ${label} never came to the root`)
      }
    }
  }
  for (const [label, all] of identities) if (all.size > 1) fail('I2', `${label} is counted ${all.size} times`)
  for (const label of saved) {
    if (labels.has(label) || world.excused.get(label)?.startsWith('erased')) continue
    if (there.labels.has(label)) fail('I3', `${label} was somewhere and never came to the root`)
    if (!world.excused.has(label) && lost === 0) fail('I3', `${label} is nowhere, and nobody says so`)
  }
}

/** Everything that is said of a record at the root, by the record's id. */
export function changesAtRoot({ hubs: [root] }: CheckedWorld): Map<string, Change[]> {
  const changes = new Map<string, Change[]>()
  for (const [stream, lines] of programOf(root as CheckedHub).rows) {
    for (const { seq, line, verdict } of lines) {
      if (verdict !== ACCEPTED || !line.includes('"ref"')) continue
      const body = parseRecord(line)
      if (!('ref' in body)) continue
      changes.set(body.ref, [...(changes.get(body.ref) ?? []), { stream, seq, body }])
    }
  }
  return changes
}

type Correction = Extract<RecordBody, { kind: 'correction' }>

/** Naively: what was said and nobody who spoke later knew of. */
function standingOf(changes: readonly Change[]): Set<unknown> {
  const said = changes.flatMap(({ stream, seq, body }) =>
    body.kind === 'correction' ? [{ id: `${stream}/${seq}`, body: body as Correction }] : [],
  )
  const knew = (later: (typeof said)[number], earlier: string, depth = 0): boolean =>
    depth < 50 &&
    later.body.base.some((id) => {
      const between = said.find((one) => one.id === id)
      return id === earlier || (between !== undefined && knew(between, earlier, depth + 1))
    })
  return new Set(
    said
      .filter(({ id }) => !said.some((other) => other.id !== id && knew(other, id)))
      .map(({ body }) => body.patch.label),
  )
}

/** I5 and I6: nobody's word is dropped, and the order of arrival changes nothing. */
export function checkMeaning({ merge }: CheckedWorld, changes: ReadonlyMap<string, readonly Change[]>): void {
  for (const [ref, said] of changes) {
    const state = JSON.stringify(merge(said))
    if (JSON.stringify(merge(said.toReversed())) !== state)
      fail('I6', `${ref} says another thing when it is told backwards`)
    const turned = said.slice(1).concat(said.slice(0, 1))
    if (JSON.stringify(merge(turned)) !== state) fail('I6', `${ref} says another thing in another order`)
    const { fields, conflicts } = merge(said)
    const kept = new Set<unknown>([...(conflicts.label ?? []), ...(fields.label === undefined ? [] : [fields.label])])
    for (const value of standingOf(said))
      if (!kept.has(value)) fail('I5', `${String(value)} was said of ${ref} and is dropped`)
  }
}

/** I6 between places: a phone sees of its own records what the root sees. */
export async function checkAgreement(
  world: CheckedWorld,
  changes: ReadonlyMap<string, readonly Change[]>,
): Promise<void> {
  const { streams } = programOf(world.hubs[0] as CheckedHub)
  for (const node of world.phones) {
    // A twin's lines in the same stream are told to nobody: each twin goes on in a stream of its own.
    if (node.pruned || node.copied) continue
    for (const { record, changes: seen } of await node.store.history({ limit: 10_000 })) {
      const id = `${record.stream}/${record.seq}`
      // What a hub said before it burned down is known to whoever heard it, and to nobody else.
      const heard = seen.filter(({ stream, seq }) => seq <= (streams.get(stream)?.tip ?? 0))
      const here = JSON.stringify(world.merge(heard))
      const there = JSON.stringify(world.merge(changes.get(id) ?? []))
      if (here !== there) fail('I6', `of ${id} a phone sees ${here}, the root ${there}`)
    }
  }
}

/** An order that the root heeds leaves no text: at hubs, nor on phones that have the line under that name. */
export async function checkErased(world: CheckedWorld, changes: ReadonlyMap<string, readonly Change[]>): Promise<void> {
  const [root] = world.hubs as [CheckedHub]
  const { streams } = programOf(root)
  for (const [ref, said] of changes) {
    const [stream = '', seq] = ref.split('/')
    for (const { stream: by, body } of said) {
      if (body.kind !== 'erase') continue
      const device = streams.get(by)?.device
      if (device !== root.signer.key && device !== streams.get(stream)?.device) continue
      for (const node of world.hubs) {
        const row = programOf(node).rows.get(stream)?.[Number(seq) - 1]
        if (row?.lineHash === body.hash && row.line !== '')
          fail('erase', `${ref} still has its text at hub ${node.index}`)
      }
      for (const phone of world.phones) {
        const row = (await readPhone(phone)).rows.get(stream)?.[Number(seq) - 1]
        if (row?.line !== undefined && digest(row.line) === body.hash)
          fail('erase', `${ref} still has its text on a phone`)
      }
    }
  }
}
