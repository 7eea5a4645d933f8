import { cpus } from 'node:os'
import lighthouse from 'lighthouse'
import { type CDPSession, chromium, type Page } from 'playwright-core'
import { table } from '../../src/cli/text.ts'
import { complete, createField, type Field, installPack, sample } from '../helpers/field-app.ts'
import { findChromium } from '../helpers/find-chromium.ts'
import { startHub } from '../helpers/hub-process.ts'
import { compiledBefore } from './compiled-before.ts'
import { keepPhoto, offerPhoto, type WithPhoto } from './kept-photo.ts'
import { measuredBy } from './measured-by.ts'

const ROUNDS = 11
const SLOW = 6
const SCREEN = { width: 320, height: 568 }
const PHOTO = sample('rust-121.jpg')

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0
const spread = (values: readonly number[]): string =>
  `${median(values).toFixed(0)} (${Math.min(...values).toFixed(0)}-${Math.max(...values).toFixed(0)})`

/** Milliseconds that a person takes to aim. */
const AIMING = 2000

type Times = Record<'screen' | 'answer' | 'later', number[]>

/** What the scripts below leave behind in the page. */
interface Measured {
  interactions: { name: string; target: string; duration: number }[]
}

/**
 * `npm run bench -- app`: the built app in Chromium, as on a phone six times slower than this machine's core: from a
 * cold page to an answer with no network, the time from a tap to the next paint on every screen, and Lighthouse.
 * `--rounds N`. Chromium slows the page's own thread; the worker's runs at full speed, which is said.
 */
export async function bench(args: readonly string[]): Promise<void> {
  const rounds = Number(args[args.indexOf('--rounds') + 1] || ROUNDS)
  const field = await createField({ launch: { executablePath: findChromium() }, ...SCREEN })
  try {
    await installPack(field.page)
    await complete(field.page)
    await keepPhoto(field.page, PHOTO)
    await field.network.cut()
    // Its worker would serve the next tab.
    await field.page.close()
    console.log(
      `Node ${process.version}, ${cpus().length} cores (${cpus()[0]?.model}), ${SCREEN.width} px wide, offline.`,
    )
    console.log('\n## From opening the app to the answer, coffee-leaf on nano, milliseconds: median (range)\n')
    const rows = [['CPU', 'first screen', 'answer to a photo given at once', 'from a photo to its answer, 2 s later']]
    const times = new Map([1, SLOW].map((rate) => [rate, { screen: [], answer: [], later: [] } as Times]))
    for (let round = 0; round < rounds; round++) {
      for (const [rate, { screen, answer, later }] of times) {
        const atOnce = await warmStart(field, rate, 0)
        screen.push(atOnce.screen)
        answer.push(atOnce.answer)
        const aimed = await warmStart(field, rate, AIMING)
        later.push(aimed.answer - aimed.given)
      }
    }
    for (const [rate, { screen, answer, later }] of times)
      rows.push([`${rate}x slower`, spread(screen), spread(answer), spread(later)])
    console.log(table(rows))
    const { page } = await slowPage(field, 1)
    await page.goto(field.network.url)
    console.log(`\nScripts that came with their compiled code: ${(await compiledBefore(page)).join(', ') || 'none'}.`)
    await page.close()
    console.log(`\n## From a tap to the next paint at ${SLOW}x, milliseconds\n`)
    console.log(table(await interactions(field)))
  } finally {
    await field.close()
  }
  console.log('\n## Lighthouse, mobile, simulated throttling\n')
  console.log(table(await audit()))
}

async function slowPage(field: Field, rate: number): Promise<{ page: Page; session: CDPSession }> {
  const page = await field.context.newPage()
  const session = await field.context.newCDPSession(page)
  await session.send('Emulation.setCPUThrottlingRate', { rate })
  return { page, session }
}

interface Start {
  screen: number
  given: number
  answer: number
}

/** A new page on what the phone has kept; a photo is given `aiming` milliseconds after it is first asked for. */
async function warmStart(field: Field, rate: number, aiming: number): Promise<Start> {
  const { page, session } = await slowPage(field, rate)
  try {
    await offerPhoto(page)
    await page.addInitScript((aiming) => {
      const measured: Partial<Start> = {}
      const { photo } = window as unknown as WithPhoto
      const give = async (input: HTMLInputElement): Promise<void> => {
        const file = await photo
        measured.given = performance.now()
        const files = new DataTransfer()
        files.items.add(new File([file], 'leaf.jpg', { type: 'image/jpeg' }))
        input.files = files.files
        input.dispatchEvent(new Event('change', { bubbles: true }))
      }
      const done = new Promise((resolve) => {
        new MutationObserver(() => {
          const input = document.querySelector<HTMLInputElement>(
            '[data-testid="pack-coffee-leaf"] [data-testid="photo-input"]',
          )
          if (input && measured.screen === undefined) {
            measured.screen = performance.now()
            if (aiming > 0) setTimeout(give, aiming, input)
            else void give(input)
          }
          if (measured.answer === undefined && document.querySelector('[data-testid="answer"]')) {
            measured.answer = 0
            // The frame that shows it has been painted when the next one begins.
            requestAnimationFrame(() =>
              requestAnimationFrame((now) => {
                measured.answer = now
                resolve(measured)
              }),
            )
          }
        }).observe(document, { childList: true, subtree: true })
      })
      Object.assign(window, { done })
    }, aiming)
    return await measuredBy(session, page, field.network.url)
  } finally {
    await page.close()
  }
}

