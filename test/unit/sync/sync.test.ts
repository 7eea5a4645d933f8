import 'fake-indexeddb/auto'
import { beforeEach, describe, expect, it } from 'vitest'
import { exportedResults } from '../../../src/hub/export/rows.ts'
import { toBase64Url } from '../../../src/lib/bytes.ts'
import { EMPTY_HASH, nextHash, receiptMessage } from '../../../src/protocol/log.ts'
import { createMemoryDisk } from '../../../src/store/memory-database.ts'
import { openStore } from '../../../src/store/open.ts'
import { correction, photo, result, resultWith } from '../store/samples.ts'
import { cutAnswer, cutRequest, type Fault, faults, tamper } from './link.ts'
import { createPhone, createTestHub, type Phone, PROGRAM, type TestHub } from './world.ts'

let hub: TestHub
let phone: Phone
beforeEach(async () => {
  hub = await createTestHub()
  phone = await createPhone(hub)
})

const linesOf = async ({ store }: Phone): Promise<string[]> => {
  const all: string[] = []
  for (const { stream } of await store.streams()) all.push(...(await store.lines(stream, 1, 10_000)).map(String))
  return all
}
const atHub = async (): Promise<string[]> => (await hub.records()).map(({ line }) => line)
const write = async ({ store }: Phone, count: number, label = 'leaf'): Promise<void> => {
  for (let i = 0; i < count; i++) await store.append(result(`${label}-${i}`))
}

