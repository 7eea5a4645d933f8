import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { acceptedEncodings } from '../../../src/hub/files/encoding.ts'
import { innerPath } from '../../../src/hub/files/locate.ts'
import { parseRange } from '../../../src/hub/files/range.ts'
import { createTestHub, type TestHub } from '../../helpers/test-hub.ts'

const folder = mkdtempSync(join(tmpdir(), 'jiko-hub-files-'))
const appDir = join(folder, 'app')
const packsDir = join(folder, 'packs')
const SCRIPT = 'export const leaf = "rust"\n'.repeat(40)
const WEIGHTS = Uint8Array.from({ length: 1000 }, (_, i) => i % 251)
const BIN = '/packs/leaf/leaf-0123456789abcdef.bin'
let hub: TestHub

beforeAll(async () => {
  mkdirSync(join(appDir, 'assets'), { recursive: true })
  mkdirSync(join(packsDir, 'leaf'), { recursive: true })
  writeFileSync(join(appDir, 'index.html'), '<!doctype html><title>shell</title>')
  writeFileSync(join(appDir, 'sw.js'), 'self.x = 1')
  writeFileSync(join(appDir, 'manifest.webmanifest'), '{}')
  writeFileSync(join(appDir, 'runtime.mjs'), 'export {}')
  writeFileSync(join(appDir, 'assets', 'kernels-abcd1234.wasm'), 'asm')
  writeFileSync(join(appDir, 'assets', 'main-abcd1234.js'), SCRIPT)
  writeFileSync(join(appDir, 'assets', 'main-abcd1234.js.br'), brotliCompressSync(SCRIPT))
  writeFileSync(join(appDir, 'assets', 'main-abcd1234.js.gz'), gzipSync(SCRIPT))
  writeFileSync(join(appDir, '.env'), 'SECRET=1')
  writeFileSync(join(packsDir, 'index.json'), '{"packs":[]}')
  writeFileSync(join(packsDir, 'leaf', 'manifest.ndjson'), '{}\n{}\n')
  writeFileSync(join(packsDir, 'leaf', 'manifest.ndjson.br'), brotliCompressSync('{}\n{}\n'))
  writeFileSync(join(packsDir, 'leaf', 'leaf-0123456789abcdef.bin'), WEIGHTS)
  writeFileSync(join(packsDir, 'leaf', 'plain.bin'), WEIGHTS)
  writeFileSync(join(folder, 'secret.txt'), 'SECRET=1')
  symlinkSync(join(folder, 'secret.txt'), join(packsDir, 'link.txt'))
  hub = await createTestHub({ appDir, packsDir })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') => hub.ask(path, { headers, method })
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer())

describe('types', () => {
  it.each([
    ['/', 'text/html; charset=utf-8'],
    ['/sw.js', 'text/javascript; charset=utf-8'],
    ['/runtime.mjs', 'text/javascript; charset=utf-8'],
    ['/assets/kernels-abcd1234.wasm', 'application/wasm'],
    ['/manifest.webmanifest', 'application/manifest+json'],
    ['/packs/index.json', 'application/json'],
    ['/packs/leaf/manifest.ndjson', 'application/x-ndjson'],
    [BIN, 'application/octet-stream'],
  ])('%s is %s', async (path, type) => {
    const response = await get(path)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type])
  })
})

describe('compression', () => {
  const path = '/assets/main-abcd1234.js'

  it.each([
    ['br, gzip', 'br'],
    ['gzip, deflate', 'gzip'],
    ['gzip;q=1, br;q=0', 'gzip'],
    ['*', 'br'],
    ['identity', null],
    ['', null],
    ['br;q=0, gzip;q=0', null],
    ['snappy', null],
    ['br;q=x', null],
  ])('for Accept-Encoding %j is %s', async (accepted, encoding) => {
    const response = await get(path, { 'accept-encoding': accepted })
    expect(response.headers.get('content-encoding')).toBe(encoding)
    expect(response.headers.get('vary')).toBe('accept-encoding')
    const body = await bytesOf(response)
    expect(response.headers.get('content-length')).toBe(String(body.length))
    const plain = encoding === 'br' ? brotliDecompressSync(body) : encoding === 'gzip' ? gunzipSync(body) : body
    expect(Buffer.from(plain).toString()).toBe(SCRIPT)
  })

  it('has a tag of its own for each form, so that one is never taken for the other', async () => {
    const forms = await Promise.all(['br', 'gzip', ''].map((accepted) => get(path, { 'accept-encoding': accepted })))
    const tags = forms.map(({ headers }) => headers.get('etag'))
    expect(new Set(tags).size).toBe(3)
    for (const [i, tag] of tags.entries()) {
      const accepted = ['br', 'gzip', ''][i] ?? ''
      const again = await get(path, { 'accept-encoding': accepted, 'if-none-match': tag ?? '' })
      expect([again.status, await again.text()]).toEqual([304, ''])
    }
  })

  it('is never laid over weights, whose offsets count', async () => {
    const response = await get(BIN, { 'accept-encoding': 'br, gzip' })
    expect(response.headers.get('content-encoding')).toBeNull()
    expect(await bytesOf(response)).toEqual(WEIGHTS)
  })
})

