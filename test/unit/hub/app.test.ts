import { describe, expect, it } from 'vitest'
import { createHub } from '../../../src/hub/app.ts'
import { utf8 } from '../../../src/lib/bytes.ts'
import { createFakePhone, photoOf, resultLine } from '../../helpers/fake-phone.ts'
import { createTestHub, ORIGIN } from '../../helpers/test-hub.ts'

const LOCAL = { remoteAddress: '127.0.0.1' }
const codeOf = async (response: Response) => [response.status, (await response.json()).error.code]

async function hubWith(...lines: string[]) {
  const hub = await createTestHub()
  const phone = await createFakePhone()
  await phone.append(...lines)
  await hub.sync(phone, { from: 1 })
  return { hub, phone }
}

describe('GET /healthz', () => {
  it('counts what came in', async () => {
    const { hub } = await hubWith(resultLine('rust'), 'poison')
    const response = await hub.fetch(new Request(`${ORIGIN}/healthz`))
    expect([response.status, await response.json()]).toEqual([200, { ok: true, version: '0.0.0-test', records: 2 }])
  })
})

describe('GET /v1/{program}/records', () => {
  it('gives everything, page after page, in the order of arrival', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone()
    await phone.append(...Array.from({ length: 1203 }, (_, i) => resultLine(`leaf ${i}`)))
    await hub.sync(phone, { from: 1, to: 1000 })
    hub.clock.now += 1000
    await hub.sync(phone, { from: 1001 })
    expect((await hub.records()).map(({ seq }) => seq)).toEqual(Array.from({ length: 1203 }, (_, i) => i + 1))
  })

  it('gives what came after a place', async () => {
    const { hub, phone } = await hubWith(resultLine('a'), resultLine('b'), resultLine('c'))
    const [, second] = await hub.records()
    const since = `${second?.receivedAt}/${second?.id}`
    const response = await hub.ask(`/v1/default/records?since=${encodeURIComponent(since)}`)
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    expect(JSON.parse(await response.text()).id).toBe(`${phone.stream}/3`)
  })

  it.each([
    '',
    'x',
    '1/2',
    '1800000000000/../etc',
    '-1/aaaaaaaaaaaaaaaa/1',
    '1/aaaaaaaaaaaaaaaa/0',
    "1'/aaaaaaaaaaaaaaaa/1",
  ])('refuses the place %j', async (since) => {
    const { hub } = await hubWith(resultLine('a'))
    const response = await hub.ask(`/v1/default/records?since=${encodeURIComponent(since)}`)
    expect(await codeOf(response)).toEqual([400, 'hub/bad-request'])
  })

  it.each([
    ['another machine', ORIGIN, { remoteAddress: '192.168.1.20' }, {}],
    ['an unknown address', ORIGIN, {}, {}],
    ['an address that only looks local', ORIGIN, { remoteAddress: '127.0.0.1.evil.example' }, {}],
    ['a page on the web whose name leads here', 'http://evil.example:8080', LOCAL, {}],
    ['the other side of a proxy', ORIGIN, LOCAL, { 'x-forwarded-for': '127.0.0.1' }],
    ['the other side of a tunnel', ORIGIN, LOCAL, { forwarded: 'for=127.0.0.1' }],
    ['someone who says that he is local', ORIGIN, { remoteAddress: '10.0.0.9' }, { 'x-forwarded-for': '127.0.0.1' }],
  ])('is not for %s', async (_, origin, env, headers) => {
    const { hub } = await hubWith(resultLine('a'))
    const ask = (path: string) => hub.fetch(new Request(origin + path, { headers }), env)
    expect(await codeOf(await ask('/v1/default/records'))).toEqual([403, 'hub/not-a-reader'])
    expect(await codeOf(await ask('/hub'))).toEqual([403, 'hub/not-a-reader'])
  })

  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])('is for %s', async (remoteAddress) => {
    const { hub } = await hubWith(resultLine('a'))
    const response = await hub.fetch(new Request(`${ORIGIN}/v1/default/records`), { remoteAddress })
    expect(response.status).toBe(200)
    await response.text()
  })
})

describe('unknown paths', () => {
  it.each([
    ['GET', '/v1'],
    ['GET', '/v1/default'],
    ['GET', '/v1/default/sync'],
    ['DELETE', '/v1/default/records'],
    ['POST', '/v1/default/nothing'],
    ['PUT', '/healthz'],
    ['OPTIONS', '/v1/default/sync'],
    ['GET', '/v2/default/records'],
    ['BREW', '/'],
  ])('%s %s is 404 in JSON, with the headers and the line in the log that every answer has', async (method, path) => {
    const hub = await createTestHub()
    const response = await hub.ask(path, { method })
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(hub.log).toEqual([`${method} ${path} 404 0 ms 127.0.0.1`])
    expect(await codeOf(response)).toEqual([404, 'hub/not-found'])
  })

  it.each(['nowhere', '..', 'DEFAULT', "a'--", 'a'.repeat(3000)])('the program %s is not here', async (program) => {
    const hub = await createTestHub()
    const response = await hub.ask(`/v1/${encodeURIComponent(program)}/records`)
    expect(response.status).toBe(404)
    expect((await response.text()).length).toBeLessThan(300)
  })
})