describe('records come home', () => {
  it('in one request, with receipts that were compared, and then everything is sent', async () => {
    await write(phone, 3)
    expect(await phone.sync.status()).toMatchObject({ local: 3, allSent: false, running: false })
    expect(await phone.sync.now()).toEqual({
      local: 0,
      held: 0,
      final: 3,
      blobsWaiting: 0,
      blobsDeferred: 0,
      blobsUnseen: 0,
      blobsHeld: 0,
      allSent: true,
      running: false,
      lastContact: 1_790_000_000_000,
    })
    expect(await atHub()).toEqual(await linesOf(phone))
    expect(phone.link.seen).toHaveLength(1)
  })

  it('with nothing to send, asks once and in few bytes', async () => {
    expect(await phone.sync.now()).toMatchObject({ allSent: true, final: 0 })
    await write(phone, 1)
    await phone.sync.now()
    await phone.sync.now()
    expect(phone.link.seen).toHaveLength(3)
    expect(phone.link.seen.at(-1)?.bytes).toBeLessThan(700)
  })

  it('in batches that grow with a good link, and a thousand are all there once', async () => {
    await write(phone, 1000)
    expect(await phone.sync.now()).toMatchObject({ final: 1000, allSent: true })
    expect(await atHub()).toEqual(await linesOf(phone))
    const sizes = phone.link.seen.map(({ bytes }) => bytes)
    expect(sizes.length).toBeLessThan(8)
    expect(sizes[1]).toBeGreaterThan((sizes[0] ?? 0) * 1.5)
    expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024 * 1.25)
  })

  it('only held where the hub has another above it', async () => {
    phone = await createPhone(await createTestHub({ upstream: 'https://district.test' }))
    await write(phone, 2)
    expect(await phone.sync.now()).toMatchObject({ local: 0, held: 2, final: 0, allSent: false })
  })

  it('also those written while the sending goes on, and by another tab', async () => {
    await write(phone, 2)
    const tab = await createPhone(hub, { disk: phone.disk })
    phone.link.next(async (forward) => {
      const answer = await forward()
      await write(tab, 1, 'other tab')
      await write(phone, 1, 'meanwhile')
      return answer
    })
    expect(await phone.sync.now()).toMatchObject({ final: 4, allSent: true })
    expect(await atHub()).toEqual(await linesOf(phone))
  })

  it('once when everybody asks at once', async () => {
    await write(phone, 5)
    const all = await Promise.all([phone.sync.now(), phone.sync.now(), phone.sync.now()])
    expect(all.map(({ final }) => final)).toEqual([5, 5, 5])
    expect(phone.link.seen).toHaveLength(1)
  })

  it('after the app was killed between save and send, over IndexedDB', async () => {
    const name = 'killed-between-save-and-send'
    const first = await openStore({ name })
    const file = await photo(1)
    await first.append(resultWith(file), [file])
    // Killed here: nothing of the first start survives but the database.
    const store = await openStore({ name })
    phone = await createPhone(hub, { store })
    expect(await phone.sync.now()).toMatchObject({ final: 1, blobsWaiting: 0, allSent: true })
    expect(await atHub()).toHaveLength(1)
    first.close()
    store.close()
  })

  it('stops when told to, and goes on later', async () => {
    await write(phone, 3)
    const controller = new AbortController()
    phone.link.next(() => {
      controller.abort()
      return new Promise(() => undefined)
    })
    await expect(phone.sync.now({ signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
    expect(await phone.sync.now()).toMatchObject({ final: 3, running: false })
  })

  it('goes on for those who still wait when one of them leaves', async () => {
    await write(phone, 1)
    const controller = new AbortController()
    phone.link.next(async (forward) => {
      controller.abort()
      return forward()
    })
    const leaving = phone.sync.now({ signal: controller.signal })
    const staying = phone.sync.now()
    await expect(leaving).rejects.toMatchObject({ name: 'AbortError' })
    expect(await staying).toMatchObject({ final: 1 })
  })
})

describe('nothing is lost and nothing doubled by', () => {
  const table: [string, Fault, string][] = [
    ['no connection', faults.refused, 'sync/offline'],
    ['an answer that got lost after the commit', faults.answerLost, 'sync/offline'],
    ['an answer cut in the middle', cutAnswer(50, true), 'sync/offline'],
    ['an answer cut where nobody notices', cutAnswer(50, false), 'sync/truncated'],
    ['an empty answer', cutAnswer(0, false), 'sync/captive-portal'],
    ["a captive portal's page", faults.portalPage, 'sync/captive-portal'],
    ["a captive portal's JSON", faults.portalJson, 'sync/captive-portal'],
    ["a captive portal's redirect", faults.portalRedirect, 'sync/captive-portal'],
    ["a captive portal's 204", faults.portalNoContent, 'sync/captive-portal'],
    ["a captive portal's 511", faults.portalStatus, 'sync/captive-portal'],
    ['413', faults.tooLarge, 'sync/too-large'],
    ['429', faults.tooOften, 'sync/busy'],
    ['500', faults.failing, 'sync/hub-error'],
    ['503', faults.unavailable, 'sync/busy'],
    ['an envelope that lacks its parts', tamper(({ jiko }) => ({ jiko })), 'sync/bad-answer'],
  ]
  it.each(table)('%s', async (_, fault, code) => {
    await write(phone, 4)
    phone.link.next(fault)
    const failed = await phone.sync.now()
    expect(failed).toMatchObject({ local: 4, held: 0, final: 0, allSent: false, running: false, lastError: code })
    expect(failed.lastContact).toBeUndefined()
    const healed = await phone.sync.now()
    expect(healed).toMatchObject({ final: 4, allSent: true })
    expect(healed.lastError).toBeUndefined()
    expect(await atHub()).toEqual(await linesOf(phone))
  })

  it('a request that arrives three times at once', async () => {
    await write(phone, 4)
    phone.link.next(faults.thrice)
    expect(await phone.sync.now()).toMatchObject({ final: 4, allSent: true })
    expect(await atHub()).toEqual(await linesOf(phone))
  })

  it('an old request that is played again hours later', async () => {
    await write(phone, 2)
    let replay = async (): Promise<Response> => Response.error()
    phone.link.next(async (forward) => {
      replay = forward
      return forward()
    })
    await phone.sync.now()
    await write(phone, 2, 'later')
    await phone.sync.now()
    expect((await replay()).status).toBe(200)
    expect(await phone.sync.now()).toMatchObject({ final: 4, allSent: true })
    expect(await atHub()).toEqual(await linesOf(phone))
  })

  it('a hub that wants to be left alone, which is passed on', async () => {
    await write(phone, 1)
    phone.link.next(faults.tooOften)
    expect(await phone.sync.now()).toMatchObject({ lastError: 'sync/busy', retryAfter: 120_000 })
  })

  it('a link that dies again and again while something gets through', async () => {
    await write(phone, 400)
    let count = 0
    phone.link.weather = () => (count++ % 2 === 1 ? faults.answerLost : undefined)
    expect(await phone.sync.now()).toMatchObject({ final: 400, allSent: true })
    expect(await atHub()).toEqual(await linesOf(phone))
  })

  it('connections that all die after 1 KB: each try is smaller until single records get through', async () => {
    await write(phone, 12)
    phone.link.weather = () => cutRequest(1024, (request) => hub.hub.fetch(request))
    let tries = 0
    while (!(await phone.sync.now()).allSent) expect(tries++).toBeLessThan(8)
    expect(await atHub()).toEqual(await linesOf(phone))
  })

  it('a connection that is open and dead', async () => {
    await write(phone, 1)
    const barks: (() => void)[] = []
    phone = await createPhone(hub, {
      disk: phone.disk,
      watchdog: (_ms, onStall) => {
        barks.push(onStall)
        return { touch: () => undefined, stop: () => undefined }
      },
    })
    phone.link.next(() => {
      queueMicrotask(() => barks.at(-1)?.())
      return new Promise(() => undefined)
    })
    expect(await phone.sync.now()).toMatchObject({ local: 1, lastError: 'sync/stalled' })
    expect(await phone.sync.now()).toMatchObject({ final: 1 })
  })

  it('a line that the hub puts in quarantine: it is acknowledged, and those behind it arrive', async () => {
    await write(phone, 1)
    const [state] = await phone.store.streams()
    if (!state) throw new Error('no stream')
    // Written by some other version of the app: ours would not let it through.
    const line = '{"v":9,"kind":"dream"}'
    const hash = await nextHash(state.hash, line)
    await phone.disk.open().transact('write', async (tables) => {
      await tables.putRecord({ stream: state.stream, seq: 2, line, hash })
      await tables.putStream({ ...state, tip: 2, hash })
    })
    await write(phone, 2)
    expect(await phone.sync.now()).toMatchObject({ final: 4, allSent: true })
    const verdicts = (await hub.store.records(PROGRAM, { limit: 10 })).map(({ verdict }) => verdict.split(':')[0])
    expect(verdicts).toEqual(['ok', 'quarantine', 'ok', 'ok'])
  })
})

describe('nothing is believed', () => {
  type Ack = Record<string, { upto: number; hash: string; level: string; receipt: string }>
  const changeAck = (change: (ack: Ack[string]) => unknown): Fault =>
    tamper((answer) => ({
      ...answer,
      ack: Object.fromEntries(Object.entries(answer.ack as Ack).map(([stream, ack]) => [stream, change(ack)])),
    }))

  it('of a receipt that the hub did not sign', async () => {
    await write(phone, 2)
    phone.link.next(changeAck((ack) => ({ ...ack, receipt: toBase64Url(new Uint8Array(64)) })))
    expect(await phone.sync.now()).toMatchObject({ local: 2, lastError: 'sync/bad-receipt' })
    phone.link.next(changeAck((ack) => ({ ...ack, level: 'held' })))
    expect(await phone.sync.now()).toMatchObject({ local: 2, lastError: 'sync/bad-receipt' })
    expect(await phone.sync.now()).toMatchObject({ final: 2 })
  })

  it('of a hub whose chain is not ours', async () => {
    await write(phone, 2)
    await phone.sync.now()
    await write(phone, 1)
    const { signer } = hub
    const [state] = await phone.store.streams()
    const stream = state?.stream ?? ''
    const hash = 'ee'.repeat(32)
    const receipt = await signer.sign(receiptMessage(PROGRAM, stream, 3, hash, 'final'))
    phone.link.next(changeAck((ack) => ({ ...ack, hash, receipt })))
    expect(await phone.sync.now()).toMatchObject({ local: 1, final: 2, lastError: 'sync/wrong-hash' })
    expect(await phone.sync.now()).toMatchObject({ final: 3 })
  })

  it('of another hub at the same address, until a person confirms it', async () => {
    await write(phone, 2)
    await phone.sync.now()
    const other = await createTestHub()
    await write(phone, 1)
    const moved = await createPhone(other, { disk: phone.disk })
    expect(await moved.sync.now()).toMatchObject({ local: 1, final: 2, lastError: 'sync/hub-changed' })
    await moved.sync.trustHub(other.signer.key)
    // The new hub has nothing yet, so it gets everything.
    expect(await moved.sync.now()).toMatchObject({ final: 3, allSent: true })
    expect(await other.records()).toHaveLength(3)
  })

  it('of a hub that answers well and takes nothing', async () => {
    await write(phone, 1)
    const [state] = await phone.store.streams()
    const receipt = await hub.signer.sign(receiptMessage(PROGRAM, state?.stream ?? '', 0, EMPTY_HASH, 'final'))
    const lazy = changeAck((ack) => ({ ...ack, upto: 0, hash: EMPTY_HASH, receipt }))
    phone.link.next(lazy, lazy, lazy)
    expect(await phone.sync.now()).toMatchObject({ local: 1, lastError: 'sync/hub-error' })
  })
})

describe('a hub that lost lines', () => {
  it('says so, and gets them again', async () => {
    const file = await photo(1, 3000)
    await write(phone, 5)
    await phone.store.append(resultWith(file), [file])
    expect(await phone.sync.now()).toMatchObject({ final: 6, allSent: true })
    // Yesterday's backup was empty; its key is the same.
    const restored = await createTestHub({ signer: hub.signer })
    const after = await createPhone(restored, { disk: phone.disk })
    after.link.next(faults.none, faults.refused)
    expect(await after.sync.now()).toMatchObject({ lastError: 'sync/offline', final: 0, local: 6, allSent: false })
    expect(await after.sync.now()).toMatchObject({ final: 6, blobsWaiting: 0, allSent: true })
    expect(await restored.records()).toHaveLength(6)
    const named = await restored.store.namedBlob(PROGRAM, file.sha256)
    expect(named?.whole).toBe(true)
  })
})

describe('two installs that write one stream', () => {
  const labels = async (target: TestHub): Promise<string[]> =>
    (await target.records()).map(({ line }) => JSON.parse(line).answer?.label).sort()

  it('a clone: what both had arrives once, what each wrote since arrives too', async () => {
    await write(phone, 3, 'sent')
    await phone.sync.now()
    await write(phone, 4, 'common')
    const clone = await createPhone(hub, { disk: phone.disk.copy() })
    await write(phone, 2, 'mine')
    await write(clone, 3, 'theirs')
    expect(await phone.sync.now()).toMatchObject({ allSent: true })
    await clone.sync.now()
    await clone.sync.now()
    await write(phone, 1, 'mine later')
    await phone.sync.now()
    expect(await labels(hub)).toEqual(
      [
        ...[0, 1, 2].map((i) => `sent-${i}`),
        ...[0, 1, 2, 3].map((i) => `common-${i}`),
        ...[0, 1].map((i) => `mine-${i}`),
        ...[0, 1, 2].map((i) => `theirs-${i}`),
        'mine later-0',
      ].sort(),
    )
    expect((await clone.store.streams()).length).toBe(2)
    expect((await phone.store.streams()).length).toBe(1)
  })

  it('a clone that is behind the hub', async () => {
    await write(phone, 2, 'common')
    const clone = await createPhone(hub, { disk: phone.disk.copy() })
    await write(phone, 2, 'mine')
    await phone.sync.now()
    await clone.sync.now()
    await write(clone, 1, 'theirs')
    expect(await clone.sync.now()).toMatchObject({ local: 0 })
    expect(await labels(hub)).toEqual(['common-0', 'common-1', 'mine-0', 'mine-1', 'theirs-0'])
  })

  it('a clone that is behind the hub and writes while it asks', async () => {
    await write(phone, 2, 'common')
    const clone = await createPhone(hub, { disk: phone.disk.copy() })
    await write(phone, 3, 'mine')
    await phone.sync.now()
    clone.link.next(async (forward) => {
      const answer = await forward()
      await write(clone, 2, 'meanwhile')
      return answer
    })
    expect(await clone.sync.now()).toMatchObject({ local: 0 })
    expect(await labels(hub)).toHaveLength(7)
    expect(new Set(await labels(hub)).size).toBe(7)
  })

  it('a clone whose lines a restored hub lacks, and has others in their place', async () => {
    await write(phone, 2, 'common')
    const clone = await createPhone(hub, { disk: phone.disk.copy() })
    await write(clone, 2, 'theirs')
    await clone.sync.now()
    const restored = await createTestHub({ signer: hub.signer })
    const after = [
      await createPhone(restored, { disk: phone.disk }),
      await createPhone(restored, { disk: clone.disk }),
    ] as const
    await write(after[0], 1, 'mine')
    await after[0].sync.now()
    expect(await after[1].sync.now()).toMatchObject({ local: 0, allSent: true })
    expect(await labels(restored)).toEqual(['common-0', 'common-1', 'mine-0', 'theirs-0', 'theirs-1'])
  })

  it('a restored backup: what was written since the backup stays at the hub, what came after gets a new stream', async () => {
    await write(phone, 4, 'before')
    await phone.sync.now()
    const backup = phone.disk.copy()
    await write(phone, 6, 'lost from the phone')
    await phone.sync.now()
    const restored = await createPhone(hub, { disk: backup })
    await write(restored, 3, 'after')
    await restored.sync.now()
    expect(await restored.sync.now()).toMatchObject({ local: 0 })
    expect(await labels(hub)).toHaveLength(13)
  })

  it('loses none of its records when the link dies at any request of the repair', async () => {
    for (let dies = 0; dies < 12; dies++) {
      hub = await createTestHub()
      phone = await createPhone(hub, { disk: createMemoryDisk() })
      await write(phone, 9, 'common')
      const clone = await createPhone(hub, { disk: phone.disk.copy() })
      await write(phone, 5, 'mine')
      await phone.sync.now()
      await write(clone, 5, 'theirs')
      clone.link.next(...Array.from({ length: dies }, () => faults.none), faults.answerLost)
      await clone.sync.now()
      expect(await clone.sync.now()).toMatchObject({ local: 0 })
      expect(new Set(await labels(hub)).size).toBe(19)
      expect(await labels(hub)).toHaveLength(19)
    }
  })
})

describe('photos', () => {
  it('go after the records, and arrive whole', async () => {
    const files = [await photo(1, 30_000), await photo(2, 500), await photo(3, 0)]
    for (const file of files) await phone.store.append(resultWith(file), [file])
    expect(await phone.sync.now()).toMatchObject({ final: 3, blobsWaiting: 0, allSent: true })
    expect(phone.link.seen[0]?.method).toBe('POST')
    for (const { sha256 } of files) expect(await hub.store.namedBlob(PROGRAM, sha256)).toMatchObject({ whole: true })
  })

  it.each([
    ['before they were sent never leave the phone', false],
    ['after that go from the hub', true],
  ])('that a person takes from their record %s, and one record stands for it', async (_, sentBefore) => {
    const file = await photo(4, 3000)
    const { stream, seq, body } = await phone.store.append(resultWith(file), [file])
    await phone.store.append(correction(`${stream}/${seq}`, 'phoma'))
    if (sentBefore) {
      await phone.sync.now()
      expect(await hub.store.namedBlob(PROGRAM, file.sha256)).toMatchObject({ whole: true })
    }
    const next = result('rust', { faces: { hidden: 1, unkept: 'person' } })
    await phone.store.replace(`${stream}/${seq}`, next, { at: body.at, clock: 9 })
    expect(await phone.sync.now()).toMatchObject({ allSent: true, blobsWaiting: 0 })
    expect(await hub.store.namedBlob(PROGRAM, file.sha256)).toBeUndefined()
    const seen = phone.link.seen.filter(({ method }) => method === 'PATCH')
    expect(seen).toHaveLength(sentBefore ? 1 : 0)
    const results: unknown[] = []
    for await (const { body, said } of exportedResults(hub.store, PROGRAM)) results.push([body, said.label])
    expect(results).toEqual([[next, 'phoma']])
  })

  it('of 400 KB arrive when every connection dies after 8 KB, with at most a tenth sent again', async () => {
    const file = await photo(7, 400_000)
    await phone.store.append(resultWith(file), [file])
    phone.link.weather = () => cutRequest(8 * 1024, (request) => hub.hub.fetch(request))
    let tries = 0
    while (!(await phone.sync.now()).allSent) expect(tries++).toBeLessThan(20)
    const sent = phone.link.seen.filter(({ method }) => method === 'PATCH')
    const reached = sent.reduce((sum, { bytes }) => sum + Math.min(bytes, 8 * 1024), 0)
    expect(reached).toBeLessThan(440_000)
    expect(await hub.store.namedBlob(PROGRAM, file.sha256)).toMatchObject({ whole: true })
  })

  it('go on where they were after a restart of the app', async () => {
    const file = await photo(8, 60_000)
    await phone.store.append(resultWith(file), [file])
    phone.link.weather = (request) =>
      request.method === 'PATCH' && request.headers.get('upload-offset') !== '0' ? faults.refused : undefined
    expect(await phone.sync.now()).toMatchObject({ blobsWaiting: 1, allSent: false, final: 1 })
    const again = await createPhone(hub, { disk: phone.disk })
    expect(await again.sync.now()).toMatchObject({ blobsWaiting: 0, allSent: true })
    const first = again.link.seen.find(({ method }) => method === 'PATCH')
    const bytes = again.link.seen.filter(({ method }) => method === 'PATCH').reduce((sum, one) => sum + one.bytes, 0)
    expect(first).toBeDefined()
    expect(bytes).toBe(60_000 - 8 * 1024)
  })

  it('let records pass that are written meanwhile', async () => {
    const file = await photo(9, 60_000)
    await phone.store.append(resultWith(file), [file])
    let written = false
    phone.link.weather = (request) => {
      if (request.method !== 'PATCH' || written) return undefined
      written = true
      return async (forward) => {
        await write(phone, 1, 'meanwhile')
        return forward()
      }
    }
    expect(await phone.sync.now()).toMatchObject({ final: 2, allSent: true })
    const methods = phone.link.seen.map(({ method }) => method)
    const first = methods.indexOf('PATCH')
    expect(methods.indexOf('POST', first)).toBe(first + 1)
  })

  const table: [string, Fault, string][] = [
    ["a captive portal's page", faults.portalPage, 'sync/captive-portal'],
    ["a captive portal's 204", faults.portalNoContent, 'sync/captive-portal'],
    ["a captive portal's redirect", faults.portalRedirect, 'sync/captive-portal'],
    ['500', faults.failing, 'sync/hub-error'],
    ['503', faults.unavailable, 'sync/busy'],
  ]
  it.each(table)('are not taken for sent by %s', async (_, fault, code) => {
    const file = await photo(10, 5000)
    await phone.store.append(resultWith(file), [file])
    for (const method of ['HEAD', 'PATCH']) {
      phone.link.weather = (request) => (request.method === method ? fault : undefined)
      expect(await phone.sync.now()).toMatchObject({ blobsWaiting: 1, allSent: false, lastError: code })
    }
    phone.link.weather = () => undefined
    expect(await phone.sync.now()).toMatchObject({ blobsWaiting: 0, allSent: true })
  })

  it('are sent anew when a piece was damaged on its way', async () => {
    const file = await photo(11, 5000)
    await phone.store.append(resultWith(file), [file])
    let damaged = false
    phone.link.weather = (request) => {
      if (request.method !== 'PATCH' || damaged) return undefined
      damaged = true
      return async () => {
        const bytes = new Uint8Array(await request.arrayBuffer())
        bytes[100] = (bytes[100] ?? 0) ^ 1
        return hub.hub.fetch(new Request(request.url, { method: 'PATCH', headers: request.headers, body: bytes }))
      }
    }
    expect(await phone.sync.now()).toMatchObject({ blobsWaiting: 0, allSent: true })
  })

  describe('that somebody is to look at first', () => {
    const hidden = async (seed: number) => ({ ...(await photo(seed, 3000)), unseen: true })
    const blobAt = async (sha256: string): Promise<unknown> => (await hub.store.namedBlob(PROGRAM, sha256))?.whole
    /** Requests in which the hub was told or asked of a photo. */
    const asked = (sha256: string): number => phone.link.seen.filter(({ path }) => path.includes(sha256)).length

    it('stay, asked for or not, and are said to; the hub has their record, and they go once that was done', async () => {
      const [one, two] = [await hidden(1), await photo(2)]
      await phone.store.append(resultWith(one), [one])
      await phone.store.append(resultWith(two), [two])
      const held = { final: 2, blobsWaiting: 1, blobsUnseen: 1, blobsDeferred: 0, allSent: false }
      expect(await phone.sync.now()).toMatchObject(held)
      // The hub has said by now that it lacks it.
      expect(await phone.sync.now({ photos: true })).toMatchObject(held)
      expect([asked(one.sha256), await blobAt(two.sha256)]).toEqual([0, true])
      await phone.store.attachmentsSeen([one.sha256])
      expect(await phone.sync.now()).toMatchObject({ blobsWaiting: 0, blobsUnseen: 0, allSent: true })
      expect(await blobAt(one.sha256)).toBe(true)
    })

    it('and are taken away never leave', async () => {
      const one = await hidden(1)
      const { stream, body } = await phone.store.append(resultWith(one), [one])
      await phone.sync.now()
      await phone.store.replace(`${stream}/1`, result(), { at: body.at })
      expect(await phone.sync.now()).toMatchObject({ allSent: true, blobsWaiting: 0 })
      expect([asked(one.sha256), await hub.store.namedBlob(PROGRAM, one.sha256)]).toEqual([0, undefined])
    })

    it('are the same in all tabs: whichever was looked at in, the other sends it', async () => {
      const one = await hidden(1)
      await phone.store.append(resultWith(one), [one])
      const tab = await createPhone(hub, { disk: phone.disk })
      expect(await tab.sync.now()).toMatchObject({ blobsUnseen: 1, allSent: false })
      await phone.store.attachmentsSeen([one.sha256])
      expect(await tab.sync.now()).toMatchObject({ allSent: true })
    })

    it('go all the same after six hours, by a run of the app that was killed over them', async () => {
      const one = await hidden(1)
      await phone.store.append(resultWith(one), [one])
      const at = (hours: number) =>
        createPhone(hub, {
          disk: phone.disk,
          moment: () => ({ wall: 1_790_000_000_000 + hours * 3_600_000, mono: 1, session: `after ${hours}` }),
        })
      expect(await (await at(5.9)).sync.now()).toMatchObject({ blobsUnseen: 1, allSent: false })
      expect(await (await at(6)).sync.now()).toMatchObject({ blobsUnseen: 0, allSent: true })
    })
  })

  it('that the hub will not take hold up nobody', async () => {
    const [odd, good] = [await photo(12, 100), await photo(13, 100)]
    // Written by a record that does not name it, so the hub never asks for it.
    await phone.store.append(result('odd'), [odd])
    await phone.store.append(resultWith(good), [good])
    expect(await phone.sync.now()).toMatchObject({ blobsWaiting: 1, allSent: false, final: 2 })
    expect(await hub.store.namedBlob(PROGRAM, good.sha256)).toMatchObject({ whole: true })
  })
})
