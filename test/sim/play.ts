import { attachmentsOf } from '../../src/protocol/record.ts'
import { RANK } from '../../src/store/database.ts'
import { UNSEEN_MS } from '../../src/store/store.ts'
import { replayRecordBundle, writeRecordBundle } from '../../src/sync/record-bundle.ts'
import type { SyncStatus } from '../../src/sync/status.ts'
import type { Sync } from '../../src/sync/sync.ts'
import { correction, photo, result, retract } from '../unit/store/samples.ts'
import { cutRequest } from '../unit/sync/link.ts'
import { PROGRAM } from '../unit/sync/world.ts'
import {
  changesAtRoot,
  checkAgreement,
  checkAllSent,
  checkChains,
  checkErased,
  checkMeaning,
  checkPhone,
  checkRoot,
  fail,
  labelOf,
  labelsAnywhere,
  lookAtRoot,
  readPhone,
} from './check.ts'
import type { Event } from './events.ts'
import { HUBS, MOST_PHONES } from './events.ts'
import { faultOf } from './faults.ts'
import { copyOf, createHubNode, type HubNode, start } from './hub-node.ts'
import { createPhoneNode, openTab, type PhoneNode, startPhone } from './phone-node.ts'
import { createWorld, hubWorld, phoneWorld, type Sabotage, type World } from './world.ts'

const YEAR = 365 * 24 * 3_600_000
const DAY = 24 * 3_600_000
/** Runs of a phone in which connections of a thousand bytes must get something across. */
const PATIENCE = 14
const WINDOW = 1000

const pick = <T>(all: readonly T[], index: number): T => all[index % all.length] as T
const hubOf = (world: World, index: number): HubNode => pick(world.hubs, index)

async function write(
  world: World,
  node: PhoneNode,
  photos: 'none' | 'small' | 'preview' | 'both' = 'none',
  unseen = false,
): Promise<void> {
  world.results += 1
  const label = `record-${world.results}`
  const files = [
    ...(photos === 'small' || photos === 'both' ? [await photo(world.results, photos === 'both' ? 9000 : 1500)] : []),
    ...(photos === 'preview' || photos === 'both'
      ? [{ ...(await photo(world.results + 500, 700)), preview: true }]
      : []),
  ]
  const attachments = files.map(({ sha256, type, bytes, ...file }) => {
    const role = 'preview' in file ? ('preview' as const) : ('input' as const)
    return { sha256, type, bytes: bytes.length, role }
  })
  const at = node.moment()
  if (unseen) for (const { sha256 } of files) world.unseen.set(sha256, world.clock)
  const saved = await node.store
    .append(
      { ...result(label, { attachments }), at },
      files.map((file) => ({ ...file, unseen })),
    )
    .catch(() => undefined)
  if (saved) node.saved.add(label)
}

/** Somebody looks at the photos of the newest record, or at all. */
async function look(world: World, node: PhoneNode, all: boolean): Promise<void> {
  const [newest] = await node.store.list({ limit: 1, kind: 'result' })
  const named = all ? await node.store.waitingAttachments(1000, 'unseen') : newest && attachmentsOf(newest.body)
  const names = (named ?? []).map(({ sha256 }) => sha256)
  for (const sha256 of names) world.unseen.delete(sha256)
  await node.store.attachmentsSeen(names).catch(() => undefined)
}

/** Somebody looks, and has the photos of the newest record taken away: what nobody had sent before is never sent. */
async function takeAway(world: World, node: PhoneNode): Promise<void> {
  const [old] = await node.store.list({ limit: 1, kind: 'result' })
  if (!old) return
  world.results += 1
  const label = `record-${world.results}`
  const at = node.moment()
  const saved = await node.store
    .replace(`${old.stream}/${old.seq}`, { ...result(label), at }, { at })
    .catch(() => undefined)
  const before = labelOf(old.line)
  // Killed in the middle it may have come to be all the same.
  if (before !== undefined) world.excused.set(before, 'erased by its phone')
  if (!saved) return
  node.saved.add(label)
  for (const { sha256 } of attachmentsOf(old.body)) {
    const since = world.unseen.get(sha256)
    if (since === undefined) continue
    // A copy of the phone may still look at it and send it.
    if (node.copied || world.clock - since >= UNSEEN_MS) world.unseen.delete(sha256)
    else world.unseen.set(sha256, Number.POSITIVE_INFINITY)
  }
}

