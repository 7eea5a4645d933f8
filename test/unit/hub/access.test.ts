import { describe, expect, it } from 'vitest'
import { closeProgram } from '../../../src/hub/access/access.ts'
import { invite } from '../../../src/hub/access/invite.ts'
import { createTokens } from '../../../src/hub/access/tokens.ts'
import { createMemoryStore } from '../../../src/hub/store/memory.ts'
import { parseInvitation, type Role } from '../../../src/protocol/enrol.ts'
import type { RecordBody } from '../../../src/protocol/record.ts'
import { createSigner, generateKeyPair } from '../../../src/protocol/sign.ts'
import { openMemoryStore } from '../../../src/store/open.ts'
import type { RecordStore } from '../../../src/store/store.ts'
import { type EnrolDeps, enrol, enrolment, fetchToken } from '../../../src/sync/enrol.ts'
import { createMemoryLock } from '../../../src/sync/memory-lock.ts'
import { createSync } from '../../../src/sync/sync.ts'
import { createFakePhone, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub, ORIGIN, type TestHub } from '../../helpers/test-hub.ts'

const DAY = 86_400_000
const elsewhere = { remoteAddress: '192.168.1.20' }

const inviteTo = async (
  hub: TestHub,
  role: Role = 'sender',
  { program = 'default', life = DAY }: { program?: string; life?: number } = {},
): Promise<string> =>
  (
    await invite(hub.store, {
      program,
      role,
      name: 'Asha',
      hub: `${ORIGIN}/`,
      hubKey: hub.key,
      life,
      by: 'hub',
      now: hub.clock.now,
    })
  ).link

interface Phone {
  store: RecordStore
  deps: EnrolDeps & { store: RecordStore }
  sync(): Promise<{ lastError?: string; final: number }>
  add(label: string): Promise<void>
}

async function createPhone(hub: Pick<TestHub, 'fetch'>, program = 'default'): Promise<Phone> {
  const store = await openMemoryStore()
  const fetch = (url: string, init: RequestInit) => hub.fetch(new Request(url, init), elsewhere)
  const deps = { store, fetch, hubUrl: `${ORIGIN}/`, program, app: 'test' }
  const moment = () => ({ wall: 1, mono: 1, session: 's' })
  return {
    store,
    deps,
    async sync() {
      return await createSync({ ...deps, lock: createMemoryLock(), moment, sleep: async () => undefined }).now()
    },
    async add(label) {
      await store.append(JSON.parse(resultLine(label)) as RecordBody)
    },
  }
}

async function reads(hub: TestHub, token: string | undefined, path = '/v1/default/records'): Promise<number> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return (await hub.fetch(new Request(ORIGIN + path, { headers }), elsewhere)).status
}

const codeOf = (error: { code?: string; detail?: { hub?: string } }): string | undefined =>
  error.detail?.hub ?? error.code

