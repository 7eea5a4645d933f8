import { existsSync } from 'node:fs'
import { buildDelta } from '../../src/cli/pack/delta.ts'
import { blobReader } from '../../src/cli/pack/open-folder.ts'
import { isAbort, sleep } from '../../src/lib/abort.ts'
import { utf8 } from '../../src/lib/bytes.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import { checkIndex } from '../../src/packs/check-updates.ts'
import { createInstaller, type InstallerDeps } from '../../src/packs/install.ts'
import { memoryLocks } from '../../src/packs/locks.ts'
import { openPack } from '../../src/packs/open.ts'
import { createMemoryStore } from '../../src/packs/store-memory.ts'
import { withUpdates } from '../../src/protocol/delta.ts'
import type { Signer } from '../../src/protocol/sign.ts'
import {
  type Weather as BrowserWeather,
  createPhone,
  type Delivered,
  deliver as deliverInBrowser,
  type Loader,
  ours,
  theirs,
} from '../helpers/browser-delivery.ts'
import { simulate, simulationPack } from '../helpers/delivery-simulation.ts'
import { controlled, createField } from '../helpers/field-app.ts'
import { findChromium } from '../helpers/find-chromium.ts'
import { type Behaviour, type FlakyServer, startFlakyServer } from '../helpers/flaky-server.ts'
import { packsPageScript } from '../helpers/packs-page-script.ts'
import { KEEP, noise, type SyntheticPack, seeded, syntheticPack, throwAwaySigner } from '../helpers/synthetic-pack.ts'
import { fetchTransformersJs } from '../helpers/transformers-js.ts'

/**
 * What a bad network costs, against a server of our own on loopback that cuts, stalls, limits and damages by a seed.
 * `--megabytes N` (25) size of the pack, `--seeds N` (10000) runs of the simulation, `--seed N` (1) of everything else.
 * The first part runs in Node; the second in Chromium, where transformers.js loads a model of the same size through the
 * same server (`--no-peer` leaves it out, `--only node|chromium|reload` runs one part).
 */
export async function bench(args: readonly string[]): Promise<void> {
  const option = (name: string, otherwise: number): number => {
    const at = args.indexOf(`--${name}`)
    return at < 0 ? otherwise : Number(args[at + 1])
  }
  const size = Math.round(option('megabytes', 25) * 1_000_000)
  const seed = option('seed', 1)
  const signer = await throwAwaySigner()
  const weights = noise(size, seed)
  const pack = await syntheticPack({ signer, files: { [KEEP]: weights }, chunkSize: 65_536 })
  const { length, chunks } = pack.manifest.blob
  console.log(`Pack: ${mega(length)} MB in ${chunks.length} chunks of at most 64 KB; seed ${seed}.\n`)

  const only = args[args.indexOf('--only') + 1]
  if (only === 'reload') return reportReload()
  if (only !== 'chromium') await benchInNode(pack, weights, signer, option('seeds', 10_000), seed)
  if (only !== 'node') await benchInChromium(pack, seed, !args.includes('--no-peer'))
}

async function benchInNode(
  pack: SyntheticPack,
  weights: Uint8Array,
  signer: Signer,
  seeds: number,
  seed: number,
): Promise<void> {
  const kills = places(20, pack.blob.length, seeded(seed))
  await report('20 kills at random places, 12 Mbit/s', pack, { kills, behave: slow })
  await report('every connection dies after 64 KB', pack, { behave: dying })
  let damaged = 0
  await report('1 % of chunks damaged on the way', pack, { behave: damaging(seed + 1, () => damaged++) })
  console.log(`   (${damaged} chunks came damaged)`)
  await report('one flipped bit', pack, { behave: flipping })
  await reportUpdates(pack, weights, signer)
  await reportEdge(signer)
  await reportCheck()
  await reportSimulation(seeds, seed)
}

