import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { HubOptions } from '../../../src/hub/app.ts'
import { createMemoryBlobs } from '../../../src/hub/blob-store/memory.ts'
import type { Forwarder } from '../../../src/hub/forward/forward.ts'
import { startForwarding } from '../../../src/hub/forward/schedule.ts'
import { serve } from '../../../src/hub/serve.ts'
import { createMemoryStore } from '../../../src/hub/store/memory.ts'
import { openSqliteStore } from '../../../src/hub/store/sqlite.ts'
import type { HubStore } from '../../../src/hub/store/store.ts'
import { type Bytes, randomBytes, utf8 } from '../../../src/lib/bytes.ts'
import { MAX_SYNC_INFLATED_BYTES } from '../../../src/protocol/hub.ts'
import { EMPTY_HASH, nextHash } from '../../../src/protocol/log.ts'
import { createSigner, generateKeyPair } from '../../../src/protocol/sign.ts'
import { createFakePhone, type FakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub, ORIGIN, type TestHub } from '../../helpers/test-hub.ts'
import { photo as photoFile, result, resultWith } from '../store/samples.ts'
import { createLink, cutAnswer, type Fault, faults, type Link } from '../sync/link.ts'
import { createPhone } from '../sync/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-forward-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newFile = (): string => join(folder, `${files++}.db`)

interface Village extends TestHub {
  forwarder: Forwarder
  link: Link
}

/** A hub below others: `above.current` can be replaced, as when it is restored. */
async function villageBelow(above: { current: TestHub }, change: Partial<HubOptions> = {}): Promise<Village> {
  const link = createLink((request) => above.current.fetch(request, { remoteAddress: '10.0.0.7' }))
  const hub = await createTestHub({
    upstream: 'http://district.test',
    upstreamLink: { fetch: link.fetch, sleep: async () => undefined, random: () => 0.5 },
    ...change,
  })
  if (!hub.forwarder) throw new Error('a hub with an upstream has a forwarder')
  return { ...hub, forwarder: hub.forwarder, link }
}

async function world(change: Partial<HubOptions> = {}) {
  const root = { current: await createTestHub() }
  return { root, village: await villageBelow(root, change) }
}

async function phoneWith(...labels: string[]): Promise<FakePhone> {
  const phone = await createFakePhone()
  await phone.append(...labels.map((label) => resultLine(label)))
  return phone
}

const labels = (count: number, name = 'leaf'): string[] => Array.from({ length: count }, (_, i) => `${name} ${i}`)
const ackOf = async (hub: TestHub, phone: FakePhone) => (await hub.sync(phone)).ack[phone.stream]

/** Every line of the phone is at the hub once, in its chain. */
async function expectWhole(hub: TestHub, phone: FakePhone): Promise<void> {
  const lines = await hub.store.lines('default', phone.stream, 1, 100_000)
  expect(lines.map(({ line }) => line)).toEqual(phone.lines)
  let hash = EMPTY_HASH
  for (const { line } of lines) hash = await nextHash(hash, line)
  expect(hash).toBe(phone.hashAt(phone.lines.length))
  expect(await hub.store.stream('default', phone.stream)).toMatchObject({ tip: lines.length, hash })
  const ids = (await hub.records()).map(({ id }) => id).filter((id) => id.startsWith(phone.stream))
  expect(new Set(ids).size).toBe(phone.lines.length)
  expect(ids).toHaveLength(phone.lines.length)
}

async function sendPhoto(hub: TestHub, phone: FakePhone, bytes: Bytes): Promise<string> {
  const { sha256 } = await photoOf(bytes)
  const response = await hub.fetch(await phone.patch(sha256, bytes, ORIGIN), { remoteAddress: '10.0.0.2' })
  expect(response.status).toBe(201)
  return sha256
}