/** Says something about a record. Values are unique: each can be followed to the end. */
async function speak(world: World, node: PhoneNode, ref: string, base: string[]): Promise<void> {
  world.values += 1
  const clock = await node.store.tick(world.now() + node.skew)
  const body = { ...correction(ref, `value-${world.values}`, base), clock }
  await node.store.append(body).catch(() => undefined)
}

async function syncAt(
  world: World,
  node: PhoneNode,
  index: number,
  sync: Sync = pick(node.at, index),
): Promise<SyncStatus | undefined> {
  const run = async (): Promise<SyncStatus> => {
    const status = await sync.now()
    // Somebody who runs the new hub has told them its key.
    if (status.lastError !== 'sync/hub-changed') return status
    await sync.trustHub(hubOf(world, index).signer.key)
    return sync.now()
  }
  const status = await run().catch((error) => {
    if (node.fuse > 0 && node.quota > 0) throw error
    return undefined
  })
  if (!status) return undefined
  const told = world.sabotage.status?.(status) ?? status
  lookAtRoot(world)
  if (told.lastError === undefined && told.allSent) await checkAllSent(world, node)
  return told
}

/** Connections that die after so many bytes. */
async function drip(world: World, node: PhoneNode, index: number): Promise<void> {
  const window = world.sabotage.window ?? WINDOW
  const reach = (request: Request): Promise<Response> => world.reach(index % HUBS, request)
  pick(node.links, index).weather = () => cutRequest(window, reach)
  const progress = async (): Promise<{ score: number; lacks: boolean }> => {
    const { streams, uploads } = await readPhone(node)
    const { state, blobs } = hubOf(world, index).disk
    const there = state.programs.get(PROGRAM)
    let score = 0
    let lacks = false
    for (const { stream, tip } of streams) {
      const known = there?.streams.get(stream)?.tip ?? 0
      // Of a forked log another number is right.
      if (known > tip) return { score: 0, lacks: false }
      const alike = known === 0 || (await node.store.hashAt(stream, known)) === there?.streams.get(stream)?.hash
      if (!alike) return { score: 0, lacks: false }
      score += known
      lacks ||= known < tip
    }
    for (const { sha256, order } of uploads) {
      const key = `${PROGRAM}/${sha256}`
      if (order[0] < RANK.held && !blobs.whole.has(key)) lacks = true
      score += (blobs.whole.get(key) ?? blobs.partial.get(key))?.length ?? 0
    }
    return { score, lacks }
  }
  const before = await progress()
  for (let run = 0; run < PATIENCE; run++) {
    const { lastError = '' } = (await syncAt(world, node, index)) ?? {}
    // Signed by a key that this install does not have, or not taken for any other reason that is not the link's.
    if (lastError !== '' && !/offline|stalled|truncated|too-large/.test(lastError)) return
    const now = await progress()
    if (!now.lacks || now.score > before.score) return
  }
  if (before.lacks) fail('I7', `connections of ${WINDOW} bytes get nothing across in ${PATIENCE} runs`)
}

async function latestOf(node: PhoneNode): Promise<{ id: string; heads: string[] } | undefined> {
  const [item] = await node.store.history({ limit: 1 })
  if (!item) return undefined
  const said = item.changes.filter(({ body }) => body.kind === 'correction')
  return { id: `${item.record.stream}/${item.record.seq}`, heads: said.map(({ stream, seq }) => `${stream}/${seq}`) }
}