describe('keeping', () => {
  it.each([
    ['/', 'no-cache'],
    ['/sw.js', 'no-cache'],
    ['/manifest.webmanifest', 'no-cache'],
    ['/packs/index.json', 'no-cache'],
    ['/packs/leaf/manifest.ndjson', 'no-cache'],
    ['/packs/leaf/plain.bin', 'no-cache'],
    ['/assets/main-abcd1234.js', 'public, max-age=31536000, immutable'],
    [BIN, 'public, max-age=31536000, immutable'],
  ])('%s: %s', async (path, expected) => {
    expect((await get(path)).headers.get('cache-control')).toBe(expected)
  })

  it('answers 304 to the tag it gave, also after a rebuild to the same bytes, and 200 once they differ', async () => {
    const etag = (await get('/sw.js')).headers.get('etag') ?? ''
    expect((await get('/sw.js', { 'if-none-match': etag })).status).toBe(304)
    expect((await get('/sw.js', { 'if-none-match': `"other", W/${etag}` })).status).toBe(304)
    expect((await get('/sw.js', { 'if-none-match': '"other"' })).status).toBe(200)
    utimesSync(join(appDir, 'sw.js'), 1, 1)
    expect((await get('/sw.js', { 'if-none-match': etag })).status).toBe(304)
    writeFileSync(join(appDir, 'sw.js'), 'self.x = 2')
    expect((await get('/sw.js', { 'if-none-match': etag })).status).toBe(200)
  })
})

describe('pages of other addresses', () => {
  it('may have packs from here by ranges, and nothing else', async () => {
    const part = await get(BIN, { origin: 'https://other.test', range: 'bytes=0-9' })
    expect(part.status).toBe(206)
    expect(part.headers.get('access-control-allow-origin')).toBe('*')
    expect(part.headers.get('access-control-expose-headers')).toBe('content-range')
    const asked = { origin: 'https://other.test', 'access-control-request-headers': 'range' }
    const before = await get(BIN, asked, 'OPTIONS')
    expect(before.status).toBe(204)
    expect(before.headers.get('access-control-allow-headers')).toBe('range')
    for (const path of ['/', '/healthz', '/packs/none.bin'])
      expect((await get(path, { origin: 'https://other.test' })).headers.has('access-control-allow-origin')).toBe(false)
  })
})