describe('a village hub below a district hub', () => {
  it('holds what it takes in, passes it on, and calls it final once the district has it', async () => {
    const { root, village } = await world()
    const phone = await phoneWith('rust', 'miner')
    expect((await village.sync(phone, { from: 1 })).ack[phone.stream]).toMatchObject({ upto: 2, level: 'held' })
    expect(await root.current.records()).toEqual([])
    expect(await village.forwarder.now()).toMatchObject({ done: true })
    expect(await ackOf(village, phone)).toMatchObject({ upto: 2, hash: phone.hashAt(2), level: 'final' })
    await expectWhole(root.current, phone)
    expect(village.link.seen).toHaveLength(1)
  })

  it('says nothing more when there is nothing more to say', async () => {
    const { village } = await world()
    const phone = await phoneWith('rust')
    await village.sync(phone, { from: 1 })
    await village.forwarder.now()
    const before = village.link.seen.length
    for (let i = 0; i < 5; i++) await village.forwarder.now()
    expect(village.link.seen.length).toBe(before)
  })

  it('tells a phone that goes on writing how much of it is final already', async () => {
    const { village } = await world()
    const phone = await phoneWith('a', 'b')
    await village.sync(phone, { from: 1 })
    await village.forwarder.now()
    await phone.append(resultLine('c'))
    const ack = (await village.sync(phone, { from: 3 })).ack[phone.stream]
    expect(ack).toMatchObject({ upto: 3, level: 'held', final: { upto: 2, hash: phone.hashAt(2) } })
  })

  it('brings a real phone to "all sent", photo and all, and never a word sooner', async () => {
    const { root, village } = await world()
    const phone = await createPhone({ hub: village })
    const file = await photoFile(1, 30_000)
    await phone.store.append(resultWith(file, 'rust'), [file])
    await phone.store.append(result('miner'))
    expect(await phone.sync.now()).toMatchObject({ local: 0, held: 2, final: 0, allSent: false })
    village.link.next(faults.refused)
    await village.forwarder.now()
    expect(await phone.sync.now()).toMatchObject({ held: 2, allSent: false })
    await village.forwarder.now()
    await phone.store.append(result('healthy'))
    expect(await phone.sync.now()).toMatchObject({ local: 0, held: 1, final: 2, allSent: false })
    await village.forwarder.now()
    expect(await phone.sync.now()).toMatchObject({ local: 0, held: 0, final: 3, allSent: true })
    expect(await root.current.store.namedBlob('default', file.sha256)).toMatchObject({ whole: true })
  })

  it('passes a level on through as many hubs as there are', async () => {
    const { root, village: district } = await world()
    const village = await villageBelow({ current: district })
    const phone = await phoneWith('a', 'b')
    await village.sync(phone, { from: 1 })
    await village.forwarder.now()
    expect(await ackOf(village, phone)).toMatchObject({ level: 'held' })
    expect(village.forwarder.status()).toMatchObject({ done: false })
    await district.forwarder.now()
    await village.forwarder.now()
    expect(await ackOf(village, phone)).toMatchObject({ upto: 2, level: 'final' })
    await expectWhole(root.current, phone)
  })

  it('sends a stream longer than a request, and one that only its far end proves', async () => {
    const { root, village } = await world()
    const phone = await phoneWith(...labels(1200))
    for (let from = 1; from <= 1200; from += 300) await village.sync(phone, { from, to: from + 299 })
    expect((await village.store.stream('default', phone.stream))?.proven).toBe(1200)
    expect(await village.forwarder.now()).toMatchObject({ done: true })
    await expectWhole(root.current, phone)
    expect(village.link.seen.length).toBeGreaterThan(2)
  })

  it('passes on only what the device itself has signed for', async () => {
    const { root, village } = await world()
    const phone = await phoneWith('a', 'b', 'c', 'd')
    await village.sync(phone, { from: 1, to: 2 })
    await village.forwarder.now()
    expect(await root.current.records()).toEqual([])
    expect(await ackOf(village, phone)).toMatchObject({ upto: 2, level: 'held' })
    // A signature at the end of the batch is enough, whether the rest ever comes or not.
    const request = await phone.request({ from: 2, to: 3 })
    await village.send(phone, { ...request, push: { ...request.push, head: await phone.head(3) } })
    await village.forwarder.now()
    expect((await root.current.records()).map(({ seq }) => seq)).toEqual([1, 2, 3])
    expect(await ackOf(village, phone)).toMatchObject({ upto: 3, level: 'final' })
  })

  it('passes on the first part of a log from a phone that never came back with the rest', async () => {
    const { root, village } = await world()
    const phone = await createPhone({ hub: village })
    for (const label of labels(400)) await phone.store.append(result(label))
    phone.link.next(faults.none, ...Array(9).fill(faults.refused))
    await phone.sync.now()
    await village.forwarder.now()
    const [stream] = await village.store.streams('default')
    expect(stream?.tip).toBeGreaterThan(0)
    expect(stream?.tip).toBeLessThan(400)
    expect(await root.current.store.stream('default', stream?.stream ?? '')).toMatchObject({ tip: stream?.tip })
  })

  it('sends many phones in few requests', async () => {
    const { root, village } = await world()
    const phones = await Promise.all(labels(40).map((label) => phoneWith(label, 'more')))
    for (const phone of phones) await village.sync(phone, { from: 1 })
    await village.forwarder.now()
    expect(village.link.seen.length).toBeLessThan(8)
    for (const phone of phones) await expectWhole(root.current, phone)
  })
})

