import { describe, expect, it } from 'vitest'
import { type DownloadDeps, download } from '../../../src/packs/download.ts'
import type { PackStore } from '../../../src/packs/store.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { createScriptedServer, type Fault, type Script } from '../../helpers/scripted-fetch.ts'
import { noise, seeded, syntheticPack } from '../../helpers/synthetic-pack.ts'

const pack = await syntheticPack({
  files: { 'model.plan': noise(60_000, 3), 'card.md': noise(9000, 4) },
  chunkSize: 4096,
})
const { chunks } = pack.manifest.blob
const all = chunks.map((_, index) => index)
const url = 'https://hub.test/packs/leaf/chunks.bin'

function setUp(script: Partial<Script> & { faults?: readonly Fault[] } = {}, more: Partial<DownloadDeps> = {}) {
  const { faults = [], ...rest } = script
  const server = createScriptedServer(pack.blob, {
    random: seeded(7),
    fault: (request) => faults[request] ?? 'none',
    ...rest,
  })
  const store = createMemoryStore()
  const waits: number[] = []
  const progress: { done: number; total: number }[] = []
  const deps: DownloadDeps = {
    store,
    fetch: server.fetch,
    watchdog: server.watchdog,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      waits.push(ms)
    },
    random: () => 0.5,
    ...more,
  }
  const run = (wanted: readonly number[] = all, signal?: AbortSignal) =>
    download({ chunks, wanted, mirrors: [url] }, deps, {
      onProgress: ({ done, total }) => void progress.push({ done, total }),
      ...(signal && { signal }),
    })
  return { server, store, deps, waits, progress, run }
}

/** Every chunk in the store is exact; answers how many there are. */
async function exact(store: PackStore): Promise<number> {
  const bySha = new Map(chunks.map((chunk, index) => [chunk.sha256, pack.chunkBytes[index]]))
  const here = await store.listChunks()
  for (const sha256 of here) expect(await store.getChunk(sha256)).toEqual(bySha.get(sha256))
  return here.length
}

function steady(progress: readonly { done: number; total: number }[]): void {
  for (let i = 0; i < progress.length; i++) {
    expect(progress[i]?.done).toBeLessThanOrEqual(progress[i]?.total ?? 0)
    if (i > 0) expect(progress[i]?.done).toBeGreaterThan(progress[i - 1]?.done ?? 0)
  }
}