describe('an invitation', () => {
  it('lets one phone in, again when its answer was lost, and nobody else', async () => {
    const hub = await createTestHub()
    const link = await inviteTo(hub)
    const [one, two] = [await createPhone(hub), await createPhone(hub)]
    await one.add('rust')
    await two.add('miner')
    expect(await two.sync()).toMatchObject({ lastError: 'sync/not-enrolled', final: 0 })
    for (let time = 0; time < 2; time++) {
      expect(await enrol(link, one.deps)).toEqual({ program: 'default', role: 'sender' })
    }
    expect(await enrolment(one.deps)).toEqual({ program: 'default', role: 'sender' })
    expect(await enrol(link, two.deps).catch(codeOf)).toBe('hub/bad-invitation')
    expect(await one.sync()).toMatchObject({ final: 1 })
    expect(await two.sync()).toMatchObject({ lastError: 'sync/not-enrolled' })
    expect(await hub.records()).toHaveLength(1)
    // Nothing of a stranger is kept, not even that it was there.
    expect((await hub.store.devices('default')).map(({ key }) => key)).toEqual([one.store.signer.key])
  })

  it('is over after its time by the hub’s clock, and holds for its own program only', async () => {
    const hub = await createTestHub()
    await hub.store.addProgram('coffee', 0)
    const short = await inviteTo(hub, 'sender', { life: 1000 })
    hub.clock.now += 1001
    const phone = await createPhone(hub)
    expect(await enrol(short, phone.deps).catch(codeOf)).toBe('hub/bad-invitation')
    const wrong = (await inviteTo(hub)).replace('/default/', '/coffee/')
    expect(await enrol(wrong, phone.deps).catch(codeOf)).toBe('hub/bad-invitation')
  })

  it('is nowhere in the database, nor in what is written down', async () => {
    const hub = await createTestHub()
    const { token } = parseInvitation(await inviteTo(hub))
    const seen = JSON.stringify([
      await hub.store.invitations('default'),
      await hub.store.audit('default', { limit: 9 }),
    ])
    expect(seen).not.toContain(token)
    const phone = await createPhone(hub)
    await enrol(await inviteTo(hub), phone.deps)
    expect(hub.log.join()).not.toContain(token)
  })

  it('names the hub: another that answers is not believed', async () => {
    const hub = await createTestHub()
    const impostor = await createTestHub({ store: hub.store })
    const link = await inviteTo(hub)
    const phone = await createPhone(impostor)
    await expect(enrol(link, phone.deps)).rejects.toMatchObject({ code: 'sync/hub-changed' })
    expect(await enrolment(phone.deps)).toBeUndefined()
  })

  it.each([
    ['', 'sync/bad-invitation'],
    ['https://hub.test/', 'sync/bad-invitation'],
    [`${ORIGIN}/#enrol/default/short/token/sender/1`, 'sync/bad-invitation'],
    [`${ORIGIN}/#enrol/../${'a'.repeat(22)}/${'a'.repeat(22)}/sender/1`, 'sync/bad-invitation'],
    [`${ORIGIN}/#enrol/default/${'a'.repeat(22)}/${'a'.repeat(22)}/king/1`, 'sync/bad-invitation'],
    [`https://else.test/#enrol/default/${'a'.repeat(22)}/${'a'.repeat(22)}/sender/1`, 'sync/other-hub'],
    [`${'a'.repeat(9000)}#enrol/`, 'sync/bad-invitation'],
  ])('that is %j is refused before anything is asked', async (link, code) => {
    const hub = await createTestHub()
    const phone = await createPhone(hub)
    await expect(enrol(link, phone.deps)).rejects.toMatchObject({ code })
    expect(hub.log).toEqual([])
  })

  it('to another program is for a phone that has sent nothing yet', async () => {
    const hub = await createTestHub()
    await hub.store.addProgram('coffee', 0)
    const [fresh, used] = [await createPhone(hub), await createPhone(hub)]
    await used.add('rust')
    await used.sync()
    await fresh.add('miner')
    const link = async () => await inviteTo(hub, 'sender', { program: 'coffee' })
    await expect(enrol(await link(), used.deps)).rejects.toMatchObject({ code: 'sync/other-program' })
    expect(await enrol(await link(), fresh.deps)).toEqual({ program: 'coffee', role: 'sender' })
    const joined = { ...fresh, deps: { ...fresh.deps, program: 'coffee' } }
    const sync = createSync({
      ...joined.deps,
      lock: createMemoryLock(),
      moment: () => ({ wall: 1, mono: 1, session: 's' }),
    })
    expect(await sync.now()).toMatchObject({ final: 1 })
    expect(await hub.store.count('coffee')).toBe(1)
  })
})

