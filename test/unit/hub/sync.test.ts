import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openSqliteStore } from '../../../src/hub/store/sqlite.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { MAX_SYNC_BYTES, SyncResponse } from '../../../src/protocol/hub.ts'
import { EMPTY_HASH, headMessage, receiptMessage, streamId } from '../../../src/protocol/log.ts'
import { parseWith } from '../../../src/protocol/parse.ts'
import { createSigner, generateKeyPair, verify } from '../../../src/protocol/sign.ts'
import { createFakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub, ORIGIN } from '../../helpers/test-hub.ts'

const gzip = (data: string | Uint8Array) => new Uint8Array(gzipSync(data))
const codeOf = async (response: Response) => [response.status, (await response.json()).error.code]

async function phoneWith(...labels: string[]) {
  const phone = await createFakePhone()
  await phone.append(...labels.map((label) => resultLine(label)))
  return phone
}

describe('a push that is taken', () => {
  it('is acknowledged with the hash that the phone has itself, by a receipt that the hub signed', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('rust', 'miner', 'healthy')
    const answer = await hub.sync(phone, { from: 1 })
    expect(parseWith(SyncResponse, answer, 'sync/bad-answer', 'the answer')).toEqual(answer)
    const ack = answer.ack[phone.stream]
    expect(ack).toMatchObject({ upto: 3, hash: phone.hashAt(3), level: 'final' })
    expect(answer.hub.key).toBe(hub.key)
    const message = receiptMessage('default', phone.stream, 3, phone.hashAt(3), 'final')
    expect(await verify(hub.key, message, ack?.receipt ?? '')).toBe(true)
    expect(answer).toMatchObject({ verdicts: [], forks: [], want: [], blobs: [], time: hub.clock.now })
    expect(answer.next.bytes).toBeLessThanOrEqual(MAX_SYNC_BYTES)
  })

  it('is only held when another hub stands above', async () => {
    const hub = await createTestHub({ upstream: 'https://district.example' })
    const phone = await phoneWith('rust')
    expect((await hub.sync(phone, { from: 1 })).ack[phone.stream]).toMatchObject({ upto: 1, level: 'held' })
  })

  it('is there line by line, as it was written', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('rust')
    // More digits than a JavaScript number holds, and a field that this version does not know.
    await phone.append(resultLine('miner').replace('{', '{"exact":12345678901234567890,'))
    await hub.sync(phone, { from: 1 })
    const text = await (await hub.ask('/v1/default/records')).text()
    expect(text).toContain('"exact":12345678901234567890')
    const records = await hub.records()
    expect(records.map(({ id, seq, verdict }) => [id, seq, verdict])).toEqual([
      [`${phone.stream}/1`, 1, 'ok'],
      [`${phone.stream}/2`, 2, 'ok'],
    ])
    expect(records[0]?.body).toEqual(JSON.parse(phone.lines[0] ?? ''))
    expect(records[0]?.receivedAt).toBe(hub.clock.now)
  })

  it('comes in batches, the rest is asked for until the announced head is reached', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a', 'b', 'c', 'd', 'e')
    const first = await hub.sync(phone, { from: 1, to: 2 })
    expect(first.ack[phone.stream]).toMatchObject({ upto: 2, hash: phone.hashAt(2) })
    expect(first.want).toEqual([[phone.stream, 3, 5]])
    expect(first.next.delay).toBe(0)
    const second = await hub.sync(phone, { from: 3 })
    expect(second.ack[phone.stream]).toMatchObject({ upto: 5, hash: phone.hashAt(5) })
    expect(second.want).toEqual([])
    expect(second.next.delay).toBeGreaterThan(0)
  })

  it('may begin before the end of what is here: what is equal is skipped', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a', 'b', 'c')
    await hub.sync(phone, { from: 1 })
    await phone.append(resultLine('d'))
    const answer = await hub.sync(phone, { from: 2 })
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 4, hash: phone.hashAt(4) })
    expect(await hub.records()).toHaveLength(4)
  })

  it('may lie wholly behind, hours later: the same answer, nothing counted twice', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a', 'b')
    const replayed = await phone.request({ from: 1 })
    await hub.send(phone, replayed)
    await phone.append(resultLine('c'))
    await hub.sync(phone, { from: 3 })
    hub.clock.now += 5 * 3_600_000
    const answer = await (await hub.send(phone, replayed)).json()
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 3, hash: phone.hashAt(3) })
    expect(answer.forks).toEqual([])
    expect(await hub.records()).toHaveLength(3)
  })
})

