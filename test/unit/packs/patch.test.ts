import { describe, expect, it } from 'vitest'
import { buildDelta } from '../../../src/cli/pack/delta.ts'
import { blobReader } from '../../../src/cli/pack/open-folder.ts'
import { type Bytes, fromUtf8, utf8 } from '../../../src/lib/bytes.ts'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import { createInstaller, type InstallerDeps } from '../../../src/packs/install.ts'
import { memoryLocks } from '../../../src/packs/locks.ts'
import { openPack } from '../../../src/packs/open.ts'
import { createMemoryStore } from '../../../src/packs/store-memory.ts'
import { updatesOf, withUpdates } from '../../../src/protocol/delta.ts'
import { JikoError } from '../../../src/protocol/error.ts'
import { createStaticSite } from '../../helpers/static-site.ts'
import {
  KEEP,
  noise,
  type SyntheticPack,
  seeded,
  syntheticPack,
  throwAwaySigner,
} from '../../helpers/synthetic-pack.ts'

const url = 'https://hub.test/packs/leaf/'
const signer = await throwAwaySigner()
const random = seeded(5)
const weights = noise(120_000, 1)
const moved = weights.map((byte) => (random() < 0.03 ? byte + 1 : byte))
const one = await syntheticPack({ signer, files: { [KEEP]: weights } })
const two = await syntheticPack({ signer, version: '1.1.0', files: { [KEEP]: moved } })
const built = await buildDelta(readableOf(one), readableOf(two))
if (!built) throw new Error('there must be differences')
const { update, table, delta, blob } = built

function readableOf({ manifest, digest, blob: chunks }: SyntheticPack) {
  return { manifest, digest, read: blobReader(manifest, chunks) }
}

const text = withUpdates(two.text, [update])

/** A phone with version 1.0.0, and a host that offers 1.1.0 with differences, or with what `change` makes of them. */
async function setUp({ more = {}, manifest = text, files = {} }: Offer = {}) {
  const site = createStaticSite()
  const store = createMemoryStore()
  const deps: InstallerDeps = {
    store,
    exclusive: memoryLocks(),
    trusted: [signer.key],
    fetch: site.fetch,
    sleep: async (_, signal) => signal?.throwIfAborted(),
    random: () => 0.5,
    ...more,
  }
  site.publish('/packs/leaf/', one)
  await createInstaller({ ...deps, store }).install(url)
  // Blobs are named by their content on a real host; both versions can be had there for a while.
  site.put('/packs/leaf/manifest.ndjson', manifest)
  site.put('/packs/leaf/chunks.bin', two.blob)
  for (const [path, bytes] of Object.entries({ [update.path]: table, [delta.blob.path]: blob, ...files })) {
    if (bytes) site.put(`/packs/leaf/${path}`, bytes)
  }
  const before = site.served
  const bytesOf = (path: string): number =>
    site.requests
      .slice(2)
      .filter((request) => request.path === `/packs/leaf/${path}`)
      .reduce((sum, { bytes }) => sum + bytes, 0)
  return { site, store, deps, bytesOf, fetched: () => site.served - before }
}
interface Offer {
  more?: Partial<InstallerDeps>
  manifest?: string
  files?: Record<string, Bytes | undefined>
}

async function exact(store: ReturnType<typeof createMemoryStore>): Promise<void> {
  const { digest, readFile } = await openPack(store, 'leaf', [signer.key])
  expect(digest).toBe(two.digest)
  expect(await readFile(KEEP)).toEqual(moved)
  for (const [index, { sha256 }] of two.manifest.blob.chunks.entries())
    expect(await store.getChunk(sha256)).toEqual(two.chunkBytes[index])
}

const PIECE = 200

/** The same answer little by little, as links bring it. */
function inPieces(response: Response): Response {
  const { status, headers, body } = response
  const small = new TransformStream<Uint8Array, Uint8Array>({
    transform(part, controller) {
      for (let at = 0; at < part.length; at += PIECE) controller.enqueue(part.subarray(at, at + PIECE))
    },
  })
  return new Response(body?.pipeThrough(small) ?? null, { status, headers })
}

/** An entry of line 3 for other bytes of a table. */
const entryFor = async (bytes: Bytes) => ({
  ...update,
  path: 'table.json',
  length: bytes.length,
  sha256: await sha256Hex(bytes),
})