describe('a program of members', () => {
  it('keeps those who sent before it was closed', async () => {
    const hub = await createTestHub()
    const old = await createPhone(hub)
    await old.add('rust')
    await old.sync()
    expect(await closeProgram(hub.store, 'default', hub.clock.now)).toBe(true)
    expect(await closeProgram(hub.store, 'default', hub.clock.now)).toBe(false)
    await old.add('miner')
    expect(await old.sync()).toMatchObject({ final: 2 })
  })

  it('is left by who is revoked: what still comes goes to quarantine, and no token or invitation helps', async () => {
    const hub = await createTestHub()
    const phone = await createPhone(hub)
    await enrol(await inviteTo(hub, 'viewer'), phone.deps)
    const { token } = await fetchToken(phone.deps)
    expect(await reads(hub, token)).toBe(200)
    await hub.store.revokeDevice('default', phone.store.signer.key, hub.clock.now)
    expect(await reads(hub, token)).toBe(403)
    expect(await fetchToken(phone.deps).catch(codeOf)).toBe('hub/revoked')
    expect(await enrol(await inviteTo(hub), phone.deps).catch(codeOf)).toBe('hub/revoked')
    await phone.add('rust')
    await phone.sync()
    expect((await hub.records()).map(({ verdict }) => verdict)).toEqual(['quarantine: the device was revoked'])
  })

  it('takes a member back by its certificate after the hub’s database was lost', async () => {
    const signer = await createSigner(await generateKeyPair(true))
    const hub = await createTestHub({ signer })
    const phone = await createPhone({ fetch: (...parts) => current.fetch(...parts) })
    let current = hub
    await enrol(await inviteTo({ ...hub, key: signer.key }), phone.deps)
    await phone.add('rust')
    await phone.sync()
    current = await createTestHub({ signer, store: createMemoryStore() })
    await closeProgram(current.store, 'default', 1)
    await phone.add('miner')
    expect(await phone.sync()).toMatchObject({ final: 2 })
    expect(await current.records()).toHaveLength(2)
  })

  it('takes the certificate of a hub that is a member, and of no other', async () => {
    const [district, village, stranger] = [await createTestHub(), await createTestHub(), await createTestHub()]
    await closeProgram(district.store, 'default', 1)
    const of = async (home: TestHub) => {
      const phone = await createPhone({ fetch: (...parts) => current.fetch(...parts) })
      let current = home
      await enrol(await inviteTo(home), phone.deps)
      current = district
      await phone.add('rust')
      return phone
    }
    await district.store.addMember('default', { key: village.key, role: 'hub', name: '', enrolledAt: 1, by: 'hub' })
    // The district answers at the same address with a key of its own, which a person confirmed.
    const [mine, theirs] = [await of(village), await of(stranger)]
    for (const { store } of [mine, theirs]) await store.setSetting(`hub-key ${ORIGIN}/`, district.key)
    expect(await mine.sync()).toMatchObject({ final: 1 })
    expect(await theirs.sync()).toMatchObject({ lastError: 'sync/refused', final: 0 })
    expect(await district.store.member('default', mine.store.signer.key)).toMatchObject({
      role: 'sender',
      by: village.key,
    })
  })

  it('lets only a hub that is a member carry, and trusts it with whom it carries', async () => {
    const hub = await createTestHub()
    const [phone, carrier, other] = [await createFakePhone(), await createFakePhone(), await createFakePhone()]
    await phone.append(resultLine('rust'))
    const carried = { [phone.stream]: { key: phone.key, epoch: phone.epoch, app: 'a', head: await phone.head() } }
    const request = async (by: typeof carrier) => ({ ...(await by.request()), heads: {}, carried })
    await closeProgram(hub.store, 'default', 1)
    for (const key of [carrier.key, other.key]) {
      const role = key === carrier.key ? 'hub' : 'sender'
      await hub.store.addMember('default', { key, role, name: '', enrolledAt: 1, by: 'hub' })
    }
    const refused = await hub.send(other, await request(other))
    expect([refused.status, (await refused.json()).error.code]).toEqual([403, 'hub/not-a-carrier'])
    expect((await hub.send(carrier, await request(carrier))).status).toBe(200)
    expect(await hub.store.member('default', phone.key)).toMatchObject({ role: 'sender', by: carrier.key })
    expect((await hub.sync(phone, { from: 1 })).ack[phone.stream]).toMatchObject({ upto: 1 })
  })
})

