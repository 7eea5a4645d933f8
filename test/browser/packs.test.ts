import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { utf8 } from '../../src/lib/bytes.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import type { NoteStore } from '../../src/packs/notes.ts'
import type { PackStore } from '../../src/packs/store.ts'
import { JikoError } from '../../src/protocol/error.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { type Behaviour, type FlakyServer, startFlakyServer } from '../helpers/flaky-server.ts'
import { packStoreContract } from '../helpers/pack-store-contract.ts'
import type { PacksPage } from '../helpers/packs-page.ts'
import { packsPageScript } from '../helpers/packs-page-script.ts'
import { KEEP, noise, syntheticPack } from '../helpers/synthetic-pack.ts'

declare const room: PacksPage

const pack = await syntheticPack({ files: { [KEEP]: noise(1_000_000, 31) }, chunkSize: 65_536 })
const largest = Math.max(...pack.chunkBytes.map(({ length }) => length))

let script: string
let context: BrowserContext
let profile: string
let server: FlakyServer
let behave: (nth: number) => Behaviour
let nth = 0

beforeAll(async () => {
  script = await packsPageScript()
  ;({ context, profile } = await openProfile())
})
afterAll(async () => {
  await context?.close()
  if (profile) await deleteProfile(profile)
})
afterEach(() => server?.close())

/** A fresh origin, so a fresh store: every server has a port of its own. */
async function serve(how: (nth: number) => Behaviour = () => ({})): Promise<FlakyServer> {
  behave = how
  nth = 0
  server = await startFlakyServer(({ path }) => (path.endsWith('.bin') ? behave(nth++) : {}))
  server.put('/index.html', utf8('<!doctype html><title>packs</title><script type="module" src="/page.js"></script>'))
  server.put('/page.js', utf8(script))
  server.put('/packs/leaf/manifest.ndjson', utf8(pack.text))
  server.put('/packs/leaf/chunks.bin', pack.blob)
  return server
}

