import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createHub } from '../../src/hub/app.ts'
import { createMemoryBlobs } from '../../src/hub/blob-store/memory.ts'
import { serve } from '../../src/hub/serve.ts'
import { createMemoryStore } from '../../src/hub/store/memory.ts'
import type { ResultBody } from '../../src/protocol/record.ts'
import { createSigner, generateKeyPair } from '../../src/protocol/sign.ts'
import { openMemoryStore } from '../../src/store/open.ts'
import type { RecordStore } from '../../src/store/store.ts'
import { createMemoryLock } from '../../src/sync/memory-lock.ts'
import { createSync, type Sync } from '../../src/sync/sync.ts'
import { createCountingProxy } from '../helpers/counting-proxy.ts'
import { startPostgres } from '../helpers/postgres.ts'
import { startPouchPeer } from '../helpers/pouchdb-peer.ts'
import { createResults } from '../helpers/season.ts'
import { ingest, reconnect, type Say } from './hub.ts'

/** HTTP's own headers of a request and of an answer, as the comparison below counts them. */
const HEADERS = { up: 413, down: 283 }

interface Link {
  /** Milliseconds that a request and its answer take. */
  time(up: number, down: number): number
}

/** As over a link where every request takes three seconds: batches grow as they would on a phone. */
const BRISK: Link = { time: () => 3000 }
/** 20 kbit/s, and a second there and back. */
const EDGE: Link = { time: (up, down) => 1000 + (up + HEADERS.up + down + HEADERS.down) * (8 / 20) }

/** Bodies of requests and answers, without HTTP's own headers, and how long it would take. */
async function measure(count: number, link = BRISK) {
  const hubStore = createMemoryStore()
  await hubStore.addProgram('default', 0)
  const hub = createHub({
    store: hubStore,
    blobs: createMemoryBlobs(),
    signer: await createSigner(await generateKeyPair(false)),
    version: 'bench',
  })
  const store = await openMemoryStore()
  const wire = { up: 0, down: 0, requests: 0, ms: 0 }
  const sync = createSync({
    store,
    hubUrl: 'http://hub.test',
    program: 'default',
    app: 'jiko 0.1.0',
    lock: createMemoryLock(),
    moment: () => ({ wall: 1_790_000_000_000, mono: Math.round(wire.ms), session: 'k3v5q2xa' }),
    async fetch(url, init) {
      const up = (init.body as Uint8Array).length
      const answer = await (await hub.fetch(new Request(url, init))).arrayBuffer()
      wire.requests += 1
      wire.up += up
      wire.down += answer.byteLength
      wire.ms += link.time(up, answer.byteLength)
      return new Response(answer)
    },
  })
  const next = createResults()
  let line = 0
  // The first contact is behind us: one record is there already.
  await store.append(next())
  await sync.now()
  Object.assign(wire, { up: 0, down: 0, requests: 0, ms: 0 })
  for (let i = 0; i < count; i++) line += (await store.append(next())).line.length
  const { allSent, lastError } = await sync.now()
  if (!allSent) throw new Error(`the sync failed: ${lastError}`)
  return { ...wire, line: count === 0 ? 0 : line / count }
}

/** Through real sockets, every byte counted: `first` contact is over when the clock starts. */
interface Peer {
  wire: { up: number; down: number }
  /** Writes results and sends them; milliseconds that the sending took. */
  send(results: readonly ResultBody[], first: boolean): Promise<number>
}

async function jikoPeer(): Promise<Peer & { close(): Promise<void> }> {
  const hubStore = createMemoryStore()
  await hubStore.addProgram('default', 0)
  const signer = await createSigner(await generateKeyPair(false))
  const hub = createHub({ store: hubStore, blobs: createMemoryBlobs(), signer, version: 'bench' })
  const running = await serve(hub, { port: 0, host: '127.0.0.1' })
  const proxy = await createCountingProxy(new URL(`http://127.0.0.1:${running.port}`))
  let store: RecordStore
  let sync: Sync
  return {
    wire: proxy.wire,
    async send(results, first) {
      if (first) {
        store = await openMemoryStore()
        const moment = () => ({ wall: Date.now(), mono: performance.now(), session: 'k3v5q2xa' })
        const lock = createMemoryLock()
        sync = createSync({ store, hubUrl: proxy.url, program: 'default', app: 'jiko 0.1.0', lock, moment, fetch })
      }
      for (const result of results) await store.append(result)
      const begun = performance.now()
      const { allSent, lastError } = await sync.now()
      if (!allSent) throw new Error(`the sync failed: ${lastError}`)
      return performance.now() - begun
    },
    async close() {
      await proxy.close().catch(() => undefined)
      await running.close()
    },
  }
}