describe('a token', () => {
  it.each([
    ['sender', 403, 403],
    ['viewer', 200, 403],
    ['reviewer', 200, 403],
    ['admin', 200, 200],
    ['hub', 403, 403],
  ] as const)('of a %s opens what is meant for it', async (role, records, members) => {
    const hub = await createTestHub()
    const phone = await createPhone(hub)
    await enrol(await inviteTo(hub, role), phone.deps)
    const { token, role: told, seconds } = await fetchToken(phone.deps)
    expect([told, seconds]).toEqual([role, 900])
    expect(await reads(hub, token)).toBe(records)
    expect(await reads(hub, token, '/hub?program=default')).toBe(records)
    expect(await reads(hub, token, '/v1/default/members')).toBe(members)
    expect(await reads(hub, token, '/v1/default/audit')).toBe(members)
    expect(await reads(hub, token, '/metrics')).toBe(403)
  })

  it('is over after a quarter of an hour, or when the hub’s clock was set back, and a new one is to be had', async () => {
    const hub = await createTestHub()
    const phone = await createPhone(hub)
    await enrol(await inviteTo(hub, 'viewer'), phone.deps)
    for (const jump of [15 * 60_000 + 1000, -3 * 365 * DAY]) {
      const { token } = await fetchToken(phone.deps)
      hub.clock.now += jump
      const response = await hub.fetch(
        new Request(`${ORIGIN}/v1/default/records`, { headers: { authorization: `Bearer ${token}` } }),
        elsewhere,
      )
      expect([response.status, (await response.json()).error.code]).toEqual([401, 'hub/token-over'])
      expect(await reads(hub, (await fetchToken(phone.deps)).token)).toBe(200)
    }
  })

  it('of another hub, program, kind or algorithm, or changed by a letter, opens nothing', async () => {
    const hub = await createTestHub()
    await hub.store.addProgram('coffee', 0)
    const phone = await createPhone(hub)
    const { key } = phone.store.signer
    await enrol(await inviteTo(hub, 'admin'), phone.deps)
    const { token } = await fetchToken(phone.deps)
    const [head = '', claims = '', signature = ''] = token.split('.')
    const foreign = createTokens(phone.store.signer, () => hub.clock.now)
    const none = `${Buffer.from('{"alg":"none","typ":"jiko-access+jwt"}').toString('base64url')}.${claims}.`
    const bad = [
      await foreign.issue('access', 'default', key),
      none,
      `${head}.${claims}.${signature.replace(/^./, (letter) => (letter === 'A' ? 'B' : 'A'))}`,
      `${head}.${claims}`,
      'x',
    ]
    for (const wrong of bad) expect(await reads(hub, wrong)).toBe(401)
    expect(await reads(hub, token, '/v1/coffee/records')).toBe(401)
    const certificate = (await phone.store.getSetting(`enrolment ${ORIGIN}/ default`)) as { certificate: string }
    expect(await reads(hub, certificate.certificate)).toBe(401)
    expect(await reads(hub, token)).toBe(200)
  })

  it('is not given for a nonce that is stale, foreign or no nonce', async () => {
    const hub = await createTestHub()
    const phone = await createPhone(hub)
    await enrol(await inviteTo(hub, 'viewer'), phone.deps)
    const replies = (nonce: string) => ({
      ...phone.deps,
      fetch: async (url: string, init: RequestInit) =>
        url.endsWith('/nonce') ? Response.json({ jiko: 1, nonce }) : await phone.deps.fetch(url, init),
    })
    const { nonce } = await (await hub.ask('/v1/default/nonce')).json()
    expect(await fetchToken(replies(nonce))).toMatchObject({ role: 'viewer' })
    expect(await fetchToken(replies('nonsense')).catch(codeOf)).toBe('hub/bad-token')
    hub.clock.now += 121_000
    expect(await fetchToken(replies(nonce)).catch(codeOf)).toBe('hub/token-over')
  })
})

