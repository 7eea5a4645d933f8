import { describe, expect, it } from 'vitest'
import { createMemoryBlobs } from '../../../src/hub/blob-store/memory.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import type { SyncResponse } from '../../../src/protocol/hub.ts'
import { downMessage, photosMessage } from '../../../src/protocol/log.ts'
import { parseRecord, type RecordBody } from '../../../src/protocol/record.ts'
import { verify } from '../../../src/protocol/sign.ts'
import { createFakePhone, type FakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub, ORIGIN, type TestHub } from '../../helpers/test-hub.ts'
import { createLink } from '../sync/link.ts'

const idOf = (phone: FakePhone, seq = 1): string => `${phone.stream}/${seq}`

async function phoneAt(hub: TestHub, ...lines: string[]): Promise<FakePhone> {
  const phone = await createFakePhone()
  await phone.append(...(lines.length > 0 ? lines : [resultLine('rust')]))
  await hub.sync(phone, { from: 1 })
  return phone
}

async function ask(hub: TestHub, phone: FakePhone, more: object): Promise<SyncResponse> {
  const response = await hub.send(phone, { ...(await phone.request()), ...more })
  expect(response.status).toBe(200)
  return (await response.json()) as SyncResponse
}

const bodiesOf = ({ down }: SyncResponse): RecordBody[] => (down?.ops ?? []).map(([, , line]) => parseRecord(line))
const correct = (ref: string, label: string) => ({ kind: 'correction', ref, patch: { label }, base: [] }) as const

async function sendPhoto(hub: TestHub, phone: FakePhone, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const { sha256 } = await photoOf(bytes)
  expect((await hub.fetch(await phone.patch(sha256, bytes, ORIGIN))).status).toBe(201)
}