describe('an update by differences', () => {
  it('costs the manifest, the table and the differences, and comes out byte for byte', async () => {
    const { store, deps, fetched } = await setUp()
    const seen: number[] = []
    const status = await createInstaller(deps).install(url, {
      onProgress: ({ phase, done, total }) => void (phase === 'download' && seen.push(done / total)),
    })
    expect(status).toMatchObject({ version: '1.1.0', have: status.bytes })
    expect(fetched()).toBe(text.length + table.length + blob.length)
    expect(fetched()).toBeLessThan(two.blob.length / 4)
    expect(seen).toEqual([...seen].sort((a, b) => a - b))
    expect(seen.at(-1)).toBe(1)
    await exact(store)
    expect(await store.getNote('differences/leaf')).toBeUndefined()
  })

  it('may be killed at any byte: the table comes once, and no difference that came whole comes again', async () => {
    const { site, store, deps, bytesOf } = await setUp()
    const all = table.length + blob.length
    const kills = [table.length - 10, ...Array.from({ length: 12 }, (_, i) => table.length + (i * blob.length) / 12)]
    let come = -text.length
    let killed = 0
    const live = (): InstallerDeps & { signal: AbortSignal } => {
      const controller = new AbortController()
      return {
        ...deps,
        exclusive: memoryLocks(),
        fetch: async (address, init) => inPieces(await site.fetch(address, init)),
        spend(bytes) {
          come += bytes
          if (come >= (kills[killed] ?? Number.POSITIVE_INFINITY)) {
            killed++
            controller.abort()
          }
        },
        signal: controller.signal,
      }
    }
    for (;;) {
      const { signal, ...life } = live()
      const ended = await createInstaller(life)
        .install(url, { signal })
        .catch(() => undefined)
      if (ended) break
      expect((await openPack(store, 'leaf')).digest).toBe(one.digest)
    }
    expect(killed).toBe(kills.length)
    await exact(store)
    expect(bytesOf('chunks.bin')).toBe(0)
    const largest = Math.max(...delta.blob.chunks.map(({ length }) => length))
    // Killed once while the table came, and then each time in the middle of at most one difference and what was on the wire.
    expect(come).toBeLessThanOrEqual(all + table.length + kills.length * (largest + 2 * PIECE))
  })

  it('fetches whole what it lacks the old bytes of', async () => {
    const { store, deps, bytesOf } = await setUp()
    await store.deleteChunk(one.manifest.blob.chunks[3]?.sha256 ?? '')
    await createInstaller(deps).install(url)
    await exact(store)
    expect(bytesOf('chunks.bin')).toBe(two.manifest.blob.chunks[3]?.length)
  })

  const garbage = utf8('{"format":"jiko-delta/9"}')
  const others = utf8(JSON.stringify({ ...delta, to: 'a'.repeat(64) }))
  const wrongPlaces = utf8(
    JSON.stringify({ ...delta, pieces: delta.pieces.map((piece) => ({ ...piece, offset: piece.offset + 1 })) }),
  )
  const strangeFile = utf8(
    JSON.stringify({ ...delta, pieces: delta.pieces.map((piece) => ({ ...piece, path: 'no.plan' })) }),
  )
  const outside = utf8(
    JSON.stringify({ ...delta, pieces: delta.pieces.map((piece) => ({ ...piece, chunk: 5000 + piece.chunk })) }),
  )
  it.each<[string, () => Promise<Offer>]>([
    ['names a table that is not there', async () => ({ files: { [update.path]: undefined } })],
    ['names a table that is another', async () => ({ files: { [update.path]: utf8('{}') } })],
    ['has a table that is longer than it says', async () => ({ files: { [update.path]: noise(90_000, 3) } })],
    ['has a table that is no text', async () => tableOf(noise(500, 3))],
    ['has a table of a later format', async () => tableOf(garbage)],
    ['has the differences of other versions', async () => tableOf(others)],
    ['has differences to other places', async () => tableOf(wrongPlaces)],
    ['has differences to a file that is not in the pack', async () => tableOf(strangeFile)],
    ['has differences for chunks that are not there', async () => tableOf(outside)],
    ['has no differences at their address', async () => ({ files: { [delta.blob.path]: undefined } })],
    ['has other bytes for differences', async () => ({ files: { [delta.blob.path]: noise(blob.length, 4) } })],
    ['has fewer bytes of differences', async () => ({ files: { [delta.blob.path]: blob.slice(0, 100) } })],
    [
      'starts from another version',
      async () => ({ manifest: withUpdates(two.text, [{ ...update, from: two.digest }]) }),
    ],
    ['has a line 3 that is none', async () => ({ manifest: `${two.text}{"updates":7}\n` })],
  ])('comes whole when the host %s', async (_, offer) => {
    const { store, deps, bytesOf } = await setUp(await offer())
    expect(await createInstaller(deps).install(url)).toMatchObject({ version: '1.1.0', state: 'ready' })
    await exact(store)
    expect(bytesOf('chunks.bin')).toBe(two.blob.length)
  })

  async function tableOf(bytes: Bytes): Promise<Offer> {
    return { manifest: withUpdates(two.text, [await entryFor(bytes)]), files: { 'table.json': bytes } }
  }

  it('stops for a full device and for a budget, and goes on', async () => {
    const { store, deps } = await setUp()
    let room = 3
    const full: typeof store.putChunk = async (sha256, bytes) => {
      if (room-- <= 0) throw new JikoError('storage/quota', 'full')
      return store.putChunk(sha256, bytes)
    }
    const tight = createInstaller({ ...deps, store: { ...store, putChunk: full }, exclusive: memoryLocks() })
    await expect(tight.install(url)).rejects.toMatchObject({ code: 'storage/quota' })
    const poor = createInstaller({
      ...deps,
      exclusive: memoryLocks(),
      spend: () => {
        throw new JikoError('download/over-budget', 'enough')
      },
    })
    await expect(poor.install(url)).rejects.toMatchObject({ code: 'download/over-budget' })
    await createInstaller({ ...deps, exclusive: memoryLocks() }).install(url)
    await exact(store)
  })

  it('is offered in line 3 with its cost, which changes neither digest nor signature', () => {
    expect(updatesOf(text)).toEqual([{ ...update, bytes: table.length + blob.length }])
    expect(text.split('\n').slice(0, 2)).toEqual(two.text.split('\n').slice(0, 2))
    expect(fromUtf8(table)).toContain(two.digest)
  })
})