async function pouchPeer(): Promise<Peer & { close(): Promise<void> }> {
  const pouch = await startPouchPeer()
  const proxy = await createCountingProxy(pouch.server)
  return {
    wire: proxy.wire,
    async send(results, first) {
      const { ok, written, ms } = await pouch.replicate(proxy.url, results, first)
      if (!ok || written !== results.length) throw new Error(`PouchDB wrote ${written} of ${results.length}`)
      return ms
    },
    async close() {
      await proxy.close().catch(() => undefined)
      await pouch.close()
    },
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** In turns, so that both meet the same machine. */
async function compare(rounds: number, say: Say): Promise<void> {
  const peers = { Jiko: await jikoPeer(), PouchDB: await pouchPeer() }
  say(`\n## Over real sockets, every byte with HTTP’s headers, in turns; medians of ${rounds}\n`)
  say('| results | | bytes up | a result | bytes down | results a second (lowest to highest) |')
  say('|---|---|---|---|---|---|')
  for (const count of [0, 1, 10, 50, 500]) {
    const runs = new Map<string, { up: number; down: number; rate: number }[]>()
    for (let round = 0; round < rounds; round++) {
      for (const [name, peer] of Object.entries(peers)) {
        const next = createResults()
        await peer.send([next()], true)
        const before = { ...peer.wire }
        const ms = await peer.send(Array.from({ length: count }, next), false)
        const run = { up: peer.wire.up - before.up, down: peer.wire.down - before.down, rate: (count / ms) * 1000 }
        runs.set(name, [...(runs.get(name) ?? []), run])
      }
    }
    for (const [name, all] of runs) {
      const up = median(all.map((run) => run.up))
      const rates = all.map(({ rate }) => rate)
      const spread = `${median(rates).toFixed(0)} (${Math.min(...rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)})`
      const columns = [
        count,
        name,
        up,
        count === 0 ? '' : (up / count).toFixed(1),
        median(all.map((run) => run.down)),
        spread,
      ]
      say(`| ${columns.join(' | ')} |`)
    }
  }
  await peers.Jiko.close()
  await peers.PouchDB.close()
}

/** What a hub takes, with every commit synced, and phones that come back at once: the part that `bench -- hub` has too. */
async function loadHub(phones: number, say: Say): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'jiko-bench-'))
  const server = await startPostgres({ durable: true })
  try {
    await ingest(folder, server, say)
    await reconnect(folder, server, phones, say)
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * `npm run bench -- sync [--alone] [--quick] [--phones 10000] [--write]`: bytes that results cost on the wire, by how many wait when
 * there is a link; beside PouchDB, where npm has it today, in turns; and what a hub takes. `--alone` leaves out all but bytes.
 */
export async function bench(args: readonly string[]): Promise<void> {
  const said: string[] = []
  const say: Say = (line = '') => {
    said.push(line)
    console.log(line)
  }
  say(`Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}).`)
  say('\n## Bytes of bodies, without HTTP’s own headers\n')
  const idle = await measure(0)
  say(`A sync with nothing to send: ${idle.up} bytes up, ${idle.down} down.\n`)
  say('| results | requests | bytes up | a result | of which lines | bytes down | bytes of a line |')
  say('|---|---|---|---|---|---|---|')
  for (const count of [1, 10, 50, 500]) {
    const { up, down, requests, line } = await measure(count)
    const envelope = idle.up * requests
    const each = [(up / count).toFixed(1), ((up - envelope) / count).toFixed(1)]
    say(`| ${[count, requests, up, ...each, down, line.toFixed(0)].join(' | ')} |`)
  }
  const edge = await measure(500, EDGE)
  const seconds = (edge.ms / 1000).toFixed(1)
  say(
    `\n500 results at 20 kbit/s and 1 s there and back: ${seconds} s in ${edge.requests} requests, ${edge.up} bytes up, reckoned with ${HEADERS.up} and ${HEADERS.down} bytes of headers.`,
  )
  if (args.includes('--alone')) return
  const at = args.indexOf('--phones')
  await compare(args.includes('--quick') ? 1 : 5, say)
  await loadHub(at < 0 ? 10_000 : Number(args[at + 1]), say)
  if (args.includes('--write'))
    writeFileSync(new URL('SYNC.md', import.meta.url), `# The sync, measured\n\n${said.join('\n')}\n`)
}