describe('headers', () => {
  it('forbid on every answer what the app does not need', async () => {
    const hub = await createTestHub()
    for (const path of ['/hub/style.css', '/metrics', '/v1/default/records']) {
      const { headers } = await hub.ask(path)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'self'")
      expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval'")
      expect(policy).toContain("object-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe-inline')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('no-referrer')
      expect(headers.get('permissions-policy')).toContain('camera=(self), microphone=(self)')
      expect(headers.get('set-cookie')).toBeNull()
      expect(headers.get('access-control-allow-origin')).toBeNull()
      expect(headers.get('cache-control')).toBe(path.endsWith('.css') ? 'no-cache' : 'no-store')
    }
  })

  it('forbid everything on an answer that is data, in few bytes', async () => {
    const hub = await createTestHub()
    for (const path of ['/', '/healthz', '/v1/nothing']) {
      const { headers } = await hub.ask(path)
      expect(headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('permissions-policy')).toBeNull()
      expect(headers.get('cache-control')).toBe('no-store')
    }
  })
})

describe('rate limits', () => {
  const rates = { address: { burst: 4, perSecond: 1 }, device: { burst: 2, perSecond: 0.1 } }

  it('hold one device back, not the others, until its time has come', async () => {
    const hub = await createTestHub({ rates: { ...rates, address: { burst: 99, perSecond: 1 } } })
    const eager = await createFakePhone()
    const calm = await createFakePhone()
    await hub.sync(eager)
    await hub.sync(eager)
    const refused = await hub.send(eager, await eager.request())
    expect(refused.headers.get('retry-after')).toBe('10')
    expect(await codeOf(refused)).toEqual([429, 'hub/too-often'])
    await hub.sync(calm)
    hub.clock.now += 10_000
    await hub.sync(eager)
  })

  it('cannot be used up in the name of another device', async () => {
    const hub = await createTestHub({ rates: { ...rates, address: { burst: 99, perSecond: 1 } } })
    const phone = await createFakePhone()
    const request = await phone.request()
    for (let i = 0; i < 5; i++) await hub.send(phone, request, { signature: 'A'.repeat(86) })
    await hub.sync(phone)
  })

  it('hold one address back before anything is read', async () => {
    const hub = await createTestHub({ rates })
    const answers: number[] = []
    for (let i = 0; i < 6; i++) answers.push((await hub.ask('/v1/default/records')).status)
    expect(answers).toEqual([200, 200, 200, 200, 429, 429])
    expect((await hub.fetch(new Request(`${ORIGIN}/v1/default/records`), { remoteAddress: '::1' })).status).toBe(200)
    hub.clock.now += 1000
    expect((await hub.ask('/v1/default/records')).status).toBe(200)
    hub.clock.now -= 500_000
    expect((await hub.ask('/v1/default/records')).status).toBe(429)
    expect((await hub.ask('/healthz')).status).toBe(200)
  })

  it('hold back who asks for files without end, and never whether the hub is alive', async () => {
    const hub = await createTestHub({ rates: { ...rates, files: { burst: 3, perSecond: 1 } } })
    const statuses: number[] = []
    for (let i = 0; i < 5; i++) statuses.push((await hub.ask('/packs/none.bin')).status)
    expect(statuses).toEqual([404, 404, 404, 429, 429])
    for (let i = 0; i < 9; i++) expect((await hub.ask('/healthz')).status).toBe(200)
    expect((await hub.ask('/hub')).status).toBe(200)
  })
})

describe('the log', () => {
  it('has one line a request, without what was asked after "?" or in headers', async () => {
    const hub = await createTestHub()
    await hub.ask('/healthz?token=secret', { headers: { authorization: 'secret', 'jiko-signature': 'secret' } })
    expect(hub.log).toEqual(['GET /healthz 200 0 ms 127.0.0.1'])
  })

  it('is silent unless someone listens', async () => {
    const { store } = await createTestHub()
    const hub = createHub({ store, signer: { key: '', sign: async () => '' }, version: '1', blobs: {} as never })
    expect((await hub.fetch(new Request(`${ORIGIN}/healthz`))).status).toBe(200)
  })
})

describe('the page of what came in', () => {
  const pageOf = async (hub: { ask(path: string): Promise<Response> }, path = '/hub') => {
    const response = await hub.ask(path)
    return { response, html: await response.text() }
  }

  it('shows the newest records with label, score, device, state and time', async () => {
    const { hub, phone } = await hubWith(resultLine('older'), resultLine('newer'))
    const { response, html } = await pageOf(hub)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(html.indexOf('newer')).toBeLessThan(html.indexOf('older'))
    expect(html).toContain('93 %')
    expect(html).toContain(phone.key.slice(-6))
    expect(html).toContain('Final')
    expect(html).toContain('15 Jan 2027, 08:00 UTC')
    expect(html).toContain('<b>2</b> records')
    expect(html).toContain('<b>1</b> phone<')
  })

  it('says what became of the faces in a photo', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone()
    await phone.append(
      resultLine('one', { faces: { hidden: 2 } }),
      resultLine('two', { faces: { unkept: 'pack/absent' } }),
      resultLine('three', { faces: { hidden: 1, unkept: 'person' } }),
      resultLine('four', { faces: { unkept: '<b>bold</b>' } }),
    )
    await hub.sync(phone, { from: 1 })
    const { html } = await pageOf(hub)
    expect(html).toContain('faces hidden: 2')
    expect(html).toContain('no photo kept: pack/absent')
    expect(html).toContain('no photo kept: a person saw a face in it')
    expect(html).not.toContain('<b>bold</b>')
  })

  it('says that it is empty', async () => {
    expect((await pageOf(await createTestHub())).html).toContain('Nothing came in yet')
  })

  it('runs nothing and is styled by a file of its own', async () => {
    const { hub } = await hubWith(resultLine('a'))
    const { response, html } = await pageOf(hub)
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('script-src')
    expect(html).not.toMatch(/<script|<style|style=|onclick|javascript:/i)
    const style = await hub.ask('/hub/style.css')
    expect(style.headers.get('content-type')).toBe('text/css; charset=utf-8')
    expect(await style.text()).toContain('--ember')
  })

  it.each([
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    '</title><svg onload=alert(1)>',
  ])('shows %j as the text it is, wherever it stands', async (evil) => {
    const { hub } = await hubWith(
      resultLine(evil, { pack: { name: 'leaf', version: evil, digest: 'a'.repeat(64) } }),
      JSON.stringify({ v: 1, kind: 'note', at: at(0), ref: `${'a'.repeat(16)}/1`, text: evil }),
      JSON.stringify({
        v: 1,
        kind: 'correction',
        at: at(0),
        ref: `${'a'.repeat(16)}/1`,
        base: [],
        patch: { label: evil },
      }),
      JSON.stringify({ v: 1, kind: evil }),
      evil,
    )
    const { html } = await pageOf(hub)
    expect(html).not.toContain(evil)
    expect(html).not.toMatch(/<script|<svg|<img|" onerror|' onmouseover/)
  })

  it('shows why a line is in quarantine, and where a log divided', async () => {
    const { hub, phone } = await hubWith(resultLine('a'), 'poison')
    const clone = phone.clone()
    await phone.append(resultLine('b'))
    await clone.append(resultLine('c'))
    await hub.sync(phone, { from: 3 })
    await hub.sync(clone, { from: 3 })
    const { html } = await pageOf(hub)
    expect(html).toContain('Quarantine: the record is not JSON')
    expect(html).toContain(`${phone.stream}/3`)
    expect(html).toContain('In two versions')
  })

  it('stands phones whose clocks no calendar knows', async () => {
    const { hub } = await hubWith(
      resultLine('a', { at: at(Number.MAX_SAFE_INTEGER) }),
      resultLine('b', { at: at(-8.64e15) }),
    )
    expect((await pageOf(hub)).html).toContain('an impossible time')
  })

  it('shows a photo once it is here, a small one where there is one', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone()
    const full = await photoOf(utf8('full'))
    const preview = await photoOf(utf8('preview'), 'preview')
    await phone.append(resultLine('a', { attachments: [full, preview] }))
    await hub.sync(phone, { from: 1 })
    expect((await pageOf(hub)).html).toContain('photo not here yet')
    await hub.fetch(await phone.patch(preview.sha256, utf8('preview'), ORIGIN), LOCAL)
    expect((await pageOf(hub)).html).toContain(`src="/v1/default/blobs/sha256-${preview.sha256}"`)
  })

  it('leads to older records without a hole', async () => {
    const hub = await createTestHub()
    const phone = await createFakePhone()
    await phone.append(...Array.from({ length: 120 }, (_, i) => resultLine(`leaf-${i}-`)))
    await hub.sync(phone, { from: 1 })
    const seen: string[] = []
    for (let path: string | undefined = '/hub'; path; ) {
      const { html } = await pageOf(hub, path)
      seen.push(...[...html.matchAll(/data-id="([^"]+)"/g)].map(([, id]) => id ?? ''))
      path = /class="older" href="([^"]+)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')
    }
    expect(seen).toEqual(Array.from({ length: 120 }, (_, i) => `${phone.stream}/${120 - i}`))
  })

  it('refuses a program or a place that is none', async () => {
    const hub = await createTestHub()
    expect((await pageOf(hub, '/hub?program=nowhere')).response.status).toBe(404)
    expect((await pageOf(hub, '/hub?before=yesterday')).response.status).toBe(400)
  })

  it('says held where another hub stands above', async () => {
    const hub = await createTestHub({ upstream: 'https://district.example' })
    const phone = await createFakePhone()
    await phone.append(resultLine('a'))
    await hub.sync(phone, { from: 1 })
    expect((await pageOf(hub)).html).toContain('Held here</p>')
    await hub.store.noteAbove('default', phone.stream, { held: 1, final: 1 })
    expect((await pageOf(hub)).html).toContain('Final</p>')
    expect((await pageOf(hub)).html).not.toContain('Held here</p>')
  })
})

function at(wall: number) {
  return { wall, mono: 1, session: 's', zone: 0 }
}
