import { afterEach, describe, expect, it } from 'vitest'
import { utf8 } from '../../../src/lib/bytes.ts'
import { checkIndex } from '../../../src/packs/check-updates.ts'
import { createInstaller, type InstallerDeps } from '../../../src/packs/install.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { openPack } from '../../../src/packs/open.ts'
import { createCacheStore } from '../../../src/packs/store-cache.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { createFakeCacheStorage } from '../../helpers/fake-cache-storage.ts'
import { type Behaviour, type FlakyRequest, type FlakyServer, startFlakyServer } from '../../helpers/flaky-server.ts'
import { KEEP, noise, seeded, syntheticPack, throwAwaySigner } from '../../helpers/synthetic-pack.ts'

const signer = await throwAwaySigner()
const pack = await syntheticPack({ signer, files: { [KEEP]: noise(400_000, 21) }, chunkSize: 32_768 })
const largest = Math.max(...pack.chunkBytes.map(({ length }) => length))

let server: FlakyServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

/** Real sockets and real fetch; the bytes of the blob come as badly as `behave` says, the n-th answer of it at a time. */
async function setUp(behave: (nth: number, request: FlakyRequest) => Behaviour, more: Partial<InstallerDeps> = {}) {
  let nth = 0
  const started = await startFlakyServer((request) => (request.path.endsWith('.bin') ? behave(nth++, request) : {}))
  server = started
  started.put('/leaf/manifest.ndjson', utf8(pack.text))
  started.put('/leaf/chunks.bin', pack.blob)
  const store = createCacheStore({ caches: createFakeCacheStorage() })
  const installer = createInstaller({
    store,
    exclusive: memoryLocks(),
    trusted: [signer.key],
    fetch: (url, init) => fetch(url, init),
    stallMs: 200,
    sleep: async (_, signal) => signal?.throwIfAborted(),
    ...more,
  })
  return {
    server: started,
    store,
    installer,
    url: `${started.origin}/leaf/`,
    install: () => installer.install(`${started.origin}/leaf/`),
  }
}

async function whole(store: Parameters<typeof openPack>[0]): Promise<void> {
  const { readFile, digest } = await openPack(store, 'leaf', [signer.key])
  expect(digest).toBe(pack.digest)
  expect(await readFile(KEEP)).toEqual(pack.files.get(KEEP))
}