describe('what a hub hands down', () => {
  it('is what others said about one’s records, signed, and only what is not known', async () => {
    const hub = await createTestHub()
    const phone = await phoneAt(hub)
    expect((await ask(hub, phone, { known: { [phone.stream]: {} } })).down).toBeUndefined()
    const id = await hub.say('default', correct(idOf(phone), 'phoma'), 'asha')
    const [source = ''] = id.split('/')
    const answer = await ask(hub, phone, { known: { [phone.stream]: {} } })
    expect(bodiesOf(answer)).toMatchObject([
      { kind: 'correction', patch: { label: 'phoma' }, actor: 'asha', role: 'supervisor' },
    ])
    expect(await verify(hub.key, downMessage('default', answer.down?.ops ?? []), answer.down?.signature ?? '')).toBe(
      true,
    )
    expect((await ask(hub, phone, { known: { [phone.stream]: { [source]: 1 } } })).down).toBeUndefined()
    expect((await ask(hub, phone, {})).down).toBeUndefined()
  })

  it('comes from other phones too, and never to a stranger', async () => {
    const hub = await createTestHub()
    const phone = await phoneAt(hub)
    const other = await phoneAt(hub, resultLine('x'))
    const at = { wall: 1, mono: 1, session: 's', zone: 0 }
    await other.append(JSON.stringify({ v: 1, at, ...correct(idOf(phone), 'healthy') }))
    await hub.sync(other, { from: 2 })
    expect(bodiesOf(await ask(hub, phone, { known: { [phone.stream]: {} } }))).toHaveLength(1)
    expect((await ask(hub, other, { known: { [phone.stream]: {} } })).down).toBeUndefined()
  })

  it('is also what a twin wrote under the numbers of one’s own fork: an order to erase must not be missed', async () => {
    const hub = await createTestHub()
    const phone = await phoneAt(hub)
    const twin = phone.clone()
    const at = { wall: 1, mono: 1, session: 's', zone: 0 }
    const order = { v: 1, kind: 'erase', at, ref: idOf(phone), hash: await sha256Hex(utf8(phone.lines[0] as string)) }
    await phone.append(JSON.stringify(order))
    await hub.sync(phone, { from: 2 })
    await twin.append(resultLine('of the twin'))
    const answer = await ask(hub, twin, { known: { [twin.stream]: {} } })
    expect(answer.forks).toEqual([twin.stream])
    expect(bodiesOf(answer)).toMatchObject([{ kind: 'erase', ref: idOf(phone) }])
    expect((await ask(hub, phone, { known: { [phone.stream]: {} } })).down).toBeUndefined()
  })

  it('comes in parts when it is much', async () => {
    const hub = await createTestHub()
    const phone = await phoneAt(hub)
    for (let i = 0; i < 205; i++) await hub.say('default', correct(idOf(phone), `label ${i}`), 'asha')
    const first = await ask(hub, phone, { known: { [phone.stream]: {} } })
    expect([first.down?.ops.length, first.down?.more]).toEqual([200, true])
    const [source, seq] = first.down?.ops.at(-1) ?? []
    const second = await ask(hub, phone, { known: { [phone.stream]: { [source as string]: seq } } })
    expect([second.down?.ops.length, second.down?.more]).toEqual([5, false])
  })

  it('reaches the phones of a village through its own hub', async () => {
    const root = await createTestHub()
    const link = createLink((request) => root.fetch(request))
    const village = await createTestHub({
      upstream: 'http://root.test',
      upstreamLink: { fetch: link.fetch, sleep: async () => undefined },
    })
    const phone = await phoneAt(village)
    await village.forwarder?.now()
    await root.say('default', correct(idOf(phone), 'phoma'), 'asha')
    village.clock.now += 3_600_000
    await village.forwarder?.now()
    expect(bodiesOf(await ask(village, phone, { known: { [phone.stream]: {} } }))).toMatchObject([
      { patch: { label: 'phoma' } },
    ])
    // And what the village says goes up.
    await village.say('default', correct(idOf(phone), 'miner'), 'juma')
    await village.forwarder?.now()
    expect(bodiesOf(await ask(root, phone, { known: { [phone.stream]: {} } }))).toHaveLength(2)
  })

  it('refuses to say what is no change of a record', async () => {
    const hub = await createTestHub()
    const phone = await phoneAt(hub)
    await expect(hub.say('default', correct('nonsense', 'x'), 'asha')).rejects.toMatchObject({
      code: 'hub/bad-request',
    })
    await expect(hub.say('default', { kind: 'erase', ref: idOf(phone, 7) }, 'asha')).rejects.toMatchObject({
      code: 'hub/no-record',
    })
    expect(await hub.store.streams('default')).toHaveLength(1)
  })
})