describe.each([
  ['memory', () => undefined],
  ['SQLite', () => openSqliteStore(':memory:')],
])('requests at once, on %s', (_, open) => {
  it('three equal ones give one answer and count once', async () => {
    const store = open()
    const hub = await createTestHub(store && { store })
    const phone = await phoneWith('a', 'b', 'c')
    await phone.append('poison')
    const answers = await Promise.all([1, 2, 3].map(() => hub.sync(phone, { from: 1 })))
    // ECDSA signatures are random: the same receipt is signed otherwise each time.
    const plain = answers.map(({ ack, ...rest }) => [rest, ack[phone.stream]?.upto, ack[phone.stream]?.hash])
    expect(plain[1]).toEqual(plain[0])
    expect(plain[2]).toEqual(plain[0])
    expect(plain[0]?.slice(1)).toEqual([4, phone.hashAt(4)])
    expect(await hub.records()).toHaveLength(4)
    await store?.close()
  })

  it('overlapping ones of one phone, and those of others, all arrive once', async () => {
    const store = open()
    const hub = await createTestHub(store && { store })
    const phones = await Promise.all(['a', 'b', 'c'].map((name) => phoneWith(...Array(9).fill(name))))
    await Promise.all(
      phones.flatMap((phone) => [
        hub.sync(phone, { from: 1, to: 3 }),
        hub.sync(phone, { from: 1 }),
        hub.sync(phone, { from: 1, to: 6 }),
        hub.sync(phone),
      ]),
    )
    for (const phone of phones) {
      expect((await hub.sync(phone)).ack[phone.stream]).toMatchObject({ upto: 9, hash: phone.hashAt(9) })
    }
    const ids = (await hub.records()).map(({ id }) => id)
    expect(new Set(ids).size).toBe(27)
    expect(ids).toHaveLength(27)
    await store?.close()
  })
})

describe('a log with something missing or divided', () => {
  it('is not continued over a gap: the answer says what is needed', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a', 'b', 'c')
    const answer = await hub.sync(phone, { from: 2 })
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 0, hash: EMPTY_HASH })
    expect(answer.want).toEqual([[phone.stream, 1, 3]])
    expect(await hub.records()).toEqual([])
    expect(await hub.store.stream('default', phone.stream)).toMatchObject({ tip: 0, announced: { seq: 3 } })
  })

  it('is heard of without a push', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a')
    expect(await hub.sync(phone)).toMatchObject({ want: [[phone.stream, 1, 1]], forks: [] })
  })

  it('forks when a clone writes another line: both are kept, the first one stands', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a', 'b')
    const clone = phone.clone()
    await phone.append(resultLine('phone 3'))
    await clone.append(resultLine('clone 3'), resultLine('clone 4'))
    await hub.sync(phone, { from: 1 })
    const answer = await hub.sync(clone, { from: 1 })
    expect(answer.forks).toEqual([phone.stream])
    expect(answer.want).toEqual([])
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 3, hash: phone.hashAt(3) })
    await hub.sync(clone, { from: 3 })
    expect((await hub.records()).map(({ body }) => (body as { answer: { label: string } }).answer.label)).toEqual([
      'a',
      'b',
      'phone 3',
    ])
    const forks = await hub.store.forks('default', 9)
    expect(forks.map(({ seq, line }) => [seq, line]).sort()).toEqual([
      [3, clone.lines[2]],
      [4, clone.lines[3]],
    ])
    expect((await hub.sync(phone, { from: 3 })).forks).toEqual([])
  })

  it('forks when only the announced head differs', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a', 'b')
    const clone = phone.clone()
    await phone.append(resultLine('phone 3'), resultLine('phone 4'))
    await clone.append(resultLine('clone 3'))
    await hub.sync(phone, { from: 1 })
    expect((await hub.sync(clone)).forks).toEqual([phone.stream])
  })

  it('forks rather than joining lines of a clone to a chain that is not theirs', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a')
    const clone = phone.clone()
    await phone.append(resultLine('phone 2'))
    await clone.append(resultLine('clone 2'), resultLine('clone 3'))
    await hub.sync(phone, { from: 1 })
    const answer = await hub.sync(clone, { from: 3 })
    expect(answer.forks).toEqual([phone.stream])
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 2 })
    expect((await hub.store.forks('default', 9)).map(({ seq }) => seq)).toEqual([3])
  })

  it('is no fork when a phone knows less than the hub: it lost what it had', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a')
    const restored = phone.clone()
    await phone.append(resultLine('b'))
    await hub.sync(phone, { from: 1 })
    const answer = await hub.sync(restored, { from: 1 })
    expect(answer.forks).toEqual([])
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 2, hash: phone.hashAt(2) })
  })
})