describe('a link that fails', () => {
  const story = async () => {
    const { root, village } = await world()
    const phone = await createFakePhone()
    const other = await phoneWith('x', 'y')
    const image = randomBytes(40_000)
    await phone.append(
      resultLine('a', { attachments: [await photoOf(image)] }),
      'poison',
      ...labels(150).map((l) => resultLine(l)),
    )
    await village.sync(phone, { from: 1 })
    await village.sync(other, { from: 1 })
    const sha256 = await sendPhoto(village, phone, image)
    return { root, village, phones: [phone, other], sha256 }
  }

  it.each<[string, Fault]>([
    ['refused', faults.refused],
    ['done, its answer lost', faults.answerLost],
    ['done three times at once', faults.thrice],
    ['answered by a portal', faults.portalPage],
    ['answered with 204', faults.portalNoContent],
    ['answered with 500', faults.failing],
    ['answered with 503', faults.unavailable],
    ['found too large', faults.tooLarge],
    ['cut in its answer', cutAnswer(60, true)],
    ['cut in its answer without notice', cutAnswer(60, false)],
  ])('at any one request, %s, loses nothing and doubles nothing', async (_, fault) => {
    const { village: undisturbed } = await story().then(async (told) => {
      await told.village.forwarder.now()
      return told
    })
    const requests = undisturbed.link.seen.length
    expect(requests).toBeGreaterThan(3)
    for (let bad = 0; bad < requests; bad++) {
      const { root, village, phones, sha256 } = await story()
      village.link.next(...Array(bad).fill(faults.none), fault)
      for (let runs = 0; runs < 4; runs++) await village.forwarder.now()
      expect(village.forwarder.status()).toMatchObject({ done: true })
      for (const phone of phones) {
        await expectWhole(root.current, phone)
        expect(await ackOf(village, phone)).toMatchObject({ level: 'final', upto: phone.lines.length })
      }
      expect(await root.current.store.namedBlob('default', sha256)).toMatchObject({ whole: true })
    }
  })

  it('for two months costs nothing but time', async () => {
    const { root, village } = await world()
    const phones = await Promise.all(['a', 'b', 'c'].map((name) => phoneWith(name)))
    village.link.weather = () => faults.refused
    for (let day = 0; day < 60; day++) {
      village.clock.now += 86_400_000
      for (const phone of phones) {
        await phone.append(resultLine(`day ${day}`))
        expect(
          (await village.sync(phone, { from: day === 0 ? 1 : phone.lines.length })).ack[phone.stream],
        ).toMatchObject({
          level: 'held',
        })
      }
      expect(await village.forwarder.now()).toMatchObject({ done: false, lastError: 'sync/offline' })
    }
    village.link.weather = () => undefined
    expect(await village.forwarder.now()).toMatchObject({ done: true })
    for (const phone of phones) {
      await expectWhole(root.current, phone)
      expect(await ackOf(village, phone)).toMatchObject({ level: 'final', upto: 61 })
    }
  })

  it('is left alone as long as the hub above asks for', async () => {
    const { village } = await world()
    await village.sync(await phoneWith('a'), { from: 1 })
    village.link.next(faults.tooOften)
    expect(await village.forwarder.now()).toMatchObject({ lastError: 'sync/busy', retryAfter: 120_000 })
  })

  it.each([3, 20, 200])('takes records that come in while request %i is under way', async (count) => {
    const { root, village } = await world()
    const phone = await phoneWith(...labels(count))
    await village.sync(phone, { from: 1 })
    village.link.next(async (forward) => {
      await phone.append(resultLine('late'))
      await village.sync(phone, { from: count + 1 })
      return await forward()
    })
    await village.forwarder.now()
    await village.forwarder.now()
    await expectWhole(root.current, phone)
    expect(await ackOf(village, phone)).toMatchObject({ level: 'final', upto: count + 1 })
  })
})

