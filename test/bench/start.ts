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
 * at full speed. What the whole app takes says `bench -- app`.
 */
export async function bench(args: readonly string[]): Promise<void> {
  const rounds = Number(args[args.indexOf('--rounds') + 1] || ROUNDS)
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
    const times = new Map(RATES.map((rate) => [rate, [] as Start[]]))
    for (let round = 0; round < rounds; round++) {
      for (const [rate, starts] of times) starts.push(await start(context, `${server.origin}/?eager=coffee-leaf`, rate))
    }
    console.log(
      `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), offline, coffee-leaf on nano.\n`,
    )
    const rows = [...times].map(([rate, starts]) => [
      `${rate}x slower`,
      spread(starts.map(({ kit }) => kit)),
      spread(starts.map(({ answer }) => answer)),
    ])
    console.log('From opening the page, milliseconds: median (range)\n')
    console.log(table([['CPU', 'kit', 'answer, kept in the records'], ...rows]))
  } finally {
    await context.close()
    await deleteProfile(profile)
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