describe('quarantine', () => {
  it.each([
    ['text that is no JSON', 'hello'],
    ['nothing', ''],
    ['JSON that is no record', '{"v":1,"kind":"recipe"}'],
    ['a record with a wrong field', resultLine('a').replace('"score":0.93', '"score":93')],
    ['too long', resultLine('a'.repeat(70_000))],
    ['too long in bytes though not in characters', resultLine('é'.repeat(40_000))],
    ['a line break', resultLine('a').replace('{', '{\n')],
    ['deep nesting', resultLine('a').replace('{', `{"x":${'['.repeat(3000)}${']'.repeat(3000)},`)],
    ['a zero byte and half a character', 'a\u0000b\ud800'],
    ['a number', '1e999'],
    ['a record that would pollute', '{"__proto__":{"v":1},"kind":"result"}'],
  ])('keeps %s, acknowledges it, and lets the next ones through', async (_, line) => {
    const store = openSqliteStore(':memory:')
    const hub = await createTestHub({ store })
    const phone = await phoneWith('before')
    await phone.append(line, resultLine('after'))
    const answer = await hub.sync(phone, { from: 1 })
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 3, hash: phone.hashAt(3) })
    expect(answer.verdicts).toEqual([[phone.stream, 2, expect.stringMatching(/^.{5,200}$/)]])
    const records = await hub.records()
    expect(records.map(({ seq, verdict }) => [seq, verdict.startsWith('quarantine: ')])).toEqual([
      [1, false],
      [2, true],
      [3, false],
    ])
    await store.close()
  })

  it('shows what the line says when it is JSON, else null', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone()
    await phone.append('{"kind":"recipe"}', '{"a":\n1}', 'no')
    await hub.sync(phone, { from: 1 })
    expect((await hub.records()).map(({ body }) => body)).toEqual([{ kind: 'recipe' }, { a: 1 }, null])
  })

  it('gives the same verdicts when the push is repeated', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a')
    await phone.append('poison')
    const first = await hub.sync(phone, { from: 1 })
    expect((await hub.sync(phone, { from: 1 })).verdicts).toEqual(first.verdicts)
  })

  it('takes what a revoked device still sends, and gives it nothing', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a')
    await hub.sync(phone, { from: 1 })
    await hub.store.revokeDevice('default', phone.key, hub.clock.now)
    const photo = await photoOf(utf8('photo'))
    await phone.append(resultLine('b', { attachments: [photo] }))
    const answer = await hub.sync(phone, { from: 2 })
    expect(answer.ack[phone.stream]).toMatchObject({ upto: 2 })
    expect(answer.verdicts).toEqual([[phone.stream, 2, expect.stringContaining('revoked')]])
    expect(answer.blobs).toEqual([])
  })
})