describe('hubs that lose what they had', () => {
  const backUp = async (store: HubStore, file: string): Promise<string> => {
    await store.close()
    const copy = newFile()
    copyFileSync(file, copy)
    return copy
  }

  it('a village restored from an old backup: phones send again, the root counts once', async () => {
    const root = { current: await createTestHub() }
    const file = newFile()
    const signer = await createSigner(await generateKeyPair(true))
    const phone = await phoneWith('a', 'b')
    const before = await villageBelow(root, { store: openSqliteStore(file), signer })
    await before.sync(phone, { from: 1 })
    await before.forwarder.now()
    const backup = await backUp(before.store, file)
    const after = await villageBelow(root, { store: openSqliteStore(file), signer })
    await phone.append(resultLine('c'), resultLine('d'))
    await after.sync(phone, { from: 3 })
    await after.forwarder.now()
    expect(await ackOf(after, phone)).toMatchObject({ upto: 4, level: 'final' })
    await after.store.close()

    const restored = await villageBelow(root, { store: openSqliteStore(backup), signer })
    const answer = await restored.sync(phone)
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 2 })
    expect(answer.want).toEqual([[phone.stream, 3, 4]])
    await phone.append(resultLine('e'))
    await restored.sync(phone, { from: 3 })
    await restored.forwarder.now()
    expect(await ackOf(restored, phone)).toMatchObject({ upto: 5, level: 'final' })
    await expectWhole(root.current, phone)
    await restored.store.close()
  })

  it('gives back the text that a phone had pruned and the root then lost', async () => {
    const signer = await createSigner(await generateKeyPair(true))
    const root = { current: await createTestHub({ signer }) }
    const village = await villageBelow(root)
    const phone = await phoneWith('a', 'b', 'c')
    await village.sync(phone, { from: 1 })
    await village.forwarder.now()
    const lines = await root.current.store.lines('default', phone.stream, 1, 3)
    const { announced } = (await root.current.store.stream('default', phone.stream)) ?? {}
    if (!announced) throw new Error('the root has heard of no head')
    // The phone, which made room, was the first to find the root empty.
    const restored = createMemoryStore()
    await restored.addProgram('default', 1)
    await restored.seeDevice('default', { key: phone.key, app: 'x', at: 1 })
    await restored.append('default', {
      stream: phone.stream,
      device: phone.key,
      epoch: phone.epoch,
      after: { seq: 0, hash: EMPTY_HASH },
      lines: lines.map((line) => ({ ...line, line: '', verdict: 'gone: pruned', attachments: [] })),
      announced,
      proven: [announced],
      receivedAt: 1,
    })
    root.current = await createTestHub({ store: restored, signer })
    expect(await restored.lostLines('default', phone.stream, 9)).toEqual([1, 2, 3])
    village.clock.now += 3_600_000
    await village.forwarder.now()
    await expectWhole(root.current, phone)
    const seen = village.link.seen.length
    village.clock.now += 3_600_000
    await village.forwarder.now()
    expect(village.link.seen.length).toBe(seen + 1)
  })

  it('a root restored from an old backup, or made anew, gets again what it lost', async () => {
    for (const kept of [0, 2]) {
      const signer = await createSigner(await generateKeyPair(true))
      const root = { current: await createTestHub({ signer }) }
      const village = await villageBelow(root)
      const phone = await createFakePhone()
      const image = randomBytes(5000)
      await phone.append(resultLine('a', { attachments: [await photoOf(image)] }), resultLine('b'), resultLine('c'))
      const others = await Promise.all(labels(40).map((label) => phoneWith(label)))
      for (const other of [phone, ...others]) await village.sync(other, { from: 1 })
      const sha256 = await sendPhoto(village, phone, image)
      await village.forwarder.now()
      const { store } = root.current
      const restored = createMemoryStore()
      await restored.addProgram('default', 1)
      if (kept > 0) {
        await restored.seeDevice('default', { key: phone.key, app: 'x', at: 1 })
        const lines = await store.lines('default', phone.stream, 1, kept)
        await restored.append('default', {
          stream: phone.stream,
          device: phone.key,
          epoch: phone.epoch,
          after: { seq: 0, hash: EMPTY_HASH },
          lines: lines.map((line) => ({ ...line, attachments: [] })),
          announced: { seq: kept, hash: phone.hashAt(kept), signature: 'x' },
          receivedAt: 1,
        })
      }
      root.current = await createTestHub({ store: restored, signer })
      // Only some streams are asked about; that one of them is missing there puts all the others in doubt.
      village.clock.now += 3_600_000
      await village.forwarder.now()
      for (const other of [phone, ...others]) {
        await expectWhole(root.current, other)
        expect(await ackOf(village, other)).toMatchObject({ level: 'final', upto: other.lines.length })
      }
      if (kept === 0) expect(await restored.namedBlob('default', sha256)).toMatchObject({ whole: true })
    }
  })

  it('another hub above is told everything anew', async () => {
    const store = createMemoryStore()
    const blobs = createMemoryBlobs()
    const { village } = await world({ store, blobs })
    const phone = await phoneWith('a')
    await village.sync(phone, { from: 1 })
    await village.forwarder.now()
    const other = { current: await createTestHub() }
    const moved = await villageBelow(other, { store, blobs, upstream: 'http://other.test' })
    await moved.forwarder.now()
    await expectWhole(other.current, phone)
    expect(moved.link.seen.map(({ path }) => path)).toEqual(['/v1/default/sync'])
  })
})

