import { describe, expect, it } from 'vitest'
import { lineHashOf } from '../../../src/hub/chain.ts'
import type { Carried, SyncRequest, SyncResponse } from '../../../src/protocol/hub.ts'
import { EMPTY_HASH } from '../../../src/protocol/log.ts'
import { createFakePhone, type FakePhone, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub } from '../../helpers/test-hub.ts'

const LABELS = ['a', 'b', 'c', 'd']

async function story() {
  const hub = await createTestHub()
  const phone = await createFakePhone()
  await phone.append(...LABELS.map((label) => resultLine(label)))
  /** A hub of its own key: it signs requests like a phone does, and nothing else of it counts. */
  const carrier = await createFakePhone()
  return { hub, phone, carrier }
}

/** An honest carrier's words for lines `from..to` of a phone. */
async function carry(phone: FakePhone, from: number, to: number, seq = phone.lines.length): Promise<Carried> {
  return {
    key: phone.key,
    epoch: phone.epoch,
    app: 'fake 1',
    head: await phone.head(seq),
    push: {
      from,
      before: from === 1 ? EMPTY_HASH : phone.hashAt(from - 1),
      lines: phone.lines.slice(from - 1, to),
      rest: phone.lines.slice(to, seq).map(lineHashOf).join(''),
      quarantine: [],
    },
  }
}

async function send(
  { hub, carrier }: Pick<Awaited<ReturnType<typeof story>>, 'hub' | 'carrier'>,
  carried: Record<string, Carried>,
): Promise<SyncResponse> {
  const { heads: _, ...rest } = await carrier.request()
  const request: SyncRequest = { ...rest, device: { key: carrier.key, epochs: {} }, heads: {}, carried }
  const response = await hub.send(carrier, request)
  expect(response.status).toBe(200)
  return (await response.json()) as SyncResponse
}