async function benchInChromium(pack: SyntheticPack, seed: number, withPeer: boolean): Promise<void> {
  const peer = withPeer ? await fetchTransformersJs() : undefined
  const loaders = [ours(pack, await packsPageScript()), ...(peer ? [theirs(peer, pack)] : [])]
  const small = await syntheticPack({ files: { [KEEP]: noise(200_000, 5) }, chunkSize: 65_536 })
  const edge = [ours(small, await packsPageScript()), ...(peer ? [theirs(peer, small)] : [])]
  const phone = await createPhone(findChromium())
  console.log('\nIn Chromium; bytes as the server counts them.')
  try {
    const compare = async (title: string, weather: () => BrowserWeather, all = loaders): Promise<void> => {
      for (const loader of all) {
        const result = await deliverInBrowser(phone, loader, weather())
        line(`${loader.name}: ${title}`, describeDelivery(loader, result))
      }
    }
    await compare('nothing goes wrong', () => ({ behave: slow }))
    const kills = places(20, pack.blob.length, seeded(seed))
    await compare('the browser killed 20 times, 4 Mbit/s', () => ({ kills, behave: slower, victim: 'browser' }))
    await compare('the tab closed 20 times, 4 Mbit/s', () => ({ kills, behave: slower }))
    await compare('every connection dies after 64 KB', () => ({ behave: dying }))
    await compare('1 % of chunks damaged on the way', () => ({ behave: damaging(seed + 1) }))
    await compare('one flipped bit', () => ({ behave: flipping }))
    await compare('EDGE (150 kbit/s, 600 ms), cut every 120 KB, 200 KB', () => ({ behave: edgeLink }), edge)
  } finally {
    await phone.close()
  }
  await reportReload()
}

/** From asking for the page again until bytes of the pack are asked for again, with nobody touching anything. */
async function reportReload(): Promise<void> {
  const title = 'jiko: the built app, reloaded in the middle of a download'
  if (!existsSync('dist/app/index.html')) return line(title, ['not measured: npm run build comes first'])
  const { page, network, close } = await createField({ launch: { executablePath: findChromium() } })
  try {
    const asked = (): number => network.seen.filter(({ path }) => path.endsWith('.bin')).length
    const until = async (wanted: number): Promise<void> => {
      while (asked() < wanted) await sleep(5)
    }
    network.blobPace = 20_000
    await controlled(page)
    await page.getByTestId('install-pack').click()
    await until(1)
    const times: number[] = []
    for (let round = 0; round < 5; round++) {
      const before = asked()
      const started = performance.now()
      const reloading = page.reload()
      await until(before + 1)
      times.push(performance.now() - started)
      await reloading
    }
    const sorted = times.sort((a, b) => a - b)
    const say = (ms: number | undefined): string => `${((ms ?? 0) / 1000).toFixed(2)} s`
    line(title, [`goes on after ${say(sorted[2])} (${say(sorted[0])} to ${say(sorted[4])}, ${times.length} reloads)`])
  } finally {
    await close()
  }
}

function describeDelivery({ length }: Loader, result: Delivered): string[] {
  const { complete, exact, sent, kills, failures, seconds, failure } = result
  return [
    complete ? (exact ? 'exact' : 'KEPT WRONG BYTES, and said nothing') : `NEVER COMPLETE in ${failures} tries`,
    `${share(sent - length, length)} sent again`,
    `${mega(sent)} MB in all`,
    ...(kills ? [`${kills} kills`] : []),
    ...(failures ? [`${failures} failed loads (${(failure ?? '').slice(0, 80)})`] : []),
    `${seconds.toFixed(1)} s`,
  ]
}

/** At a rate that real links have: over an unlimited loopback the buffers alone hold megabytes that no phone ever saw. */
const slow = (): Behaviour => ({ bytesPerSecond: 1_500_000 })
/** As a phone has it on a good day; what is on the wire when it dies grows with the rate. */
const slower = (): Behaviour => ({ bytesPerSecond: 500_000 })
const dying = (): Behaviour => ({ bytesPerSecond: 1_500_000, cutAfter: 65_536 })
const edgeLink = (): Behaviour => ({ delayMs: 600, bytesPerSecond: 18_750, cutAfter: 120_000 })