describe('one stream by two village hubs', () => {
  it('is at the root once, and final at both', async () => {
    const { root, village: first } = await world()
    const second = await villageBelow(root)
    const phone = await phoneWith(...labels(30))
    await first.sync(phone, { from: 1 })
    await phone.append(...labels(30, 'more').map((label) => resultLine(label)))
    await second.sync(phone, { from: 1 })
    await Promise.all([first.forwarder.now(), second.forwarder.now()])
    await Promise.all([first.forwarder.now(), second.forwarder.now()])
    await expectWhole(root.current, phone)
    expect(await ackOf(second, phone)).toMatchObject({ upto: 60, level: 'final' })
    expect(await first.store.stream('default', phone.stream)).toMatchObject({ above: { held: 30, final: 30 } })
    expect(await first.forwarder.now()).toMatchObject({ done: true })
  })

  it('that a clone went on with elsewhere divides: both versions are kept, the later one moves', async () => {
    const { root, village: first } = await world()
    const second = await villageBelow(root)
    const phone = await createPhone({ hub: first })
    for (const label of labels(5, 'common')) await phone.store.append(result(label))
    const clone = await createPhone({ hub: second }, { disk: phone.disk.copy() })
    for (const label of labels(3, 'original')) await phone.store.append(result(label))
    for (const label of labels(4, 'clone')) await clone.store.append(result(label))
    await phone.sync.now()
    await clone.sync.now()
    await first.forwarder.now()
    await second.forwarder.now()
    const [divided] = await second.store.streams('default')
    expect(divided?.above).toEqual({ held: 9, final: 5, dividedAfter: 5 })
    // Here and now the clone's own lines are at the root, if only apart.
    expect(await root.current.store.forks('default', 99)).toHaveLength(4)
    await clone.sync.now()
    await second.forwarder.now()
    expect(await clone.sync.now()).toMatchObject({ allSent: true })
    expect(await phone.sync.now()).toMatchObject({ allSent: true })
    const texts = (await root.current.records()).map(({ body }) => (body as { answer: { label: string } }).answer.label)
    expect(texts.sort()).toEqual([...labels(4, 'clone'), ...labels(5, 'common'), ...labels(3, 'original')].sort())
    expect(await second.forwarder.now()).toMatchObject({ done: true })
  })
})

it('a division far above comes down through every hub to the phone that has to move', async () => {
  const { root, village: near } = await world()
  const far = await villageBelow(root)
  const village = await villageBelow({ current: far })
  const phone = await createPhone({ hub: near })
  for (const label of labels(3, 'common')) await phone.store.append(result(label))
  const clone = await createPhone({ hub: village }, { disk: phone.disk.copy() })
  await phone.store.append(result('original'))
  for (const label of labels(3, 'clone')) await clone.store.append(result(label))
  await phone.sync.now()
  await near.forwarder.now()
  await clone.sync.now()
  await village.forwarder.now()
  await far.forwarder.now()
  expect((await village.store.streams('default'))[0]?.above).toEqual({ held: 6, final: 0 })
  await village.forwarder.now()
  expect((await village.store.streams('default'))[0]?.above).toMatchObject({ final: 3, dividedAfter: 3 })
  await clone.sync.now()
  for (const { forwarder } of [village, far, village]) await forwarder.now()
  expect(await clone.sync.now()).toMatchObject({ allSent: true })
  const texts = (await root.current.records()).map(({ body }) => (body as { answer: { label: string } }).answer.label)
  expect(texts.sort()).toEqual([...labels(3, 'clone'), ...labels(3, 'common'), 'original'].sort())
})