describe('what administrators do', () => {
  async function administered() {
    const hub = await createTestHub()
    const admin = await createPhone(hub)
    await enrol(await inviteTo(hub, 'admin'), admin.deps)
    const { token } = await fetchToken(admin.deps)
    const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
      hub.fetch(
        new Request(`${ORIGIN}/v1/default/${path}`, {
          method: 'POST',
          body: JSON.stringify(body),
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
        }),
        elsewhere,
      )
    return { hub, admin, post }
  }

  it('invite, revoke and close from afar, and it is written down who did', async () => {
    const { hub, admin, post } = await administered()
    const { link, closed } = await (await post('invitations', { v: 1, role: 'sender', name: 'Juma' })).json()
    expect(closed).toBe(true)
    const phone = await createPhone(hub)
    expect(await enrol(link, phone.deps)).toMatchObject({ role: 'sender' })
    expect((await post('revoke', { v: 1, key: phone.store.signer.key })).status).toBe(200)
    expect((await post('admission', { v: 1, admission: 'open' })).status).toBe(200)
    const { key } = admin.store.signer
    const entries = await hub.store.audit('default', { limit: 9 })
    expect(entries.map(({ by, action }) => [by === key ? 'admin' : by, action])).toEqual(
      expect.arrayContaining([
        ['hub', 'invite'],
        ['hub', 'enrol'],
        ['admin', 'invite'],
        ['admin', 'enrol'],
        ['admin', 'revoke'],
        ['admin', 'admission'],
      ]),
    )
  })

  it.each([
    ['from a page elsewhere', 'invitations', { v: 1, role: 'sender' }, { origin: 'https://evil.example' }, 400],
    ['across sites', 'invitations', { v: 1, role: 'sender' }, { 'sec-fetch-site': 'cross-site' }, 400],
    ['by a form', 'invitations', { v: 1, role: 'sender' }, { 'content-type': 'text/plain' }, 400],
    ['with a role that is none', 'invitations', { v: 1, role: 'king' }, {}, 400],
    ['with a name that rings a bell', 'invitations', { v: 1, role: 'sender', name: '\u0007' }, {}, 400],
    ['for somebody unknown', 'revoke', { v: 1, key: 'x'.repeat(87) }, {}, 403],
    ['of no kind', 'admission', { v: 1, admission: 'half' }, {}, 400],
    ['too deep', 'admission', { v: 1, a: [[[[[[]]]]]] }, {}, 400],
    ['too long', 'admission', { v: 1, admission: 'open', a: 'x'.repeat(9000) }, {}, 413],
  ])('is refused %s', async (_, path, body, headers, status) => {
    const { hub, post } = await administered()
    const before = await hub.store.audit('default', { limit: 99 })
    expect((await post(path, body, headers)).status).toBe(status)
    expect(await hub.store.audit('default', { limit: 99 })).toEqual(before)
  })

  it('is done at the hub’s own machine without a token, but not by a page that is open there', async () => {
    const hub = await createTestHub()
    const ask = (headers: Record<string, string>) =>
      hub.ask('/v1/default/invitations', {
        method: 'POST',
        body: JSON.stringify({ v: 1, role: 'viewer' }),
        headers: { 'content-type': 'application/json', ...headers },
      })
    expect((await ask({})).status).toBe(201)
    expect((await ask({ origin: 'https://evil.example' })).status).toBe(400)
    const far = await hub.fetch(new Request(`${ORIGIN}/v1/default/invitations`, { method: 'POST' }), elsewhere)
    expect(far.status).toBe(403)
  })
})