/** Goes through the screens as a person would, every tap at least once, and says how long each took to show. */
async function interactions(field: Field): Promise<string[][]> {
  const { page } = await slowPage(field, SLOW)
  await page.addInitScript(() => {
    const measured: Measured = { interactions: [] }
    Object.assign(window, { measured })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEventTiming & { interactionId?: number })[]) {
        if (!entry.interactionId) continue
        const target = (entry.target as Element | null)?.closest('[data-testid]')?.getAttribute('data-testid')
        measured.interactions.push({ name: entry.name, target: target ?? '', duration: entry.duration })
      }
    }).observe({ type: 'event', durationThreshold: 16, buffered: true } as PerformanceObserverInit)
  })
  try {
    await page.goto(field.network.url)
    const home = page.getByTestId('pack-coffee-leaf')
    await home.getByTestId('photo-input').waitFor({ state: 'attached' })
    await home.getByTestId('photo-input').setInputFiles(PHOTO)
    await page.getByTestId('answer').waitFor()
    await page.getByTestId('correct').click()
    await page.locator('[data-testid^="correct-"]').first().click()
    for (const screen of ['history', 'sync', 'settings', 'home', 'history']) {
      await page.getByTestId(`nav-${screen}`).click()
      await page.waitForTimeout(300)
    }
    await page.getByTestId('record').first().locator('a').first().click()
    await page.getByTestId('answer').waitFor()
    await page.getByTestId('nav-sync').click()
    await page.getByTestId('send-now').click()
    await page.getByTestId('nav-settings').click()
    for (const group of ['theme', 'text', 'language']) {
      for (const choice of await page.locator(`input[data-testid^="${group}-"]`).all()) {
        if (group === 'language' && !/-(en)$/.test((await choice.getAttribute('data-testid')) ?? '')) continue
        await choice.check()
        await page.waitForTimeout(200)
      }
    }
    for (const next of ['packs', 'about']) {
      await page.getByTestId('nav-settings').click()
      await page.getByTestId(`nav-${next}`).click()
      await page.waitForTimeout(300)
    }
    await page.waitForTimeout(500)
    const { interactions } = await page.evaluate(() => (window as unknown as { measured: Measured }).measured)
    const slowest = [...interactions].sort((a, b) => b.duration - a.duration)
    return [
      ['tap', 'ms'],
      ...slowest.slice(0, 8).map(({ name, target, duration }) => [`${name} ${target}`, duration.toFixed(0)]),
      [`slowest of ${interactions.length}`, String(slowest[0]?.duration ?? 'none')],
    ]
  } finally {
    await page.close()
  }
}

/** Lighthouse opens the app as a new visitor, from a real hub. */
async function audit(): Promise<string[][]> {
  const hub = await startHub({ packs: 'dist/app/packs' })
  const port = 9_300 + (process.pid % 500)
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--disable-gpu', `--remote-debugging-port=${port}`],
  })
  try {
    const run = await lighthouse(hub.url, {
      port,
      logLevel: 'error',
      onlyCategories: ['performance', 'accessibility', 'best-practices'],
    })
    if (!run) throw new Error('Lighthouse gave no result')
    const { categories, audits } = run.lhr
    const failed = Object.values(categories).flatMap(({ auditRefs }) =>
      auditRefs.flatMap(({ id, weight }) => {
        const { score, title, displayValue } = audits[id] ?? {}
        return weight > 0 && typeof score === 'number' && score < 0.9 ? [[`- ${title}`, displayValue ?? '']] : []
      }),
    )
    return [
      ['', 'score of 100'],
      ...Object.values(categories).map(({ title, score }) => [title, String(Math.round((score ?? 0) * 100))]),
      ...['first-contentful-paint', 'largest-contentful-paint', 'total-blocking-time', 'cumulative-layout-shift'].map(
        (id) => [audits[id]?.title ?? id, audits[id]?.displayValue ?? ''],
      ),
      ...failed,
    ]
  } finally {
    await browser.close()
    await hub.stop()
  }
}