describe('a stream that another hub carries', () => {
  it('is taken as if the device had come itself', async () => {
    const told = await story()
    const { hub, phone } = told
    const first = await send(told, { [phone.stream]: await carry(phone, 1, 2) })
    expect(first.ack[phone.stream]).toMatchObject({ upto: 2, hash: phone.hashAt(2), level: 'final' })
    const second = await send(told, { [phone.stream]: await carry(phone, 3, 4) })
    expect(second.ack[phone.stream]).toMatchObject({ upto: 4, hash: phone.hashAt(4) })
    expect(await send(told, { [phone.stream]: await carry(phone, 1, 4) })).toMatchObject({ forks: [] })
    expect((await hub.records()).map(({ seq }) => seq)).toEqual([1, 2, 3, 4])
    expect(await hub.store.device('default', phone.key)).toMatchObject({ app: 'fake 1' })
    await phone.append(resultLine('e'))
    expect((await hub.sync(phone, { from: 5 })).ack[phone.stream]).toMatchObject({ upto: 5 })
  })

  it('is acknowledged only as far as the carrier can compare', async () => {
    const told = await story()
    const { hub, phone } = told
    await hub.sync(phone, { from: 1 })
    const [seq, hash] = [2, phone.hashAt(2)]
    const short = await send(told, { [phone.stream]: await carry(phone, 1, 2, 2) })
    expect(short.ack[phone.stream]).toMatchObject({ upto: seq, hash })
    const asked = await send(told, { [phone.stream]: { ...(await carry(phone, 1, 4)), upto: 1 } })
    expect(asked.ack[phone.stream]).toMatchObject({ upto: 1, hash: phone.hashAt(1) })
  })

  it.each<[string, (honest: Carried, phone: FakePhone, other: FakePhone) => unknown]>([
    [
      'with a line changed',
      ({ push, ...rest }) => ({ ...rest, push: { ...push, lines: ['changed', push?.lines[1]] } }),
    ],
    ['with a line left out', ({ push, ...rest }) => ({ ...rest, push: { ...push, lines: push?.lines.slice(1) } })],
    ['with lines exchanged', ({ push, ...rest }) => ({ ...rest, push: { ...push, lines: push?.lines.toReversed() } })],
    [
      'with a line invented at the end',
      ({ push, ...rest }) => ({ ...rest, push: { ...push, rest: '', lines: [...LABELS, 'x'] } }),
    ],
    ['with what leads to the head left out', ({ push, ...rest }) => ({ ...rest, push: { ...push, rest: '' } })],
    ['moved along', ({ push, ...rest }) => ({ ...rest, push: { ...push, from: 2 } })],
    ['on another beginning', ({ push, ...rest }) => ({ ...rest, push: { ...push, before: 'ab'.repeat(32) } })],
  ])('is not taken %s', async (_, spoil) => {
    const told = await story()
    const { hub, phone, carrier } = told
    const spoilt = spoil(await carry(phone, 1, 2), phone, carrier) as Carried
    const answer = await send(told, { [phone.stream]: spoilt })
    expect(answer).toMatchObject({ ack: {}, refused: [[phone.stream, 'hub/not-proven']] })
    expect(await hub.store.count('default')).toBe(0)
    expect(await hub.store.stream('default', phone.stream)).toBeUndefined()
  })

  it('is not taken under a head that its device did not sign', async () => {
    const told = await story()
    const { phone, carrier } = told
    const honest = await carry(phone, 1, 2)
    const [seq, hash] = honest.head
    const [, , forged] = await carrier.head()
    const answer = await send(told, { [phone.stream]: { ...honest, head: [seq, hash, forged] } })
    expect(answer.refused).toEqual([[phone.stream, 'hub/bad-signature']])
  })

  it('is not taken under the name of another, and keeps no good one back', async () => {
    const told = await story()
    const { hub, phone } = told
    const other = await createFakePhone()
    await other.append(resultLine('x'))
    const answer = await send(told, {
      [other.stream]: await carry(phone, 1, 2),
      [phone.stream]: await carry(phone, 1, 4),
    })
    expect(answer.refused).toEqual([[other.stream, 'hub/not-your-stream']])
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 4 })
    expect(await hub.store.streams('default')).toHaveLength(1)
  })

  it('is kept apart when its device signed two chains', async () => {
    const told = await story()
    const { hub, phone } = told
    const clone = phone.clone()
    await phone.append(resultLine('phone 5'))
    await clone.append(...['clone 5', 'clone 6', 'clone 7'].map((label) => resultLine(label)))
    await hub.sync(phone, { from: 1 })
    // The part after the fork comes first, and would fit by its number.
    const answer = await send(told, { [phone.stream]: await carry(clone, 6, 6, 7) })
    expect(answer.forks).toEqual([phone.stream])
    expect((await hub.store.forks('default', 9)).map(({ line }) => line)).toEqual([clone.lines[5]])
    expect((await hub.records()).length).toBe(5)
  })

  it('is quarantined where its device is revoked here, whatever the carrier says', async () => {
    const told = await story()
    const { hub, phone } = told
    await hub.sync(phone, { from: 1, to: 1 })
    await hub.store.revokeDevice('default', phone.key, 1)
    await send(told, { [phone.stream]: await carry(phone, 2, 4) })
    expect((await hub.records()).map(({ verdict }) => verdict)).toEqual([
      'ok',
      ...Array(3).fill(expect.stringMatching(/revoked/)),
    ])
  })

  it('is not taken from a carrier that was revoked', async () => {
    const { hub, phone, carrier } = await story()
    await hub.sync(carrier)
    await hub.store.revokeDevice('default', carrier.key, 1)
    const { heads: _, ...rest } = await carrier.request()
    const carried = { [phone.stream]: await carry(phone, 1, 4) }
    const response = await hub.send(carrier, { ...rest, heads: {}, carried })
    expect([response.status, (await response.json()).error.code]).toEqual([403, 'hub/revoked'])
    expect(await hub.store.count('default')).toBe(0)
  })

  it.each([
    ['a rest that is no hashes', { rest: 'abc' }],
    ['a rest without end', { rest: 'ab'.repeat(32 * 16_001) }],
    ['more lines than a push may have', { lines: Array(2001).fill('x') }],
    ['a place before the first', { from: 0 }],
  ])('is refused with %s', async (_, change) => {
    const { hub, phone, carrier } = await story()
    const honest = await carry(phone, 1, 4)
    const { heads: __, ...rest } = await carrier.request()
    const carried = { [phone.stream]: { ...honest, push: { ...honest.push, ...change } } }
    const response = await hub.send(carrier, { ...rest, heads: {}, carried })
    expect([response.status, (await response.json()).error.code]).toEqual([400, 'hub/bad-request'])
  })
})

describe('a head signed for the lines pushed', () => {
  it('of a device whose chain is another makes a fork of them, even where their numbers fit', async () => {
    const { hub, phone } = await story()
    const clone = phone.clone()
    await phone.append(resultLine('phone 5'))
    await clone.append(...['clone 5', 'clone 6', 'clone 7'].map((label) => resultLine(label)))
    await hub.sync(phone, { from: 1 })
    const request = await clone.request({ from: 6, to: 6 })
    const response = await hub.send(clone, { ...request, push: { ...request.push, head: await clone.head(6) } })
    expect(((await response.json()) as SyncResponse).forks).toEqual([phone.stream])
    expect(await hub.records()).toHaveLength(5)
  })

  it('must be signed', async () => {
    const { hub, phone } = await story()
    const request = await phone.request({ from: 1, to: 2 })
    const [, , elsewhere] = await phone.head(3)
    const head = [2, phone.hashAt(2), elsewhere]
    const response = await hub.send(phone, { ...request, push: { ...request.push, head } })
    expect([response.status, (await response.json()).error.code]).toEqual([401, 'hub/bad-signature'])
  })
})