describe('a part of a pack', () => {
  it.each([
    ['bytes=0-99', 0, 99],
    ['bytes=100-', 100, 999],
    ['bytes=-10', 990, 999],
    ['bytes=990-5000', 990, 999],
    ['bytes=0-0', 0, 0],
    ['bytes=-5000', 0, 999],
  ])('%s is bytes %i to %i', async (range, start, end) => {
    const response = await get(BIN, { range })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/1000`)
    expect(response.headers.get('content-length')).toBe(String(end - start + 1))
    expect(await bytesOf(response)).toEqual(WEIGHTS.slice(start, end + 1))
  })

  it.each(['bytes=1000-', 'bytes=5000-6000', 'bytes=-0'])('%s is none of it: 416', async (range) => {
    const response = await get(BIN, { range })
    expect([response.status, response.headers.get('content-range')]).toEqual([416, 'bytes */1000'])
  })

  it.each(['bytes=9-1', 'bytes=', 'bytes=-', 'bytes=a-b', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=0x1-2', 'bytes 0-1'])(
    '%s is no range we know: the whole',
    async (range) => {
      const response = await get(BIN, { range })
      expect([response.status, (await bytesOf(response)).length]).toEqual([200, 1000])
    },
  )

  it('is only given of the same bytes as before: If-Range', async () => {
    const etag = (await get(BIN)).headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[^"]+"$/)
    expect((await get(BIN, { range: 'bytes=5-', 'if-range': etag })).status).toBe(206)
    for (const other of ['"other"', `W/${etag}`, 'Wed, 21 Oct 2015 07:28:00 GMT']) {
      expect((await get(BIN, { range: 'bytes=5-', 'if-range': other })).status).toBe(200)
    }
  })

  it('is of the plain bytes even where a compressed form exists', async () => {
    const response = await get('/packs/leaf/manifest.ndjson', { range: 'bytes=0-1', 'accept-encoding': 'br' })
    expect([response.status, await response.text()]).toEqual([206, '{}'])
    expect(response.headers.get('content-encoding')).toBeNull()
  })

  it('says what it can do, and gives no body to HEAD', async () => {
    const response = await get(BIN, {}, 'HEAD')
    expect(response.headers.get('accept-ranges')).toBe('bytes')
    expect(response.headers.get('content-length')).toBe('1000')
    expect(await response.text()).toBe('')
    const part = await get(BIN, { range: 'bytes=0-9' }, 'HEAD')
    expect([part.status, part.headers.get('content-length')]).toEqual([206, '10'])
  })
})

describe('what is not there', () => {
  it.each([
    '/packs/../secret.txt',
    '/packs/..%2fsecret.txt',
    '/packs/%2e%2e/secret.txt',
    '/packs/%2e%2e%2fsecret.txt',
    '/packs/leaf/..%2f..%2f..%2fsecret.txt',
    '/packs/..%5csecret.txt',
    '/packs/%252e%252e/secret.txt',
    '/packs/leaf/%00',
    '/packs/leaf/manifest.ndjson%00.bin',
    '/packs/%ff',
    '/packs//etc/passwd',
    '/packs/link.txt',
    '/packs/leaf',
    '/packs/leaf/',
    '/packs/',
    '/packs',
    '/.env',
    '/%2eenv',
    '/..%2fsecret.txt',
    '/assets/none-abcd1234.js',
    '/assets',
    '/favicon.ico',
  ])('%s', async (path) => {
    const response = await get(path)
    const text = await response.text()
    expect(response.status).toBe(404)
    expect(JSON.parse(text).error.code).toBe('hub/not-found')
    expect(text).not.toContain('SECRET')
  })

  it('is the shell for a person who opens a place inside the app, and only for that', async () => {
    const html = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
    const place = await get('/history/abc', html)
    expect([place.status, await place.text()]).toEqual([200, '<!doctype html><title>shell</title>'])
    expect((await get('/history/abc', { accept: '*/*' })).status).toBe(404)
    expect((await get('/assets/gone-abcd1234.js', html)).status).toBe(404)
    expect((await get('/packs/none', html)).status).toBe(404)
    expect((await get('/v1/nothing', html)).status).toBe(404)
    expect((await hub.ask('/history', { method: 'POST', headers: html })).status).toBe(404)
  })

  it('is everything while nothing is built', async () => {
    const bare = await createTestHub({ appDir: join(folder, 'no-app'), packsDir: join(folder, 'no-packs') })
    expect((await bare.ask('/', { headers: { accept: 'text/html' } })).status).toBe(404)
    expect((await bare.ask('/packs/index.json')).status).toBe(404)
    const none = await createTestHub()
    expect((await none.ask('/')).status).toBe(404)
    expect((await none.ask('/packs/index.json')).status).toBe(404)
  })
})

describe('pieces of it', () => {
  it('an inner path has plain segments only', () => {
    expect(innerPath('/assets/main-1.js')).toBe('assets/main-1.js')
    for (const bad of [
      '',
      '/',
      '/a//b',
      '/a/',
      '/./a',
      '/a/..',
      '/a\\b',
      '/a b',
      '/%zz',
      '/a%2f..%2fb',
      '/-a'.repeat(0),
    ]) {
      expect(innerPath(bad), bad).toBeUndefined()
    }
  })

  it('a range never leaves the file', () => {
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable')
    expect(parseRange('bytes=-1', 0)).toBe('unsatisfiable')
    expect(parseRange(null, 10)).toBeUndefined()
    expect(parseRange('bytes=99999999999999999999-', 10)).toBeUndefined()
  })

  it('encodings come best first, whatever the order asked for', () => {
    expect(acceptedEncodings('gzip, br').map(({ name }) => name)).toEqual(['br', 'gzip'])
    expect(acceptedEncodings(null)).toEqual([])
  })
})