describe('attachments', () => {
  it('are asked for when an accepted record names them, not for one in quarantine', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone()
    const good = await photoOf(utf8('good'))
    const bad = await photoOf(utf8('bad'))
    const spoilt = resultLine('x', { attachments: [bad] }).replace('"ms":40', '"ms":"long"')
    await phone.append(resultLine('a', { attachments: [good] }), spoilt)
    const answer = await hub.sync(phone, { from: 1 })
    expect(answer.blobs).toEqual([good.sha256])
    expect(answer.next.delay).toBe(0)
    expect((await hub.sync(phone)).blobs).toEqual([good.sha256])
  })
})

describe('a request that is refused whole, and stores nothing', () => {
  const refused = async (
    expected: [number, string],
    make: (phone: Awaited<ReturnType<typeof createFakePhone>>) => Promise<[unknown, object?]>,
  ) => {
    const hub = await createTestHub()
    const phone = await phoneWith('a')
    const [body, tampering] = await make(phone)
    expect(await codeOf(await hub.send(phone, body, tampering))).toEqual(expected)
    expect(await hub.store.count('default')).toBe(0)
    expect(await hub.store.device('default', phone.key)).toBeUndefined()
  }
  const push = { from: 1 }

  it.each([null, 'identity', 'br', 'GZIP, gzip'])('Content-Encoding %s', (encoding) =>
    refused([415, 'hub/not-compressed'], async (phone) => [await phone.request(push), { encoding }]),
  )
  it('no signature', () =>
    refused([401, 'hub/unsigned'], async (phone) => [await phone.request(push), { signature: null }]))
  it.each(['', 'x', 'A'.repeat(86), '\u00e9'])('signature %j', (signature) =>
    refused([401, 'hub/bad-signature'], async (phone) => [await phone.request(push), { signature }]),
  )
  it('the signature of another body', () =>
    refused([401, 'hub/bad-signature'], async (phone) => {
      const other = await phone.seal(await phone.request(), ORIGIN)
      return [await phone.request(push), { signature: other.headers.get('jiko-signature') }]
    }))
  it('the name of another device', () =>
    refused([401, 'hub/bad-signature'], async (phone) => {
      const request = await phone.request(push)
      return [{ ...request, device: { ...request.device, key: (await createFakePhone()).key } }]
    }))
  it('a body that is not gzip', () =>
    refused([400, 'hub/not-gzip'], async () => [undefined, { body: utf8('{"v":1}') }]))
  it('gzip that was cut', () =>
    refused([400, 'hub/not-gzip'], async (phone) => [
      undefined,
      { body: gzip(JSON.stringify(await phone.request(push))).slice(0, -9) },
    ]))
  it('gzip of what is not UTF-8', () =>
    refused([400, 'hub/bad-request'], async () => [undefined, { body: gzip(Uint8Array.of(0xff, 0xfe, 0x22)) }]))
  it('no body', () => refused([400, 'hub/not-gzip'], async () => [undefined, { body: new Uint8Array(0) }]))
  it('a gzip bomb', () =>
    refused([413, 'hub/too-large'], async () => [undefined, { body: gzip(new Uint8Array(64 << 20)) }]))
  it('a body over the limit', () =>
    refused([413, 'hub/too-large'], async () => [undefined, { body: new Uint8Array(MAX_SYNC_BYTES + 1) }]))
  it('deep JSON', () => refused([400, 'hub/bad-request'], async () => [undefined, { body: gzip('['.repeat(4 << 20)) }]))
  it.each(['', 'null', '[]', '"x"', '{}', '{"v":2}', '<!doctype html>'])('the body %j', (text) =>
    refused([400, 'hub/bad-request'], async () => [undefined, { body: gzip(text) }]),
  )
  it('more lines than a push may have', () =>
    refused([400, 'hub/bad-request'], async (phone) => {
      const request = await phone.request(push)
      return [{ ...request, push: { stream: phone.stream, from: 1, lines: Array(2001).fill('x') } }]
    }))
  it('a stream that does not follow from key and epoch', () =>
    refused([403, 'hub/not-your-stream'], async (phone) => {
      const other = await phoneWith('b')
      const request = await phone.request(push)
      return [
        {
          ...request,
          device: { ...request.device, epochs: { [other.stream]: other.epoch } },
          heads: { [other.stream]: await other.head() },
          push: { ...request.push, stream: other.stream },
        },
      ]
    }))
  it('a stream without its epoch', () =>
    refused([403, 'hub/not-your-stream'], async (phone) => {
      const request = await phone.request(push)
      return [{ ...request, device: { key: phone.key, epochs: {} } }]
    }))
  it('a push of a stream without its head', () =>
    refused([400, 'hub/bad-request'], async (phone) => [{ ...(await phone.request(push)), heads: {} }]))
  it('a head that is not signed for this program', () =>
    refused([401, 'hub/bad-signature'], async () => {
      const elsewhere = await createFakePhone('elsewhere')
      await elsewhere.append(resultLine('a'))
      // Signed by its own key, so only the head can tell that it was meant for another program.
      const request = await elsewhere.request(push)
      const sealed = await elsewhere.seal(request, ORIGIN)
      const body = new Uint8Array(await sealed.clone().arrayBuffer())
      return [undefined, { body, signature: sealed.headers.get('jiko-signature') }]
    }))
  it('a head that claims another hash than was signed', () =>
    refused([401, 'hub/bad-signature'], async (phone) => {
      const request = await phone.request(push)
      const [seq, , signature] = await phone.head()
      return [{ ...request, heads: { [phone.stream]: [seq, 'ab'.repeat(32), signature] } }]
    }))
  it('more streams than any phone has', () =>
    refused([400, 'hub/bad-request'], async (phone) => {
      const signer = await createSigner(await generateKeyPair(false))
      const heads: Record<string, unknown> = {}
      for (let i = 0; i < 65; i++) {
        const stream = await streamId(signer.key, `${i}x`.padEnd(22, 'A'))
        heads[stream] = [0, EMPTY_HASH, await signer.sign(headMessage('default', stream, 0, EMPTY_HASH))]
      }
      const { push: _, ...request } = await phone.request(push)
      return [{ ...request, heads }]
    }))

  it('to a program that is not here', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone('nowhere')
    expect(await codeOf(await hub.send(phone, await phone.request()))).toEqual([404, 'hub/no-program'])
  })

  it('by another device that claims a stream of equal name', async () => {
    const hub = await createTestHub()
    const phone = await phoneWith('a')
    const owner = 'somebody'
    await hub.store.seeDevice('default', { key: owner, app: '', at: 1 })
    const head = { seq: 0, hash: EMPTY_HASH, signature: '' }
    const after = { seq: 0, hash: EMPTY_HASH }
    const segment = { stream: phone.stream, device: owner, epoch: '', after, lines: [], announced: head, receivedAt: 1 }
    await hub.store.append('default', segment)
    expect(await codeOf(await hub.send(phone, await phone.request(push)))).toEqual([403, 'hub/not-your-stream'])
  })
})

describe('a store that fails', () => {
  it('answers 500 without saying why, and the phone can repeat', async () => {
    const hub = await createTestHub()
    const { append } = hub.store
    hub.store.append = async () => {
      throw new Error('SQLITE_FULL at /var/secret/hub.db')
    }
    const phone = await phoneWith('a')
    const response = await hub.send(phone, await phone.request({ from: 1 }))
    const text = await response.text()
    expect(response.status).toBe(500)
    expect(text).not.toContain('secret')
    expect(hub.reports.join('\n')).toContain('SQLITE_FULL')
    hub.store.append = append
    expect((await hub.sync(phone, { from: 1 })).ack[phone.stream]).toMatchObject({ upto: 1 })
  })
})