describe('download', () => {
  it('takes everything in one request over an honest link', async () => {
    const { server, store, progress, run } = setUp()
    expect(await run()).toEqual({ stored: pack.blob.length, received: pack.blob.length })
    expect(await exact(store)).toBe(chunks.length)
    expect(server.requests.map(({ range }) => range)).toEqual([`bytes=0-${pack.blob.length - 1}`])
    steady(progress)
    expect(progress.at(-1)).toEqual({ done: pack.blob.length, total: pack.blob.length })
  })

  it('asks for nothing when nothing is missing, and only for the runs that are', async () => {
    const { server, store, run } = setUp({}, { gap: 0 })
    for (const index of [0, 1, 5, 6, 9])
      await store.putChunk(chunks[index]?.sha256 ?? '', pack.chunkBytes[index] ?? new Uint8Array())
    const { received } = await run(all.slice(0, 12))
    const length = (indexes: number[]) => indexes.reduce((sum, index) => sum + (chunks[index]?.length ?? 0), 0)
    expect(server.requests).toHaveLength(3)
    expect(received).toBe(length([2, 3, 4, 7, 8, 10, 11]))
    await run(all.slice(0, 12))
    expect(server.requests).toHaveLength(3)
  })

  it('takes a small gap along rather than paying for another request', async () => {
    const { server, store, run } = setUp({}, { gap: 5000 })
    await store.putChunk(chunks[3]?.sha256 ?? '', pack.chunkBytes[3] ?? new Uint8Array())
    await run()
    expect(server.requests).toHaveLength(1)
  })

  it.each<Fault>(['cut', 'clean-cut', 'stall', 'stall-before-headers', 'refused-connection'])(
    'goes on where the connection died: %s',
    async (fault) => {
      const { server, store, progress, run } = setUp({ faults: [fault, fault, fault] })
      const { received } = await run()
      expect(await exact(store)).toBe(chunks.length)
      // Even the chunk that the cut fell into is not fetched again.
      expect(received).toBe(pack.blob.length)
      // Without any answer the fourth one asks whether it is ranges that fail.
      const silent = fault === 'stall-before-headers' || fault === 'refused-connection'
      expect(server.requests).toHaveLength(silent ? 5 : 4)
      steady(progress)
    },
  )

  it('costs one chunk when one bit flips', async () => {
    const { store, progress, run } = setUp({ faults: ['corrupt'] })
    const { received, stored } = await run()
    expect(stored).toBe(pack.blob.length)
    expect(received - stored).toBeGreaterThan(0)
    expect(received - stored).toBeLessThanOrEqual(Math.max(...chunks.map(({ length }) => length)))
    expect(await exact(store)).toBe(chunks.length)
    steady(progress)
  })

  it('calls a chunk damaged after a few tries, and keeps the others', async () => {
    const wrong = pack.blob.slice()
    wrong[5000] = (wrong[5000] ?? 0) ^ 1
    const server = createScriptedServer(wrong, { random: seeded(1), fault: () => 'none' })
    const { store, run } = setUp({}, { fetch: server.fetch })
    await expect(run()).rejects.toMatchObject({ code: 'pack/corrupt', detail: { chunk: 1, times: 4 } })
    expect(await exact(store)).toBe(chunks.length - 1)
    expect(server.requests).toHaveLength(4)
  })

  it('skips what is held when the server ignores Range, and survives gzip over the whole', async () => {
    for (const fault of ['ignores-range', 'gzip-whole'] as const) {
      const { store, progress, run } = setUp({ faults: ['cut', fault] })
      const { stored } = await run()
      expect(stored).toBe(pack.blob.length)
      expect(await exact(store)).toBe(chunks.length)
      steady(progress)
    }
  })

  it('asks without a range when ranges come out wrong', async () => {
    for (const fault of ['wrong-range', 'gzip-range'] as const) {
      const { server, store, run } = setUp({ faults: [fault] })
      await run()
      expect(await exact(store)).toBe(chunks.length)
      expect(server.requests.map(({ range }) => range === null)).toEqual([false, true])
    }
  })

  it('finds out that compressed answers to ranges fail without a word, and takes the whole file', async () => {
    const { server, store, run } = setUp({ fault: () => 'gzip-fails-range' })
    await run()
    expect(await exact(store)).toBe(chunks.length)
    expect(server.requests.map(({ range }) => range === null)).toEqual([false, false, false, true])
  })

  it('fetches nothing from the beginning again because the link was down for a while', async () => {
    const down: Fault[] = ['cut', 'refused-connection', 'refused-connection', 'refused-connection', 'none', 'none']
    const { server, store, run } = setUp({ faults: down })
    const { received } = await run()
    expect(await exact(store)).toBe(chunks.length)
    expect(received).toBe(pack.blob.length)
    expect(server.requests.map(({ range }) => range === null)).toEqual([false, false, false, false, true, false])
  })

  it.each<Fault>(['not-found', 'other-file', 'wrong-total'])('is not put off by one odd answer: %s', async (fault) => {
    const { server, store, run } = setUp({ faults: ['cut', fault, 'cut', fault] })
    const { received } = await run()
    expect(received).toBe(pack.blob.length)
    expect(await exact(store)).toBe(chunks.length)
    expect(server.requests).toHaveLength(5)
  })

  it('does not start over because an ETag changed while the bytes did not', async () => {
    const { server, store, run } = setUp({ faults: ['cut', 'other-etag', 'none'] })
    const { received } = await run()
    expect(await exact(store)).toBe(chunks.length)
    expect(received).toBe(pack.blob.length)
    expect(server.requests).toHaveLength(3)
  })

  it.each<[Fault, string]>([
    ['other-file', 'download/changed'],
    ['wrong-total', 'download/changed'],
    ['other-file-same-length', 'pack/corrupt'],
    ['not-found', 'download/not-found'],
    ['portal', 'download/captive-portal'],
    ['portal-as-bytes', 'download/captive-portal'],
    ['error-503', 'download/server'],
    ['refused-connection', 'download/network'],
    ['stall-before-headers', 'download/stalled'],
  ])('ends in a clear error when it stays like that: %s', async (fault, code) => {
    const { server, store, run } = setUp({ fault: () => fault })
    await expect(run()).rejects.toMatchObject({ name: 'JikoError', code })
    expect(await exact(store)).toBe(0)
    expect(server.requests.length).toBeLessThanOrEqual(8)
  })

  it('waits longer from try to try, as long as a server asks, and gives up', async () => {
    const network = setUp({ fault: () => 'refused-connection' })
    await expect(network.run()).rejects.toMatchObject({ code: 'download/network' })
    expect(network.waits).toEqual([750, 1500, 3000, 6000, 12_000, 24_000, 48_000])
    const slow = async () => new Response('', { status: 429, headers: { 'retry-after': '20' } })
    const busy = setUp({}, { fetch: slow, maxTries: 3 })
    await expect(busy.run()).rejects.toMatchObject({ code: 'download/server' })
    expect(busy.waits).toEqual([20_000, 20_000])
  })

  it('does not call a byte now and then progress', async () => {
    let requests = 0
    const drip = async (_: string, init: RequestInit) => {
      requests++
      const from = Number(/=(\d+)-/.exec(new Headers(init.headers).get('range') ?? '')?.[1])
      return new Response(pack.blob.slice(from, from + 1), {
        status: 206,
        headers: { 'content-range': `bytes ${from}-${from}/${pack.blob.length}` },
      })
    }
    const { run } = setUp({}, { fetch: drip })
    await expect(run()).rejects.toMatchObject({ code: 'download/cut' })
    expect(requests).toBe(8)
  })

  it('tries the mirrors in order and leaves out those that lack the file', async () => {
    const asked: string[] = []
    const { deps, server, store } = setUp()
    const fetch: DownloadDeps['fetch'] = async (address, init) => {
      asked.push(address)
      if (address.includes('a.test')) throw new TypeError('fetch failed')
      if (address.includes('b.test')) return new Response('', { status: 404 })
      return server.fetch(address, init)
    }
    await download(
      { chunks, wanted: all, mirrors: ['https://a.test/x', 'https://b.test/x', 'https://c.test/x'] },
      { ...deps, fetch },
    )
    expect(asked).toEqual(['https://a.test/x', 'https://b.test/x', 'https://c.test/x'])
    expect(await exact(store)).toBe(chunks.length)
  })

  it('refetches a damaged chunk from the next mirror', async () => {
    const wrong = pack.blob.slice()
    wrong[5000] = (wrong[5000] ?? 0) ^ 1
    const bad = createScriptedServer(wrong, { random: seeded(1), fault: () => 'none' })
    const { deps, server, store } = setUp()
    const fetch: DownloadDeps['fetch'] = (address, init) =>
      (address.includes('a.test') ? bad : server).fetch(address, init)
    await download({ chunks, wanted: all, mirrors: ['https://a.test/x', 'https://b.test/x'] }, { ...deps, fetch })
    expect(await exact(store)).toBe(chunks.length)
    expect([bad.requests.length, server.requests.length]).toEqual([1, 1])
  })

  it('stops at once when told to, keeps what it has, and carries on', async () => {
    const { server, store, run, progress } = setUp({ piece: 1000 })
    const controller = new AbortController()
    const running = run(all, controller.signal)
    await new Promise<void>((resolve) => {
      const look = (): void => (progress.length > 20 ? resolve() : void setImmediate(look))
      look()
    })
    controller.abort()
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
    const held = await exact(store)
    expect(held).toBeGreaterThan(0)
    expect(held).toBeLessThan(chunks.length)
    const before = server.served
    await run()
    expect(await exact(store)).toBe(chunks.length)
    // What was on its way when it stopped is lost: less than a chunk and the piece in flight.
    expect(server.served - pack.blob.length).toBeLessThanOrEqual(4200 + 1000)
    expect(server.served).toBeGreaterThan(before)
  })

  it('rejects with the reason of a signal that was aborted before', async () => {
    const { server, run } = setUp()
    await expect(run(all, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
    expect(server.requests).toHaveLength(0)
  })

  it('stops at a full device without losing what it has', async () => {
    const small = createMemoryStore({ quota: 20_000 })
    const { run } = setUp({}, { store: small })
    await expect(run()).rejects.toMatchObject({ code: 'storage/quota' })
    expect(await exact(small)).toBe(4)
  })
})