describe('what else travels', () => {
  it('a fork at the village', async () => {
    const { root, village } = await world()
    const phone = await phoneWith('a')
    const clone = phone.clone()
    await phone.append(resultLine('phone 2'))
    await clone.append(resultLine('clone 2'), resultLine('clone 3'))
    await village.sync(phone, { from: 1 })
    await village.sync(clone, { from: 1 })
    await village.forwarder.now()
    await village.forwarder.now()
    const forks = await root.current.store.forks('default', 9)
    expect(forks.map(({ seq, line }) => [seq, line]).sort()).toEqual([
      [2, clone.lines[1]],
      [3, clone.lines[2]],
    ])
    await expectWhole(root.current, phone)
    expect(await village.forwarder.now()).toMatchObject({ done: true })
  })

  it('quarantine, also when only the village knew why', async () => {
    const { root, village } = await world()
    const phone = await phoneWith('a')
    await phone.append('poison')
    await village.sync(phone, { from: 1 })
    await village.store.revokeDevice('default', phone.key, village.clock.now)
    await phone.append(resultLine('stolen'))
    await village.sync(phone, { from: 3 })
    await village.forwarder.now()
    const verdicts = (await root.current.records()).map(({ verdict }) => verdict)
    expect(verdicts).toEqual(['ok', expect.stringMatching(/^quarantine: .*JSON/), 'quarantine: the device was revoked'])
  })

  it('a photo that comes days after its record, in pieces over a bad link', async () => {
    const { root, village } = await world()
    const phone = await createFakePhone()
    const image = randomBytes(60_000)
    await phone.append(resultLine('a', { attachments: [await photoOf(image)] }))
    await village.sync(phone, { from: 1 })
    await village.forwarder.now()
    const sha256 = await sendPhoto(village, phone, image)
    village.link.next(faults.none, faults.none, faults.answerLost, faults.refused)
    await village.forwarder.now()
    await village.forwarder.now()
    expect(await root.current.store.namedBlob('default', sha256)).toMatchObject({ whole: true })
    expect(village.link.seen.filter(({ method }) => method === 'PATCH').length).toBeGreaterThan(2)
    expect(await village.forwarder.now()).toMatchObject({ done: true })
  })

  it('a photo that the hub above was thought to have', async () => {
    const { root, village } = await world()
    const phone = await createFakePhone()
    const image = utf8('photo')
    await phone.append(resultLine('a', { attachments: [await photoOf(image)] }))
    await village.sync(phone, { from: 1 })
    const sha256 = await sendPhoto(village, phone, image)
    await village.store.noteBlobAbove('default', sha256, 'held')
    await village.forwarder.now()
    expect(await root.current.store.namedBlob('default', sha256)).toMatchObject({ whole: true })
  })

  it('not a photo that the hub above has no accepted record for; it keeps nobody back', async () => {
    const { root, village } = await world()
    const [bad, good] = [utf8('bad'), utf8('good')]
    const revoked = await createFakePhone()
    await revoked.append(resultLine('a', { attachments: [await photoOf(bad)] }))
    await village.sync(revoked, { from: 1 })
    await sendPhoto(village, revoked, bad)
    await root.current.store.seeDevice('default', { key: revoked.key, app: '', at: 1 })
    await root.current.store.revokeDevice('default', revoked.key, 1)
    const phone = await createFakePhone()
    await phone.append(resultLine('b', { attachments: [await photoOf(good)] }))
    await village.sync(phone, { from: 1 })
    const sha256 = await sendPhoto(village, phone, good)
    expect(await village.forwarder.now()).toMatchObject({ done: false })
    expect(await root.current.store.namedBlob('default', sha256)).toMatchObject({ whole: true })
  })
})

