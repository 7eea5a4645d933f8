import { existsSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { sleep } from '../../src/lib/abort.ts'
import type { Signer } from '../../src/protocol/sign.ts'
import {
  createPhone,
  type Delivered,
  deliver,
  type Loader,
  ours,
  theirs,
  type Weather,
} from '../helpers/browser-delivery.ts'
import { checkInNode, type DeliveredInNode, deliverInNode, updateInNode } from '../helpers/delivery-in-node.ts'
import { simulate, simulationPack } from '../helpers/delivery-simulation.ts'
import { controlled, createField } from '../helpers/field-app.ts'
import { findChromium } from '../helpers/find-chromium.ts'
import { packsPageScript } from '../helpers/packs-page-script.ts'
import { secondsOver, wastedByKills } from '../helpers/parallel-downloads.ts'
import type { LinkShape } from '../helpers/shaped-server.ts'
import { KEEP, noise, type SyntheticPack, seeded, syntheticPack, throwAwaySigner } from '../helpers/synthetic-pack.ts'
import { fetchTransformersJs } from '../helpers/transformers-js.ts'
import { damaging, dying, edgeLink, flipping, places, slow, slower } from '../helpers/weather.ts'

const PARTS = ['node', 'links', 'chromium', 'reload'] as const
const CHUNK = 65_536
/** Browsers at a time: they mostly wait for their slow networks. */
const LANES = 4
const KILLS = 20

/**
 * What a bad network costs, against servers of our own on loopback that cut, stall, limit and damage by a seed.
 * `npm run bench -- delivery [--only node,links,chromium,reload] [--megabytes 25] [--seeds 10000] [--seed 1] [--no-peer] [--write]`:
 * the state machine in Node; several connections over links as phones have them; Chromium, where transformers.js loads a
 * model of the same size through the same server; the built app, reloaded. `--write` puts it into `DELIVERY.md`.
 */
export async function bench(args: readonly string[]): Promise<void> {
  const option = (name: string, otherwise: string): string =>
    args[args.indexOf(`--${name}`) + 1 || args.length] ?? otherwise
  const seed = Number(option('seed', '1'))
  const only = option('only', PARTS.join()).split(',')
  const said: string[] = []
  const say = (text: string): void => {
    said.push(text)
    console.log(text)
  }
  const signer = await throwAwaySigner()
  const packOf = (size: number, by: number): Promise<SyntheticPack> =>
    syntheticPack({ signer, files: { [KEEP]: noise(size, by) }, chunkSize: CHUNK })
  const pack = await packOf(Math.round(Number(option('megabytes', '25')) * 1e6), seed)
  const { length, chunks } = pack.manifest.blob
  const begun = performance.now()
  say(
    `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}). A pack of ${mega(length)} MB in ${chunks.length} chunks of at most 64 KB; seed ${seed}.`,
  )
  if (only.includes('node')) {
    await inNode(say, pack, packOf, seed)
    await updates(say, pack, signer)
    await simulation(say, Number(option('seeds', '10000')), seed)
  }
  if (only.includes('links')) await overLinks(say, packOf, seed)
  if (only.includes('chromium')) await inChromium(say, pack, packOf, seed, !args.includes('--no-peer'))
  if (only.includes('reload')) await reload(say)
  say(`\nAll of it took ${((performance.now() - begun) / 1000).toFixed(0)} s.`)
  if (args.includes('--write')) {
    writeFileSync(new URL('DELIVERY.md', import.meta.url), `# Delivery, measured\n\n${said.join('\n')}\n`)
  }
}

type Say = (text: string) => void
type PackOf = (size: number, by: number) => Promise<SyntheticPack>

async function inNode(say: Say, pack: SyntheticPack, packOf: PackOf, seed: number): Promise<void> {
  const { length } = pack.manifest.blob
  const small = await packOf(200_000, 5)
  let damaged = 0
  const kills = places(KILLS, length, seed)
  const weathers: [string, SyntheticPack, Parameters<typeof deliverInNode>[1]][] = [
    [`${KILLS} kills at random places, 12 Mbit/s`, pack, { kills, behave: slow }],
    ['every connection dies after 64 KB', pack, { behave: dying }],
    ['1 % of chunks damaged on the way', pack, { behave: damaging(seed + 1, () => damaged++) }],
    ['one flipped bit', pack, { behave: flipping }],
    ['EDGE (150 kbit/s, 600 ms), cut every 120 KB, 200 KB', small, { behave: edgeLink }],
  ]
  const done = await Promise.all(weathers.map(([, of, weather]) => deliverInNode(of, weather)))
  say(
    '\n## The state machine in Node\n\n| | kept | fetched again | the same as the server counts | requests | s |\n|---|---|---|---|---|---|',
  )
  for (const [i, result] of done.entries()) {
    const [title = '', of = pack] = weathers[i] ?? []
    say(row(title, ...nodeCells(result, of.manifest.blob.length)))
  }
  const { up, down, changed } = await checkInNode()
  say(
    `\n${damaged} chunks came damaged in the third. Asking whether anything changed, when nothing did: ${up} bytes up, ${down} down, headers included (HTTP/1.1)${changed ? '; WRONG: it said that something changed' : ''}.`,
  )
}

const nodeCells = ({ exact, received, sent, requests, seconds, kills }: DeliveredInNode, length: number): string[] => [
  `${exact ? 'exact' : 'WRONG'}${kills ? `, ${kills} kills` : ''}`,
  `${share(received - length, length)} (${kilo(received - length)} KB)`,
  share(sent - length, length),
  String(requests),
  seconds.toFixed(1),
]

async function updates(say: Say, pack: SyntheticPack, signer: Signer): Promise<void> {
  const weights = pack.files.get(KEEP) ?? new Uint8Array()
  const random = seeded(11)
  const lastLayer = new Uint8Array(weights)
  const part = Math.floor(weights.length / 50)
  lastLayer.set(noise(part, 77), weights.length - part)
  const moved = Uint8Array.from(weights, (byte) => (random() < 0.03 ? byte + (random() < 0.5 ? 1 : -1) : byte))
  const cases = { 'last layer (2 %) replaced': lastLayer, '3 % of weights moved by one step': moved }
  say('\n## Updates\n\n| | kept | of the pack fetched | KB |\n|---|---|---|---|')
  for (const [title, changed] of Object.entries({ ...cases, unrelated: noise(weights.length, 78) })) {
    const next = await syntheticPack({ signer, version: '1.1.0', files: { [KEEP]: changed }, chunkSize: CHUNK })
    const { received, exact } = await updateInNode(pack, next)
    say(row(title, exact ? 'exact' : 'WRONG', share(received, next.manifest.blob.length), kilo(received)))
  }
}

async function simulation(say: Say, seeds: number, from: number): Promise<void> {
  const pack = await simulationPack()
  const endings = new Map<string, number>()
  let kills = 0
  for (let seed = from; seed < from + seeds; seed++) {
    const { code = 'complete and exact', kills: died } = await simulate(pack, seed)
    endings.set(code, (endings.get(code) ?? 0) + 1)
    kills += died
  }
  const listed = [...endings].sort((a, b) => b[1] - a[1]).map(([code, count]) => `${code} ${count}`)
  say(
    `\n${seeds} seeded lives of the state machine with faults of every kind and ${kills} kills, no chunk wrong in any: ${listed.join(', ')}.`,
  )
}

/** Does it pay to ask for several stretches at once? */
async function overLinks(say: Say, packOf: PackOf, seed: number): Promise<void> {
  const counts = [1, 2, 4] as const
  const links: [string, number, LinkShape][] = [
    ['EDGE: 150 kbit/s, 600 ms', 150_000, { rtt: 600, bytesPerSecond: 18_750, shared: true }],
    ['EDGE, 2 % of segments lost', 150_000, { rtt: 600, bytesPerSecond: 18_750, shared: true, loss: 0.02 }],
    ['3G: 384 kbit/s, 150 ms', 400_000, { rtt: 150, bytesPerSecond: 48_000, shared: true }],
    ['3G, 2 % lost', 400_000, { rtt: 150, bytesPerSecond: 48_000, shared: true, loss: 0.02 }],
    ['2 Mbit/s, 150 ms, 2 % lost', 800_000, { rtt: 150, bytesPerSecond: 250_000, shared: true, loss: 0.02 }],
    ['384 kbit/s for each connection', 400_000, { rtt: 150, bytesPerSecond: 48_000, shared: false }],
  ]
  const seconds = await Promise.all(
    links.map(async ([, size, shape]) => {
      const pack = await packOf(size, 5)
      return Promise.all(counts.map((count) => secondsOver(shape, count, pack, seed)))
    }),
  )
  const whole = await packOf(12_500_000, 6)
  const kills = places(KILLS / 2, whole.blob.length, seed)
  const wasted = await Promise.all(counts.map((count) => wastedByKills(count, whole, kills, 1_500_000)))
  say(
    '\n## Several connections at once\n\nSeconds; the link is the same for all connections but in the last, and a window behaves as TCP Reno’s does.\n',
  )
  say('| link | pack KB | 1 | 2 | 4 |\n|---|---|---|---|---|')
  for (const [i, [title, size]] of links.entries()) {
    say(row(title, kilo(size), ...(seconds[i] ?? []).map((each) => each.toFixed(1))))
  }
  say(
    row(
      'fetched again after 10 kills, 12.5 MB, 12 Mbit/s',
      '12500',
      ...wasted.map((bytes) => share(bytes, whole.blob.length)),
    ),
  )
}

async function inChromium(
  say: Say,
  pack: SyntheticPack,
  packOf: PackOf,
  seed: number,
  withPeer: boolean,
): Promise<void> {
  const peer = withPeer ? await fetchTransformersJs() : undefined
  const script = await packsPageScript()
  const loadersOf = (of: SyntheticPack): Loader[] => [ours(of, script), ...(peer ? [theirs(peer, of)] : [])]
  const all = loadersOf(pack)
  const kills = places(KILLS, pack.blob.length, seed)
  const weathers: [string, () => Weather, Loader[]][] = [
    [`the browser killed ${KILLS} times, 4 Mbit/s`, () => ({ kills, behave: slower, victim: 'browser' }), all],
    [`the tab closed ${KILLS} times, 4 Mbit/s`, () => ({ kills, behave: slower }), all],
    ['every connection dies after 64 KB', () => ({ behave: dying }), all],
    ['1 % of chunks damaged on the way', () => ({ behave: damaging(seed + 1) }), all],
    ['one flipped bit', () => ({ behave: flipping }), all],
    [
      'EDGE (150 kbit/s, 600 ms), cut every 120 KB, 200 KB',
      () => ({ behave: edgeLink }),
      loadersOf(await packOf(200_000, 5)),
    ],
  ]
  const jobs = weathers.flatMap(([, weather, loaders], at) => loaders.map((loader) => ({ at, loader, weather })))
  const results = new Map<string, string>()
  const lane = async (): Promise<void> => {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const { at, loader, weather } = job
      // A profile of its own: nothing that an earlier one left can help or hinder it.
      const phone = await createPhone(findChromium())
      const done = await deliver(phone, loader, weather()).finally(() => phone.close())
      results.set(`${at} ${loader.name}`, browserCell(loader, done))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  const names = all.map(({ name }) => name)
  say(
    `\n## In Chromium, ${LANES} at a time\n\nBytes as the server counts them: what it handed over and no phone can know of is in them.\n`,
  )
  say(`${row('', ...names)}\n|---|${names.map(() => '---|').join('')}`)
  for (const [at, [title]] of weathers.entries())
    say(row(title, ...names.map((name) => results.get(`${at} ${name}`) ?? '')))
}

function browserCell(
  { length }: Loader,
  { complete, exact, sent, kills, failures, seconds, failure }: Delivered,
): string {
  return [
    complete ? (exact ? 'exact' : 'KEPT WRONG BYTES, said nothing') : `NEVER COMPLETE in ${failures} tries`,
    complete ? `${share(sent - length, length)} sent again` : `${mega(sent)} MB sent`,
    ...(kills ? [`${kills} kills`] : []),
    ...(failures && complete ? [`${failures} failed loads (${(failure ?? '').slice(0, 60)})`] : []),
    `${seconds.toFixed(1)} s`,
  ].join(', ')
}

/** From asking for the page again until bytes of the pack are asked for again, with nobody touching anything. */
async function reload(say: Say): Promise<void> {
  if (!existsSync('dist/app/index.html')) return say('\nReloads were not measured: npm run build comes first.')
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
      times.push((performance.now() - started) / 1000)
      await reloading
    }
    const [fastest = 0, , median = 0, , slowest = 0] = times.sort((a, b) => a - b)
    say(
      `\nThe built app, reloaded in the middle of a download, goes on after ${median.toFixed(2)} s (${fastest.toFixed(2)}-${slowest.toFixed(2)}, ${times.length} reloads).`,
    )
  } finally {
    await close()
  }
}

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const share = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(2)} %`
const kilo = (bytes: number): string => (bytes / 1000).toFixed(0)
const mega = (bytes: number): string => (bytes / 1_000_000).toFixed(1)