async function say(world: World, event: Extract<Event, { type: 'say' }>): Promise<void> {
  const node = hubOf(world, event.hub)
  const rows = [...(node.disk.state.programs.get(PROGRAM)?.rows ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
  const ids = rows.flatMap(([stream, lines]) =>
    lines.flatMap(({ seq, line }) => {
      const label = labelOf(line)
      return label === undefined ? [] : [{ id: `${stream}/${seq}`, label }]
    }),
  )
  if (ids.length === 0) return
  const { id: ref, label } = pick(ids, event.record)
  const said = rows
    .flatMap(([stream, lines]) => lines.map(({ seq, line }) => ({ id: `${stream}/${seq}`, line })))
    .filter(({ line }) => line.includes('"correction"') && line.includes(`"ref":"${ref}"`))
  world.values += 1
  const patch = { label: `value-${world.values}` }
  if (event.what === 'erase') world.excused.set(label, 'erased at a hub')
  if (event.what === 'erase' || event.what === 'retract') await node.hub.say(PROGRAM, { kind: event.what, ref }, 'asha')
  else {
    const base = event.what === 'blind' ? [] : said.map(({ id }) => id)
    await node.hub.say(PROGRAM, { kind: 'correction', ref, patch, base }, 'asha')
  }
}

async function carry(world: World, node: PhoneNode, index: number): Promise<void> {
  const { moment } = node
  const parts: Uint8Array<ArrayBuffer>[] = []
  for await (const part of writeRecordBundle({ store: node.store, program: PROGRAM, app: 'sim', moment }))
    parts.push(part)
  const url = `http://hub-${index}.test`
  for (let time = 0; time < 2; time++) {
    await replayRecordBundle(new Blob(parts), ({ path, body, ...init }) =>
      world.reach(index % HUBS, new Request(url + path, { ...init, body })),
    )
  }
}

function pass(world: World, days: number): void {
  world.clock += days * DAY
  world.skipped += days * DAY
}

/** Nobody who is left has it, or will. */
function excuse(world: World, labels: Iterable<string>, why: string): void {
  for (const label of labels) if (!world.excused.has(label)) world.excused.set(label, why)
}

async function happen(world: World, event: Event): Promise<void> {
  const node = 'phone' in event ? pick(world.phones, event.phone) : undefined
  const revive = (one: PhoneNode): Promise<void> => startPhone(one, phoneWorld(world))
  switch (event.type) {
    case 'write': {
      if (!node) return
      Object.assign(node, { fuse: event.fuse ?? node.fuse, quota: event.quota ?? node.quota })
      await write(world, node, event.photo, event.unseen)
      if (event.fuse !== undefined || event.quota !== undefined) await revive(node)
      break
    }
    case 'look':
    case 'take-away':
      if (!node) return
      node.fuse = event.fuse ?? node.fuse
      await (event.type === 'look' ? look(world, node, event.all) : takeAway(world, node))
      if (event.fuse !== undefined) await revive(node)
      break
    case 'correct': {
      const latest = node && (await latestOf(node))
      if (node && latest) await speak(world, node, latest.id, event.blind ? [] : latest.heads)
      break
    }
    case 'correct-other': {
      const other = pick(world.phones, event.other)
      const latest = await latestOf(other)
      if (!node || node === other || node.copied || node.backup || !latest) return
      node.speaks = true
      await speak(world, node, latest.id, [])
      break
    }
    case 'retract': {
      const latest = node && (await latestOf(node))
      if (node && latest) await node.store.append(retract(latest.id)).catch(() => undefined)
      break
    }
    case 'erase': {
      const [latest] = (await node?.store.list({ limit: 1, kind: 'result' })) ?? []
      if (!node || !latest) return
      const label = labelOf(latest.line)
      if (label !== undefined) world.excused.set(label, 'erased by its phone')
      await node.store.erase(`${latest.stream}/${latest.seq}`, { at: latest.body.at })
      break
    }
    case 'say':
      await say(world, event)
      break
    case 'sync': {
      if (!node) return
      const reach = (request: Request): Promise<Response> => world.reach(event.hub % HUBS, request)
      pick(node.links, event.hub).next(...event.faults.map((index) => faultOf(index, reach, () => write(world, node))))
      Object.assign(node, {
        fuse: event.fuse ?? node.fuse,
        quota: event.quota ?? node.quota,
        metered: event.metered ?? false,
      })
      await syncAt(world, node, event.hub)
      await revive(node)
      break
    }
    case 'hub-dies': {
      const hub = hubOf(world, event.hub)
      hub.trouble = { left: event.fuse, how: event.how }
      if (node) await syncAt(world, node, event.hub)
      start(hub, hubWorld(world))
      break
    }
    case 'drip':
      if (!node) return
      await drip(world, node, event.hub)
      await revive(node)
      break
    case 'together':
      await Promise.all(world.phones.map((one, i) => syncAt(world, one, event.hub + i)))
      break
    case 'tabs': {
      if (!node) return
      const tab = await openTab(node, event.hub % HUBS, phoneWorld(world))
      await Promise.all([syncAt(world, node, event.hub), write(world, node), syncAt(world, node, event.hub, tab)])
      break
    }
    case 'forward': {
      const hub = hubOf(world, event.hub)
      const reach = (request: Request): Promise<Response> => world.reach(0, request)
      hub.link.next(...event.faults.map((index) => faultOf(index, reach, async () => undefined)))
      if (event.fuse !== undefined) hub.trouble = { left: event.fuse, how: 'killed' }
      const killed = event.fuse !== undefined
      await hub.hub.forwarder?.now().catch((error) => {
        if (!killed) throw error
      })
      hub.link.clear()
      if (killed) start(hub, hubWorld(world))
      break
    }
    case 'replay': {
      if (world.requests.length === 0) return
      const { url, method, headers, body } = pick(world.requests, event.which)
      await world.reach(event.hub % HUBS, new Request(url, { method, headers, body }))
      break
    }
    case 'carry':
      if (node) await carry(world, node, event.hub)
      break
    case 'clone': {
      if (!node || node.speaks || world.phones.length >= MOST_PHONES) return
      node.copied = true
      world.phones.push(await createPhoneNode(phoneWorld(world), node))
      break
    }
    case 'wipe': {
      if (!node) return
      world.phones.splice(world.phones.indexOf(node), 1, await createPhoneNode(phoneWorld(world)))
      excuse(world, node.saved, 'its phone was wiped')
      break
    }
    case 'back-up-phone':
      if (!node || node.speaks) return
      node.copied = true
      node.backup = { disk: node.disk.copy(() => undefined), saved: new Set(node.saved) }
      break
    case 'restore-phone': {
      if (!node?.backup) return
      const restored = await createPhoneNode(phoneWorld(world), { ...node.backup, named: node.named, skew: node.skew })
      world.phones.splice(world.phones.indexOf(node), 1, restored)
      restored.pruned = node.pruned
      const lost = [...node.saved].filter((label) => !restored.saved.has(label))
      excuse(world, lost, 'its phone got back an older backup')
      break
    }
    case 'back-up-hub': {
      const hub = hubOf(world, event.hub)
      hub.backup = copyOf(hub.disk)
      break
    }
    case 'restore-hub': {
      const hub = hubOf(world, event.hub)
      if (!hub.backup) return
      hub.disk = copyOf(hub.backup)
      start(hub, hubWorld(world))
      if (hub.index === 0) world.looked.clear()
      break
    }
    case 'destroy-hub': {
      const index = event.hub % HUBS
      if (index > 0) world.hubs[index] = await createHubNode(index, hubWorld(world))
      break
    }
    case 'clock':
      if (node) node.skew = event.years * YEAR
      // Between two runs of the app there is no other clock.
      world.unseen.clear()
      break
    case 'days':
      pass(world, event.days)
      break
    case 'prune':
      if (!node) return
      node.pruned = true
      await node.store.prune(
        event.bytes === undefined ? { before: world.clock + node.skew - 30 * DAY } : { bytes: event.bytes },
      )
      break
  }
  const [leaked] = world.leaked
  if (leaked !== undefined) fail('unseen', `the photo ${leaked} was sent, and nobody has looked at it`)
  lookAtRoot(world)
  for (const one of node && event.type !== 'together' ? world.phones.filter((phone) => phone === node) : world.phones) {
    await checkPhone(world, one)
  }
}

/** Everybody gets through, several times, since what one sends may be news for its clone; at last everybody at the root. */
async function betterDays(world: World): Promise<void> {
  for (const hub of world.hubs) start(hub, hubWorld(world))
  for (const node of world.phones) {
    node.skew = 0
    await startPhone(node, phoneWorld(world))
  }
  for (let round = 0; round < 3; round++) {
    for (const [i, node] of world.phones.entries()) await syncAt(world, node, round === 2 ? 0 : i + round)
    for (const hub of world.hubs) await hub.hub.forwarder?.now()
    pass(world, 1)
  }
  for (const node of world.phones) await syncAt(world, node, 0)
}

/**
 * Plays a history, looks after each event whether what must always hold holds, then lets everybody through and looks at
 * the end.
 * @throws Broken
 */
export async function play(events: readonly Event[], sabotage: Sabotage = {}): Promise<void> {
  const world = await createWorld(sabotage)
  const saved = new Set<string>()
  for (const event of events) {
    await happen(world, event)
    for (const node of world.phones) for (const label of node.saved) saved.add(label)
  }
  const there = await labelsAnywhere(world)
  await betterDays(world)
  for (const node of world.phones) {
    const { lastError, ...status } = await pick(node.at, 0).status()
    const told = world.sabotage.status?.(status) ?? status
    if (status.blobsUnseen > 0) fail('kept', `${status.blobsUnseen} photos wait for somebody to look at them for ever`)
    if (!told.allSent) fail('I3', `a phone never got through: ${JSON.stringify(status)} ${lastError}`)
    await checkAllSent(world, node)
    await checkPhone(world, node)
  }
  for (const hub of world.hubs) checkChains(hub)
  checkRoot(world, there, saved)
  const changes = changesAtRoot(world)
  checkMeaning(world, changes)
  await checkAgreement(world, changes)
  await checkErased(world, changes)
}