describe('who speaks', () => {
  it.each(['', 'district', 'ftp://district.example', 'http://user:pass@district.example', 'http://d.example/?x=1'])(
    'is not asked at %j',
    async (upstream) => {
      await expect(createTestHub({ upstream })).rejects.toMatchObject({ code: 'hub/bad-upstream' })
    },
  )

  it('is not this hub itself', async () => {
    const self: { current?: TestHub } = {}
    const link = createLink(async (request) => (await self.current?.fetch(request)) ?? Response.error())
    self.current = await createTestHub({ upstream: 'http://self.test', upstreamLink: { fetch: link.fetch } })
    const phone = await phoneWith('a')
    await self.current.sync(phone, { from: 1 })
    expect(await self.current.forwarder?.now()).toMatchObject({ lastError: 'hub/own-upstream' })
    expect(await ackOf(self.current, phone)).toMatchObject({ level: 'held' })
  })

  it('is not another hub that answers at the address of the one that is known', async () => {
    const { root, village } = await world()
    const phone = await phoneWith('a')
    await village.sync(phone, { from: 1 })
    await village.forwarder.now()
    root.current = await createTestHub()
    await phone.append(resultLine('b'))
    await village.sync(phone, { from: 2 })
    expect(await village.forwarder.now()).toMatchObject({ lastError: 'sync/hub-changed' })
    expect(await ackOf(village, phone)).toMatchObject({ upto: 2, level: 'held', final: { upto: 1 } })
  })
})

describe('the key of the hub above', () => {
  it('is believed when it is said beforehand, and no other', async () => {
    const { root, village } = await world({ upstreamKey: 'A'.repeat(87) })
    const phone = await phoneWith('a')
    await village.sync(phone, { from: 1 })
    expect(await village.forwarder.now()).toMatchObject({ lastError: 'sync/hub-changed' })
    const { store } = village
    const told = await villageBelow(root, { store, upstreamKey: root.current.key })
    expect(await told.forwarder.now()).toMatchObject({ done: true })
    await expectWhole(root.current, phone)
  })
})

describe('a line that no request to the hub above can carry', () => {
  it('keeps back its own stream and nobody else', async () => {
    const { root, village } = await world()
    const phones = await Promise.all(labels(6).map((label) => phoneWith(label)))
    const huge = await createFakePhone()
    const bare = JSON.stringify({ ...(await huge.request()), push: { stream: huge.stream, from: 1, lines: [''] } })
    await huge.append('x'.repeat(MAX_SYNC_INFLATED_BYTES - bare.length - 10))
    for (const phone of [...phones, huge]) await village.sync(phone, { from: 1 })
    for (let i = 0; i < 2; i++) await village.forwarder.now()
    for (const phone of phones) await expectWhole(root.current, phone)
    expect(await ackOf(village, huge)).toMatchObject({ upto: 1, level: 'held' })
    expect(village.forwarder.status()).toMatchObject({ done: false })
    expect(village.forwarder.status()).not.toHaveProperty('lastError')
  })
})

describe('when it is passed on', () => {
  it('is at once, without being asked, and again by itself when the hub above comes back', async () => {
    const { root, village } = await world()
    const phone = await phoneWith('a')
    village.link.next(faults.refused)
    const errors: unknown[] = []
    const { forwarder, subscribe } = village
    const schedule = startForwarding({ forwarder, subscribe, onError: (error) => errors.push(error) })
    try {
      await expect.poll(() => forwarder.status().done).toBe(true)
      await village.sync(phone, { from: 1 })
      await expect.poll(() => forwarder.status().lastError).toBe('sync/offline')
      await phone.append(resultLine('b'))
      await village.sync(phone, { from: 2 })
      await expect.poll(async () => (await ackOf(village, phone))?.level).toBe('final')
      await expectWhole(root.current, phone)
    } finally {
      schedule.stop()
    }
    expect(errors).toEqual([])
  })

  it('over real sockets', async () => {
    const district = await createTestHub()
    const served = await serve(district, { port: 0, host: '127.0.0.1' })
    const village = await createTestHub({ upstream: `http://localhost:${served.port}` })
    const phone = await phoneWith(...labels(20))
    await village.sync(phone, { from: 1 })
    try {
      expect(await village.forwarder?.now()).toMatchObject({ done: true })
      await expectWhole(district, phone)
    } finally {
      await served.close()
    }
    await phone.append(resultLine('late'))
    await village.sync(phone, { from: 21 })
    expect(await village.forwarder?.now()).toMatchObject({ lastError: 'sync/offline' })
  })
})