describe('over real sockets', () => {
  const few: [string, (nth: number) => Behaviour][] = [
    ['is honest', () => ({})],
    ['dies after 64 KB each time', () => ({ cutAfter: 65_536 })],
    ['dies after less than a chunk each time', () => ({ cutAfter: 10_000 })],
    ['stalls, then goes on', (nth) => (nth < 2 ? { stallAfter: 50_000 } : {})],
    ['stalls before the first byte', (nth) => (nth === 0 ? { stallAfter: 0 } : {})],
    ['ignores Range', (nth) => ({ ignoreRange: true, ...(nth === 0 && { cutAfter: 150_000 }) })],
    ['shifts a range', (nth) => (nth === 1 ? { shiftRange: 5 } : { cutAfter: nth === 0 ? 90_000 : 1e9 })],
    ['says it sends more than it does', (nth) => (nth === 0 ? { lengthLie: 1000 } : {})],
    ['gzips the whole file', () => ({ gzip: 'whole', ignoreRange: true })],
    ['gzips a range', (nth) => (nth < 2 ? { gzip: 'range' } : {})],
    ['is behind a login page at first', (nth) => ({ login: nth < 3 })],
    ['is overloaded at first', (nth) => (nth < 3 ? { status: 503 } : {})],
    ['is slow', () => ({ bytesPerSecond: 2_000_000 })],
  ]
  it.each(few)('ends in the exact pack when the server %s', async (_, behave) => {
    const { store, install } = await setUp(behave)
    expect(await install()).toMatchObject({ state: 'ready' })
    await whole(store)
  })

  it('fetches nothing twice when connections die', async () => {
    const { server, store, install } = await setUp(() => ({ cutAfter: 65_536 }))
    let received = 0
    await createInstaller({
      store,
      exclusive: memoryLocks(),
      trusted: [signer.key],
      fetch: (url, init) => fetch(url, init),
      sleep: async () => undefined,
      spend: (bytes, name) => {
        if (name === 'leaf') received += bytes
      },
    }).install(`${server.origin}/leaf/`)
    expect(received).toBe(pack.blob.length)
    await install()
    await whole(store)
  })

  it('pays one chunk for one flipped bit', async () => {
    let received = 0
    const { store, install } = await setUp(
      (nth) => ({
        damage(bytes) {
          if (nth === 0) bytes[200_000] = (bytes[200_000] ?? 0) ^ 8
        },
      }),
      {
        spend(bytes, name) {
          if (name === 'leaf') received += bytes
        },
      },
    )
    await install()
    await whole(store)
    expect(received).toBeGreaterThan(pack.blob.length)
    expect(received).toBeLessThanOrEqual(pack.blob.length + largest)
  })

  const never: [string, Behaviour, string][] = [
    ['a login page', { login: true }, 'download/captive-portal'],
    ['a longer file', { lengthLie: 1000, ignoreRange: true }, 'download/changed'],
    ['a shorter file', { lengthLie: -1000, ignoreRange: true }, 'download/changed'],
    ['nothing', { stallAfter: 0 }, 'download/stalled'],
    ['a 404', { status: 404 }, 'download/not-found'],
    ['a 500', { status: 500 }, 'download/server'],
    ['resets', { cutAfter: 0 }, 'download/network'],
    ['wrong bits everywhere', { damage: (bytes) => void bytes.fill(7) }, 'pack/corrupt'],
  ]
  it.each(never)('ends in a clear error when there is only ever %s', async (_, behaviour, code) => {
    const { store, install } = await setUp(() => behaviour, { stallMs: behaviour.stallAfter === 0 ? 40 : 5000 })
    await expect(install()).rejects.toMatchObject({ name: 'JikoError', code })
    expect(await store.listManifests()).toEqual([])
  })

  it('follows a file that changes midway to the new version', async () => {
    const next = await syntheticPack({
      signer,
      version: '1.1.0',
      files: { [KEEP]: noise(300_000, 22) },
      chunkSize: 32_768,
    })
    const { server, store, install } = await setUp((nth) => {
      if (nth === 0) return { cutAfter: 100_000 }
      server.put('/leaf/manifest.ndjson', utf8(next.text))
      server.put('/leaf/chunks.bin', next.blob)
      return {}
    })
    expect(await install()).toMatchObject({ version: '1.1.0', state: 'ready' })
    const { readFile } = await openPack(store, 'leaf')
    expect(await readFile(KEEP)).toEqual(next.files.get(KEEP))
  })

  it('survives a day of bad weather by a seed, killed and started again', async () => {
    const random = seeded(99)
    const { store, installer, url } = await setUp(
      () => {
        const dice = random()
        const at = Math.floor(random() * 200_000)
        if (dice < 0.4) return { cutAfter: at }
        if (dice < 0.5) return { stallAfter: at }
        if (dice < 0.6) return { status: 502 }
        if (dice < 0.7) return { login: true }
        if (dice < 0.8) return { damage: (bytes) => void bytes.fill(0, at % bytes.length, (at % bytes.length) + 9) }
        return {}
      },
      { stallMs: 250 },
    )
    let kills = 0
    for (;;) {
      const controller = new AbortController()
      let pieces = 0
      try {
        await installer.install(url, {
          signal: controller.signal,
          onProgress: () => void (pieces++ > 0 && kills < 6 && controller.abort()),
        })
        break
      } catch (error) {
        expect(error).toMatchObject({ name: 'AbortError' })
        kills++
      }
    }
    expect(kills).toBeGreaterThan(2)
    await whole(store)
  })

  it('asks for updates in under 1 KB on the wire when nothing changed', async () => {
    const { server } = await setUp(() => ({}))
    const notes = createMemoryStore()
    const url = `${server.origin}/packs/index.json`
    server.put('/packs/index.json', utf8(JSON.stringify({ packs: [] })))
    const link = { fetch: (address: string, init: RequestInit) => fetch(address, init) }
    await checkIndex(url, link, notes)
    const before = server.wire()
    expect(await checkIndex(url, link, notes)).toMatchObject({ changed: false })
    const after = server.wire()
    expect(after.up - before.up + after.down - before.down).toBeGreaterThan(100)
    expect(after.up - before.up + after.down - before.down).toBeLessThanOrEqual(1024)
  })
})