describe('an order to erase', () => {
  const bytes = utf8('a face')

  it('removes the text and the photo everywhere, while every chain verifies', async () => {
    const [rootBlobs, villageBlobs] = [createMemoryBlobs(), createMemoryBlobs()]
    const root = await createTestHub({ blobs: rootBlobs })
    const link = createLink((request) => root.fetch(request))
    const village = await createTestHub({
      blobs: villageBlobs,
      upstream: 'http://root.test',
      upstreamLink: { fetch: link.fetch, sleep: async () => undefined },
    })
    const photo = await photoOf(bytes)
    const phone = await phoneAt(village, resultLine('secret', { attachments: [photo] }), resultLine('other'))
    await sendPhoto(village, phone, bytes)
    await village.forwarder?.now()
    expect((await rootBlobs.status('default', photo.sha256)).whole).toBe(true)

    await root.say('default', { kind: 'erase', ref: idOf(phone) }, 'asha')
    expect((await root.records()).map(({ verdict, body }) => [verdict, body === null])).toContainEqual([
      'gone: erased',
      true,
    ])
    village.clock.now += 3_600_000
    await village.forwarder?.now()
    for (const [hub, blobs] of [
      [root, rootBlobs],
      [village, villageBlobs],
    ] as const) {
      expect(await blobs.status('default', photo.sha256)).toEqual({ bytes: 0, whole: false })
      const lines = await hub.store.lines('default', phone.stream, 1, 9)
      expect(lines.map(({ line }) => line)).toEqual(['', phone.lines[1]])
      expect(await hub.store.stream('default', phone.stream)).toMatchObject({ tip: 2, hash: phone.hashAt(2) })
      // The phone sends the line again, as after a lost answer: it stays erased, and nobody asks for the photo.
      const again = await hub.sync(phone, { from: 1 })
      expect(again.ack[phone.stream]).toMatchObject({ upto: 2, hash: phone.hashAt(2) })
      expect([again.blobs, again.forks]).toEqual([[], []])
    }
    expect(bodiesOf(await ask(village, phone, { known: { [phone.stream]: {} } }))).toMatchObject([{ kind: 'erase' }])
  })

  it('is heeded from the device that wrote the line, and not from another', async () => {
    const hub = await createTestHub()
    const phone = await phoneAt(hub)
    const hash = await sha256Hex(utf8(phone.lines[0] ?? ''))
    const order = JSON.stringify({
      v: 1,
      kind: 'erase',
      at: { wall: 1, mono: 1, session: 's', zone: 0 },
      ref: idOf(phone),
      hash,
    })
    const stranger = await phoneAt(hub, order)
    expect((await hub.store.lines('default', phone.stream, 1, 1))[0]?.verdict).toBe('ok')
    expect((await hub.sync(stranger)).forks).toEqual([])
    await phone.append(order)
    await hub.sync(phone, { from: 2 })
    expect((await hub.store.lines('default', phone.stream, 1, 9)).map(({ verdict }) => verdict)).toEqual([
      'gone: erased',
      'ok',
    ])
  })

  it('waits for a line that is not here yet', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone()
    const line = resultLine('late')
    await phone.append(line)
    const hash = await sha256Hex(utf8(line))
    const at = { wall: 1, mono: 1, session: 's', zone: 0 }
    await hub.store.addChanges('default', [
      {
        target: phone.stream,
        targetSeq: 1,
        stream: 'a'.repeat(16),
        seq: 1,
        line: JSON.stringify({ v: 1, kind: 'erase', at, ref: idOf(phone), hash }),
        lineHash: 'ab'.repeat(32),
        erases: hash,
        at: 1,
        above: true,
      },
    ])
    await hub.sync(phone, { from: 1 })
    expect((await hub.store.lines('default', phone.stream, 1, 1))[0]?.verdict).toBe('gone: erased')
  })
})

describe('a line of which only the hash is sent', () => {
  it('continues the chain; a pruned one is a reported loss until somebody has the text', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone()
    await phone.append(resultLine('a'), resultLine('b'), resultLine('c'))
    const hash = await sha256Hex(utf8(phone.lines[1] ?? ''))
    const request = await phone.request({ from: 1 })
    if (request.push) request.push.lines[1] = [hash, 'pruned']
    expect((await hub.send(phone, request)).status).toBe(200)
    expect((await hub.records()).map(({ verdict }) => verdict)).toEqual(['ok', 'gone: pruned', 'ok'])
    expect(await hub.store.stream('default', phone.stream)).toMatchObject({ hash: phone.hashAt(3) })
    await hub.sync(phone, { from: 1 })
    expect((await hub.records()).map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok'])
  })
})

describe('a photo', () => {
  const bytes = utf8('a leaf')

  it('is final only once the root has it, whatever hub was given it', async () => {
    const root = await createTestHub()
    const link = createLink((request) => root.fetch(request))
    const village = await createTestHub({
      upstream: 'http://root.test',
      upstreamLink: { fetch: link.fetch, sleep: async () => undefined },
    })
    const photo = await photoOf(bytes)
    const phone = await phoneAt(village, resultLine('x', { attachments: [photo] }))
    const asked = { photos: [photo.sha256, 'ab'.repeat(32)] }
    await sendPhoto(village, phone, bytes)
    expect((await ask(village, phone, asked)).photos?.final).toEqual([])
    await village.forwarder?.now()
    expect(village.forwarder?.status().done).toBe(true)
    const answer = await ask(village, phone, asked)
    expect(answer.photos?.final).toEqual([photo.sha256])
    expect(await verify(village.key, photosMessage('default', [photo.sha256]), answer.photos?.signature ?? '')).toBe(
      true,
    )
    expect((await ask(root, phone, asked)).photos?.final).toEqual([photo.sha256])
  })
})