describe('what reviewers say of records', () => {
  it.each([
    ['viewer', 403, 403],
    ['reviewer', 201, 403],
    ['admin', 201, 201],
  ] as const)('is taken from a %s as far as they may', async (role, correct, erase) => {
    const hub = await createTestHub()
    const [phone, reviewer] = [await createPhone(hub), await createPhone(hub)]
    await phone.add('rust')
    await phone.sync()
    await enrol(await inviteTo(hub, role), reviewer.deps)
    const { token } = await fetchToken(reviewer.deps)
    const [record] = await hub.records()
    const ref = record?.id ?? ''
    const post = async (change: unknown) =>
      await hub.fetch(
        new Request(`${ORIGIN}/v1/default/changes`, {
          method: 'POST',
          body: JSON.stringify({ v: 1, change }),
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        }),
        elsewhere,
      )
    expect((await post({ kind: 'correction', ref, patch: { label: 'miner' } })).status).toBe(correct)
    expect((await post({ kind: 'erase', ref })).status).toBe(erase)
    const bodies = (await hub.records()).map(({ body }) => body as { kind?: string; actor?: string } | null)
    const said = bodies.filter((body) => body?.kind === 'correction')
    expect(said.map((body) => body?.actor)).toEqual(correct === 201 ? ['Asha'] : [])
    expect(bodies.some((body) => body?.kind === 'result')).toBe(erase !== 201)
    if (erase === 201) expect((await post({ kind: 'erase', ref: `${'a'.repeat(16)}/1` })).status).toBe(404)
    if (correct === 201) expect((await post({ kind: 'correction', ref: 'x', patch: {} })).status).toBe(400)
  })
})

describe('a browser that joins', () => {
  const join = (hub: TestHub, link: string) => {
    const { program, token } = parseInvitation(link)
    const body = new URLSearchParams({ program, token })
    return hub.fetch(new Request(`${ORIGIN}/hub/enter`, { method: 'POST', body }), elsewhere)
  }

  it('sees what came in by its session, until it is revoked', async () => {
    const hub = await createTestHub()
    const link = await inviteTo(hub, 'viewer')
    expect(link).toContain(`${ORIGIN}/hub/enter#enrol/default/`)
    const joined = await join(hub, link)
    expect([joined.status, joined.headers.get('location')]).toEqual([303, '/hub?program=default'])
    const cookie = joined.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/)
    const page = async () =>
      (await hub.fetch(new Request(`${ORIGIN}/hub`, { headers: { cookie: cookie.split(';')[0] ?? '' } }), elsewhere))
        .status
    expect(await page()).toBe(200)
    expect((await join(hub, link)).status).toBe(403)
    const [member] = await hub.store.members('default')
    expect(member).toMatchObject({ role: 'viewer', name: 'Asha' })
    await hub.store.revokeDevice('default', member?.key ?? '', 1)
    expect(await page()).toBe(403)
  })

  it('gets nothing for an invitation that is for a phone, or for none', async () => {
    const hub = await createTestHub()
    for (const link of [
      await inviteTo(hub),
      (await inviteTo(hub, 'viewer')).replace(/\/[\w-]{22}\/viewer/, '/AAAAAAAAAAAAAAAAAAAAAA/viewer'),
    ]) {
      const refused = await join(hub, link)
      expect([refused.status, refused.headers.get('set-cookie')]).toEqual([403, null])
    }
  })

  it('is shown a page that runs only its own script', async () => {
    const hub = await createTestHub()
    const page = await hub.fetch(new Request(`${ORIGIN}/hub/enter`), elsewhere)
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'")
    expect(await page.text()).toContain('/hub/enter.js')
    expect((await hub.fetch(new Request(`${ORIGIN}/hub/enter.js`), elsewhere)).headers.get('content-type')).toContain(
      'javascript',
    )
  })
})