/** Each part of 64 KB of each answer is damaged with a chance of 1 %. */
function damaging(seed: number, onDamage: () => void = () => undefined): () => Behaviour {
  const dice = seeded(seed)
  return () => ({
    damage(bytes) {
      for (let at = 0; at < bytes.length; at += 65_541) {
        if (dice() >= 0.01) continue
        const place = at + Math.floor(dice() * Math.min(65_541, bytes.length - at))
        bytes[place] = (bytes[place] ?? 0) ^ 16
        onDamage()
      }
    },
  })
}

/** One bit, the first time. */
const flipping = (nth: number): Behaviour => ({
  damage(bytes) {
    const place = Math.floor(bytes.length / 3)
    if (nth === 0) bytes[place] = (bytes[place] ?? 0) ^ 1
  },
})

interface Weather {
  behave?: (nth: number) => Behaviour
  /** Bytes received in all after which the process is killed, ascending. */
  kills?: readonly number[]
}

async function serve(pack: SyntheticPack, behave: (nth: number) => Behaviour = () => ({})): Promise<FlakyServer> {
  let nth = 0
  const server = await startFlakyServer(({ path }) => (path.endsWith('.bin') ? behave(nth++) : {}))
  publish(server, pack)
  return server
}

function publish(server: FlakyServer, pack: SyntheticPack): void {
  server.put('/pack/manifest.ndjson', utf8(pack.text))
  server.put('/pack/chunks.bin', pack.blob)
}

/** An install that is killed and started again until it is complete; every byte of chunks that came in is counted. */
async function deliver(
  server: FlakyServer,
  pack: SyntheticPack,
  store: InstallerDeps['store'],
  kills: readonly number[] = [],
) {
  let received = 0
  let killed = 0
  const started = performance.now()
  for (;;) {
    const controller = new AbortController()
    // A new installer each time: nothing but the store survives a kill.
    const installer = createInstaller({
      store,
      exclusive: memoryLocks(),
      trusted: [pack.key],
      fetch: (url, init) => fetch(url, init),
      spend(bytes, name) {
        if (name !== '') received += bytes
        if (received >= (kills[killed] ?? Number.POSITIVE_INFINITY)) {
          killed++
          controller.abort()
        }
      },
    })
    try {
      await installer.install(`${server.origin}/pack/`, { signal: controller.signal })
      break
    } catch (error) {
      if (!isAbort(error)) throw error
    }
  }
  const seconds = (performance.now() - started) / 1000
  const { readFile } = await openPack(store, pack.manifest.name, [pack.key])
  const exact = (await sha256Hex(await readFile(KEEP))) === (await sha256Hex(pack.files.get(KEEP) ?? new Uint8Array()))
  return { received, killed, seconds, exact }
}

async function report(title: string, pack: SyntheticPack, { behave, kills }: Weather): Promise<void> {
  const server = await serve(pack, behave)
  try {
    const { received, killed, seconds, exact } = await deliver(server, pack, createMemoryStore(), kills)
    const { length } = pack.manifest.blob
    const again = received - length
    line(`jiko: ${title}`, [
      exact ? 'exact' : 'WRONG',
      `${share(again, length)} fetched again (${kilo(again)} KB)`,
      `${share(server.sent - length, length)} as the server counts`,
      `${server.requests.length - 1} requests`,
      ...(killed ? [`${killed} kills`] : []),
      `${seconds.toFixed(1)} s`,
    ])
  } finally {
    await server.close()
  }
}

