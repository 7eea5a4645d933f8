import { cpus } from 'node:os'
import { resolve } from 'node:path'
import type { BrowserContext } from 'playwright-core'
import { loadReleaseKey } from '../../src/cli/release-key.ts'
import { table } from '../../src/cli/text.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { complete, sample } from '../helpers/field-app.ts'
import { findChromium } from '../helpers/find-chromium.ts'
import type { KitPage } from '../helpers/kit-page/main.ts'
import { KIT_PAGE, openKitPage, serveKitPage } from '../helpers/kit-page.ts'
import { PEER_NET, servePeerStart } from '../helpers/peer-start.ts'
import { keepPhoto, offerPhoto, type WithPhoto } from './kept-photo.ts'
import { measuredBy } from './measured-by.ts'

declare const page: KitPage

const ROUNDS = 11
const RATES = [1, 6]
const PHOTO = sample('rust-121.jpg')

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)})`

/**
 * `npm run bench -- start`: a developer's page with nothing but the kit, from opening it to the answer about a photo,
 * everything kept on the phone and no network. The kit is told which pack is likely to be asked
 * (`eager`), and is asked before its database is open (`startKit`). `--rounds N`. Chromium slows the page's own thread; the worker's runs
 * at full speed. In turns with it, on a page as bare, the peer that is fastest to start: how fast this machine is today cancels
 * out of the ratio (`--no-peers` to do without; it is installed for the bench, which needs the registry once). What the
 * whole app takes says `bench -- app`.
 */
export async function bench(args: readonly string[]): Promise<void> {
  const rounds = Number(args[args.indexOf('--rounds') + 1] || ROUNDS)
  const peer = args.includes('--no-peers')
    ? undefined
    : await servePeerStart(PHOTO).catch((error) => void console.error(`no peer: ${String(error)}`))
  const server = await serveKitPage(resolve('dist/packs'), [(await loadReleaseKey()).key], {}, { minify: true })
  const { context, profile } = await openProfile({ launch: { executablePath: findChromium() } })
  try {
    const first = await context.newPage()
    await openKitPage(first, server)
    await first.evaluate(() => page.install('coffee-leaf'))
    await complete(first, KIT_PAGE)
    await keepPhoto(first, PHOTO)
    await first.close()
    await server.close()
    // The first time its files are fetched.
    if (peer) await startPeer(context, peer.origin, 1)
    const times = new Map(RATES.map((rate) => [rate, { ours: [] as Start[], theirs: [] as number[] }]))
    for (let round = 0; round < rounds; round++) {
      for (const [rate, { ours, theirs }] of times) {
        ours.push(await start(context, `${server.origin}/?eager=coffee-leaf`, rate))
        if (peer) theirs.push(await startPeer(context, peer.origin, rate))
      }
    }
    console.log(
      `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), offline, coffee-leaf on nano.\n`,
    )
    const rows = [...times].map(([rate, { ours, theirs }]) => {
      const answers = ours.map(({ answer }) => answer)
      const ratio = (median(answers) / median(theirs)).toFixed(2)
      const compared = peer ? [spread(theirs), ratio] : []
      return [`${rate}x slower`, spread(ours.map(({ kit }) => kit)), spread(answers), ...compared]
    })
    console.log('From opening the page, milliseconds: median (range)\n')
    const ofPeer = peer ? [`tfjs with ${PEER_NET}, nothing kept`, 'ratio'] : []
    console.log(table([['CPU', 'kit', 'answer to a photo, kept in the records', ...ofPeer], ...rows]))
  } finally {
    await context.close()
    await deleteProfile(profile)
    await peer?.close()
  }
}

interface Start {
  kit: number
  answer: number
}

async function start(context: BrowserContext, url: string, rate: number): Promise<Start> {
  const tab = await context.newPage()
  try {
    const session = await context.newCDPSession(tab)
    await session.send('Emulation.setCPUThrottlingRate', { rate })
    await offerPhoto(tab)
    // The page says that its kit is there by naming it: the photo is given at once.
    await tab.addInitScript(() => {
      const { photo } = window as unknown as WithPhoto
      const done = new Promise((resolve, reject) => {
        Object.defineProperty(window, 'page', {
          set(made: KitPage) {
            const kit = performance.now()
            const given = photo.then((file) => made.answer('coffee-leaf', file))
            given.then((backend) => {
              if (!backend.startsWith('nano')) reject(new Error(`answered by ${backend}`))
              resolve({ kit, answer: performance.now() })
            }, reject)
          },
        })
      })
      Object.assign(window, { done })
    })
    return await measuredBy(session, tab, url)
  } finally {
    await tab.close()
  }
}

/** Milliseconds from opening the peer's page to its first answer. */
async function startPeer(context: BrowserContext, url: string, rate: number): Promise<number> {
  const tab = await context.newPage()
  try {
    const session = await context.newCDPSession(tab)
    await session.send('Emulation.setCPUThrottlingRate', { rate })
    await tab.addInitScript(() => {
      const done = new Promise((answered) => Object.assign(window, { answered }))
      Object.assign(window, { done })
    })
    return await measuredBy(session, tab, url)
  } finally {
    await tab.close()
  }
}