async function open(): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${server.origin}/index.html`)
  await page.waitForFunction(() => 'room' in globalThis)
  return page
}

const install = (page: Page, urls: readonly string[] = ['/packs/leaf/']) =>
  // A page that is slow has not stalled.
  page.evaluate(([from, trusted]) => room.install(from, trusted, 120_000), [urls, [pack.key]] as const)

async function exact(page: Page): Promise<void> {
  const { value, error } = await page.evaluate((path) => room.hash('leaf', path), KEEP)
  expect(error).toBeUndefined()
  expect(value).toBe(await sha256Hex(pack.files.get(KEEP) ?? new Uint8Array()))
}

const held = async (page: Page): Promise<number> => {
  const { value } = await page.evaluate(() => room.call('listChunks', []))
  return (value as string[]).length
}

/** The store of a page, called from here: the same contract suite runs on the browser's own Cache Storage. */
function remoteStore(page: Page): PackStore & NoteStore {
  const target: Record<string, unknown> = {}
  return new Proxy(target, {
    get: (_, method) =>
      method === 'then'
        ? undefined
        : async (...args: unknown[]) => {
            const wire = args.map((arg) => (arg instanceof Uint8Array ? { bytes: [...arg] } : arg))
            const { value, error } = await page.evaluate(
              ([name, given]) => room.call(name as 'listChunks', given as string[]),
              [String(method), wire] as const,
            )
            if (error) throw new JikoError((error.code ?? 'storage/failed') as 'storage/failed', error.name)
            return typeof value === 'object' && value !== null && 'bytes' in value
              ? Uint8Array.from(value.bytes as number[])
              : (value ?? undefined)
          },
  }) as unknown as PackStore & NoteStore
}

packStoreContract(
  'Cache Storage of Chromium',
  async () => {
    await serve()
    return remoteStore(await open())
  },
  { quota: false },
)

describe('packs in Chromium', () => {
  it('brings a pack over connections that die after 64 KB, fetching nothing twice', async () => {
    // Chromium forgets what has come but was not read when a connection dies: here they die when all was.
    const received = (): Promise<number> => page.evaluate(() => room.received())
    const beforeCut = () => expect.poll(received).toBe(pack.text.length + server.sentOf('/packs/leaf/chunks.bin'))
    await serve(() => ({ cutAfter: 65_536, beforeCut }))
    const page = await open()
    expect(await install(page)).toMatchObject({ value: { state: 'ready', version: '1.0.0' } })
    await exact(page)
    expect(server.requests.filter(({ path }) => path.endsWith('.bin')).length).toBeGreaterThan(10)
    expect(server.sentOf('/packs/leaf/chunks.bin')).toBe(pack.blob.length)
  })

  it('carries on after a reload and after a tab was closed, with at most a chunk and what was in flight again', async () => {
    // Twice a few chunks come and then nothing more: there is no race between the download and who ends it.
    await serve((nth) => (nth < 2 ? { stallAfter: 5 * largest } : {}))
    const page = await open()
    const running = install(page).catch(() => undefined)
    await expect.poll(() => held(page)).toBeGreaterThan(2)
    await page.reload()
    await running
    await page.waitForFunction(() => 'room' in globalThis)
    const before = await held(page)
    expect(before).toBeLessThan(pack.chunkBytes.length)
    void install(page).catch(() => undefined)
    await expect.poll(() => held(page)).toBeGreaterThan(before + 2)
    await page.close()
    const other = await open()
    expect(await install(other)).toMatchObject({ value: { state: 'ready' } })
    await exact(other)
    const manifests = server.requests.filter(({ path }) => path.endsWith('.ndjson'))
    expect(manifests).toHaveLength(1)
    expect(server.sent - overhead()).toBeLessThan(pack.blob.length + 2 * (largest + 200_000))
  })

  it('makes one download for three tabs', async () => {
    await serve(() => ({ bytesPerSecond: 1_000_000 }))
    const tabs = [await open(), await open(), await open()]
    const outcomes = await Promise.all(tabs.map((page) => install(page)))
    for (const { value } of outcomes) expect(value).toMatchObject({ state: 'ready' })
    expect(server.requests.filter(({ path }) => path.startsWith('/packs/')).map(({ path }) => path)).toEqual([
      '/packs/leaf/manifest.ndjson',
      '/packs/leaf/chunks.bin',
    ])
  })

  it('frees the lock of a tab that is closed in the middle', async () => {
    await serve(() => ({ bytesPerSecond: 300_000 }))
    const [first, second] = [await open(), await open()]
    void install(first).catch(() => undefined)
    await expect.poll(() => held(first)).toBeGreaterThan(1)
    const waiting = install(second)
    await first.close()
    expect(await waiting).toMatchObject({ value: { state: 'ready' } })
    await exact(second)
  })

  it('refuses a chunk that came damaged and fetches just that', async () => {
    await serve((request) => ({
      damage(bytes) {
        if (request === 0) bytes[300_000] = (bytes[300_000] ?? 0) ^ 1
      },
    }))
    const page = await open()
    expect(await install(page)).toMatchObject({ value: { state: 'ready' } })
    await exact(page)
    const ranges = server.requests.filter(({ path }) => path.endsWith('.bin')).map(({ range }) => range ?? '')
    expect(ranges).toHaveLength(2)
    const [, from, to] = /=(\d+)-(\d+)/.exec(ranges[1] ?? '') ?? []
    expect(Number(to) + 1 - Number(from)).toBeLessThanOrEqual(largest)
  })

  it('reads a body that was compressed on the way, and a mirror of another origin', async () => {
    await serve((request) => (request === 0 ? { gzip: 'range' } : { gzip: 'whole', ignoreRange: true }))
    const page = await open()
    expect(await install(page)).toMatchObject({ value: { state: 'ready' } })
    await exact(page)
    const mirror = await startFlakyServer(({ number }) => ({ cors: true, ...(number === 1 && { cutAfter: 200_000 }) }))
    try {
      mirror.put('/leaf/manifest.ndjson', utf8(pack.text))
      mirror.put('/leaf/chunks.bin', pack.blob)
      await server.close()
      await serve(() => ({ status: 404 }))
      const far = await open()
      expect(await install(far, ['/packs/leaf/', `${mirror.origin}/leaf/`])).toMatchObject({
        value: { state: 'ready' },
      })
      await exact(far)
      expect(mirror.sent).toBeLessThan(pack.blob.length * 1.2)
    } finally {
      await mirror.close()
    }
  })

  it('says that the device is full, loses nothing, and goes on when there is room', async () => {
    await serve()
    const page = await open()
    const devtools = await context.newCDPSession(page)
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 400_000 })
    expect(await install(page)).toMatchObject({ error: { name: 'JikoError', code: 'storage/quota' } })
    const kept = await held(page)
    expect(kept).toBeGreaterThan(0)
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: server.origin })
    const before = server.requests.length
    expect(await install(page)).toMatchObject({ value: { state: 'ready' } })
    await exact(page)
    const [request] = server.requests.slice(before)
    expect(Number(/=(\d+)-/.exec(request?.range ?? '')?.[1])).toBeGreaterThan(0)
  })

  it('asks for updates in at most 1 KB on the wire', async () => {
    await serve()
    server.put('/packs/index.json', utf8('{"packs":[]}'))
    const page = await open()
    const ask = (etag?: string) =>
      page.evaluate(async (known) => {
        const headers: Record<string, string> = known ? { 'if-none-match': known } : {}
        const response = await fetch('/packs/index.json', { headers, cache: 'no-store' })
        return { status: response.status, etag: response.headers.get('etag') ?? '' }
      }, etag ?? '')
    const first = await ask()
    const before = server.wire()
    expect(await ask(first.etag)).toMatchObject({ status: 304 })
    const after = server.wire()
    const bytes = after.up - before.up + after.down - before.down
    expect(bytes).toBeGreaterThan(200)
    expect(bytes).toBeLessThanOrEqual(1024)
  })
})

/** What the server sent that is not the pack's blob. */
function overhead(): number {
  return (
    utf8(script).length * server.requests.filter(({ path }) => path === '/page.js').length +
    pack.text.length * server.requests.filter(({ path }) => path.endsWith('.ndjson')).length +
    100 * server.requests.filter(({ path }) => path === '/index.html').length
  )
}