/** What an update costs, as `jiko pack` offers it and as the phone takes it. */
async function reportUpdates(pack: SyntheticPack, weights: Uint8Array, signer: Signer): Promise<void> {
  const random = seeded(11)
  const lastLayer = new Uint8Array(weights)
  const part = Math.floor(weights.length / 50)
  lastLayer.set(noise(part, 77), weights.length - part)
  const moved = Uint8Array.from(weights, (byte) => (random() < 0.03 ? byte + (random() < 0.5 ? 1 : -1) : byte))
  const cases = { 'last layer (2 %) replaced': lastLayer, '3 % of weights moved by one step': moved }
  for (const [title, changed] of Object.entries({ ...cases, unrelated: noise(weights.length, 78) })) {
    const next = await syntheticPack({ signer, version: '1.1.0', files: { [KEEP]: changed }, chunkSize: 65_536 })
    const built = await buildDelta(
      { ...pack, read: blobReader(pack.manifest, pack.blob) },
      { ...next, read: blobReader(next.manifest, next.blob) },
    )
    const server = await serve(pack)
    try {
      const store = createMemoryStore()
      await deliver(server, pack, store)
      publish(server, { ...next, text: withUpdates(next.text, built ? [built.update] : []) })
      if (built) {
        server.put(`/pack/${built.update.path}`, built.table)
        server.put(`/pack/${built.delta.blob.path}`, built.blob)
      }
      const { received, exact, seconds } = await deliver(server, next, store)
      line(`jiko: update, ${title}`, [
        exact ? 'exact' : 'WRONG',
        `${share(received, next.manifest.blob.length)} of the pack fetched (${kilo(received)} KB)`,
        `${seconds.toFixed(1)} s`,
      ])
    } finally {
      await server.close()
    }
  }
}

async function reportEdge(signer: Signer): Promise<void> {
  const small = await syntheticPack({ signer, files: { [KEEP]: noise(200_000, 5) }, chunkSize: 65_536 })
  const server = await serve(small, edgeLink)
  try {
    const { received, seconds, exact } = await deliver(server, small, createMemoryStore())
    const ideal = small.manifest.blob.length / 18_750
    line('jiko: EDGE (150 kbit/s, 600 ms), cut every 120 KB, a pack of 200 KB', [
      exact ? 'exact' : 'WRONG',
      `${received - small.manifest.blob.length} bytes fetched again`,
      `${seconds.toFixed(1)} s (${ideal.toFixed(1)} s for the bytes alone)`,
    ])
  } finally {
    await server.close()
  }
}

async function reportCheck(): Promise<void> {
  const server = await startFlakyServer()
  try {
    const text = { en: 'A pack that is offered here' }
    const entry = (name: string) => ({
      name,
      version: '1.0.0',
      digest: 'a'.repeat(64),
      url: `${name}/manifest.ndjson`,
      bytes: 1,
      title: text,
      description: text,
    })
    server.put('/packs/index.json', utf8(JSON.stringify({ packs: ['one', 'two', 'three'].map(entry) })))
    const notes = createMemoryStore()
    const link = { fetch: (url: string, init: RequestInit) => fetch(url, init) }
    await checkIndex(`${server.origin}/packs/index.json`, link, notes)
    const before = server.wire()
    const { changed } = await checkIndex(`${server.origin}/packs/index.json`, link, notes)
    const after = server.wire()
    line('jiko: check for updates, nothing changed', [
      `${after.up - before.up} bytes up, ${after.down - before.down} down (HTTP/1.1 from Node, headers included)`,
      ...(changed ? ['WRONG: said that it changed'] : []),
    ])
  } finally {
    await server.close()
  }
}

async function reportSimulation(seeds: number, from: number): Promise<void> {
  const pack = await simulationPack()
  const endings = new Map<string, number>()
  let kills = 0
  const started = performance.now()
  for (let seed = from; seed < from + seeds; seed++) {
    const { code = 'complete and exact', kills: died } = await simulate(pack, seed)
    endings.set(code, (endings.get(code) ?? 0) + 1)
    kills += died
  }
  const listed = [...endings].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${code} ${count}`)
  line(`jiko: ${seeds} seeded lives of the state machine, no chunk wrong in any`, [
    `${kills} kills`,
    `${((performance.now() - started) / 1000).toFixed(1)} s`,
  ])
  console.log(`   ${listed.join(', ')}`)
}

const line = (title: string, facts: readonly string[]): void => console.log(`${title}\n   ${facts.join(', ')}`)
const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`
const kilo = (bytes: number): string => (bytes / 1000).toFixed(0)
const mega = (bytes: number): string => (bytes / 1_000_000).toFixed(1)

/** So many places in a file, ascending. */
function places(count: number, length: number, random: () => number): number[] {
  return Array.from({ length: count }, () => Math.floor(random() * length)).sort((a, b) => a - b)
}
