import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { FORM } from '../test/helpers/fake-app/form.ts'
import type { FakePageOptions } from '../test/helpers/fake-app/options.ts'
import { type FakeApp, serveFakeApp } from '../test/helpers/fake-app.ts'
import { LESSON } from '../test/helpers/fake-teach.ts'
import { findChromium } from '../test/helpers/find-chromium.ts'

const OUT = 'dist/screens'
const PHOTO = 'models/coffee-leaf/samples/rust-121.jpg'

const spot = (east: number, north: number) => ({ latitude: -1.28 + north / 100, longitude: 36.8 + east / 100 })
const HISTORY: FakePageOptions['history'] = [
  { label: 'rust', score: 0.97, state: 'local', photo: '/samples/rust-121.jpg', notes: ['By the river'] },
  { label: 'cercospora', score: 0.41, state: 'local', photo: '/samples/cercospora-55.jpg', place: spot(1, 1) },
  { label: 'healthy', score: 0.88, state: 'held', photo: '/samples/healthy-1.jpg', daysAgo: 1, place: spot(4, 2) },
  { label: 'leaf_miner', score: 0.72, state: 'final', photo: '/samples/leaf_miner-42.jpg', daysAgo: 1 },
  { label: 'leaf_miner', score: 0.61, state: 'final', corrected: 'rust', photo: '/samples/rust-122.jpg', daysAgo: 5 },
  { label: 'healthy', score: 0.99, state: 'final', photo: '/samples/healthy-2.jpg', daysAgo: 9, place: spot(1.1, 1.1) },
]
const NOW = Date.now()

interface Shot {
  name: string
  options: FakePageOptions
  hash?: string
  /** What a person does before the picture is taken. */
  act?(page: Page): Promise<unknown>
}

const choose = (page: Page): Promise<void> => page.getByTestId('photo-input').first().setInputFiles(PHOTO)

const place = (x: number, y: number) => ({ label: 'rust', score: 0.9, x, y, width: 0.2, height: 0.3 })
const FOUND: FakePageOptions['answerAs'] = { kind: 'boxes', sure: true, boxes: [place(0.1, 0.2), place(0.6, 0.4)] }
const UNKNOWN: FakePageOptions['answerAs'] = {
  kind: 'classes',
  known: false,
  label: 'rust',
  score: 0.9,
  sure: false,
  scores: [],
}

const SHOTS: readonly Shot[] = [
  { name: 'teach', options: { installed: true, lessons: [LESSON] }, hash: '#/teach' },
  { name: 'lesson', options: { installed: true, lessons: [LESSON] }, hash: `#/lesson/${LESSON.id}` },
  {
    name: 'how',
    options: { installed: true, pack: { name: 'tiny-writer' } },
    hash: '#/how',
    act: async (page) => {
      await page.getByTestId('how-text').fill('all human')
      await page.getByTestId('how-look').click()
      await page.getByTestId('looks-back').waitFor()
    },
  },
  { name: 'home-first', options: {} },
  { name: 'home-fetching', options: { delay: 'forever' }, act: (page) => page.getByTestId('install-pack').click() },
  {
    name: 'home-failed',
    options: { installError: 'download/offline' },
    act: (page) => page.getByTestId('install-pack').click(),
  },
  { name: 'home-ready', options: { installed: true, history: HISTORY, update: true } },
  { name: 'capture', options: { installed: true }, hash: '#/capture/coffee-leaf' },
  { name: 'working', options: { installed: true, delay: 'forever' }, act: choose },
  { name: 'answer', options: { installed: true }, act: choose },
  { name: 'not-sure', options: { installed: true, answer: { label: 'cercospora', score: 0.38 } }, act: choose },
  {
    name: 'correct',
    options: { installed: true },
    act: async (page) => {
      await choose(page)
      await page.getByTestId('correct').click()
    },
  },
  {
    name: 'listening',
    options: { installed: true, takes: 'audio', delay: 'forever' },
    act: (page) => page.getByTestId('listen').click(),
  },
  {
    name: 'heard',
    options: { installed: true, takes: 'audio' },
    act: async (page) => {
      await page.getByTestId('listen').click()
      await page.getByTestId('answer').waitFor()
    },
  },
  {
    name: 'deaf',
    options: { installed: true, takes: 'audio', listenError: 'input/microphone-refused' },
    act: (page) => page.getByTestId('listen').click(),
  },
  { name: 'writing', options: { installed: true, takes: 'text' }, hash: '#/capture/coffee-leaf' },
  {
    name: 'sorted',
    options: { installed: true, takes: 'text' },
    hash: '#/capture/coffee-leaf',
    act: async (page) => {
      await page.getByTestId('text-input').fill('Bei ya kahawa imepanda sokoni leo asubuhi.')
      await page.getByTestId('text-send').click()
      await page.getByTestId('answer').waitFor()
    },
  },
  { name: 'found', options: { installed: true, answerAs: FOUND }, act: choose },
  {
    name: 'form',
    options: { installed: true, form: FORM },
    act: async (page) => {
      await choose(page)
      await page.getByTestId('shade-yes').check()
      await page.getByTestId('form-save').click()
    },
  },
  { name: 'unknown', options: { installed: true, answerAs: UNKNOWN }, act: choose },
  { name: 'enrol', options: { installed: true }, hash: '#enrol/default/a/b/sender/c' },
  { name: 'failed', options: { installed: true, runError: 'input/not-an-image' }, act: choose },
  { name: 'history', options: { installed: true, history: HISTORY }, hash: '#/history' },
  {
    name: 'history-found',
    options: { installed: true, history: HISTORY },
    hash: '#/history',
    act: async (page) => {
      await page.getByTestId('open-map').click()
      await page.getByTestId('find-more').click()
      await page.getByTestId('find-unsure').check()
    },
  },
  {
    name: 'note',
    options: { installed: true, history: HISTORY },
    hash: '#/record/abcdefghijklmnop/6',
    act: async (page) => {
      await page.getByTestId('note').click()
      await page.getByTestId('note-text').fill('Mti wa tatu kutoka njia')
    },
  },
  {
    name: 'batch',
    options: { installed: true, answer: { label: 'cercospora', score: 0.38 } },
    act: async (page) => {
      await page.getByTestId('photo-choose').setInputFiles([PHOTO, PHOTO.replace('rust-121', 'healthy-1')])
      await page.getByTestId('batch-unsure').waitFor()
    },
  },
  {
    name: 'batch-running',
    options: { installed: true, delay: 'forever' },
    act: (page) => page.getByTestId('photo-choose').setInputFiles([PHOTO, PHOTO, PHOTO]),
  },
  { name: 'history-empty', options: { installed: true }, hash: '#/history' },
  {
    name: 'sync',
    options: { installed: true, history: HISTORY, lastContact: NOW, syncError: 'sync/offline' },
    hash: '#/sync',
  },
  { name: 'sync-done', options: { installed: true, history: HISTORY.slice(3), lastContact: NOW }, hash: '#/sync' },
  { name: 'settings', options: { installed: true }, hash: '#/settings' },
  { name: 'people', options: { installed: true, people: ['Asha', 'Juma*'] }, hash: '#/people' },
  {
    name: 'people-pin',
    options: { installed: true, people: ['Asha', 'Juma*'] },
    hash: '#/people',
    act: (page) => page.getByTestId('person-Juma').click(),
  },
  { name: 'lock', options: { installed: true }, hash: '#/lock' },
  {
    name: 'locked',
    options: { installed: true, lock: '2468', history: HISTORY },
    act: async (page) => {
      await page.getByTestId('gate-forgotten').click()
      await page.getByTestId('gate-pin').fill('1111')
      await page.getByTestId('gate-open').click()
    },
  },
  { name: 'packs', options: { installed: true }, hash: '#/packs' },
  { name: 'device', options: { installed: true }, hash: '#/device' },
  { name: 'about', options: {}, hash: '#/about' },
]

interface Look {
  width: number
  language: string
  theme: 'light' | 'dark' | 'sunlight'
  textSize?: number
}

const LOOKS: readonly Look[] = [
  // Narrow, wide, dark, noon, twice the text, and from right to left.
  { width: 390, language: 'en', theme: 'light' },
  { width: 320, language: 'sw', theme: 'dark' },
  { width: 390, language: 'sw', theme: 'sunlight' },
  { width: 1280, language: 'en', theme: 'light' },
  { width: 320, language: 'en', theme: 'light', textSize: 2 },
  { width: 390, language: 'ar', theme: 'dark' },
  { width: 320, language: 'ar', theme: 'light' },
  { width: 1280, language: 'ar', theme: 'dark' },
]

const nameOf = ({ width, language, theme, textSize }: Look): string =>
  [width, language, theme, textSize && `text-${textSize * 100}`].filter(Boolean).join('-')

async function take(browser: Browser, app: FakeApp, look: Look, shots: readonly Shot[]): Promise<string[]> {
  const { width, language, theme, textSize = 1 } = look
  const context = await browser.newContext({ viewport: { width, height: width > 800 ? 800 : 693 } })
  await context.addInitScript(
    (preferences) => localStorage.setItem('jiko-preferences', preferences),
    JSON.stringify({ language, theme, textSize }),
  )
  const problems: string[] = []
  const pictures: string[] = []
  for (const { name, options, hash, act } of shots) {
    const page = await context.newPage()
    page.on('console', (message) => message.type() === 'error' && problems.push(`${name}: ${message.text()}`))
    page.on('pageerror', (error) => problems.push(`${name}: ${error.message}`))
    await page.goto(app.url(options, hash))
    await page.getByRole('heading', { level: 1 }).waitFor()
    const html = page.locator('html')
    await act?.(page)
    await page.waitForTimeout(350)
    const wide = await html.evaluate((element) => element.scrollWidth - element.clientWidth)
    if (wide > 0) problems.push(`${name}: ${wide} px wider than the screen`)
    // As tall as the page: the standing bar belongs at the end, and rows out of sight draw nothing.
    const tall = await html.evaluate((element) => element.scrollHeight)
    await page.setViewportSize({ width, height: tall })
    await page.waitForTimeout(150)
    pictures.push((await page.screenshot()).toString('base64'))
    await page.close()
  }
  for (const problem of problems) console.error(`${nameOf(look)}: ${problem}`)
  await context.close()
  return pictures
}

/** One sheet a look: every screen at its full height, side by side. */
async function sheet(browser: Browser, look: Look, shots: readonly Shot[], pictures: readonly string[]): Promise<void> {
  const page = await browser.newPage({ viewport: { width: look.width > 800 ? 2600 : 2100, height: 800 } })
  const figures = pictures.map(
    (picture, i) =>
      `<figure><figcaption>${shots[i]?.name}</figcaption><img src="data:image/png;base64,${picture}" width="${look.width > 800 ? 840 : look.width}"></figure>`,
  )
  await page.setContent(
    `<style>body{display:flex;flex-wrap:wrap;align-items:flex-start;gap:20px;background:#777;font:700 20px system-ui}figure{margin:0}img{display:block}</style>${figures.join('')}`,
  )
  const file = join(OUT, `${nameOf(look)}.png`)
  await writeFile(file, await page.screenshot({ fullPage: true }))
  await page.close()
  console.log(file)
}

if (import.meta.main) {
  // `npm run screens -- 320-sw history`: looks and screens whose names hold these.
  const [, , only = '', wanted = ''] = process.argv
  const shots = SHOTS.filter(({ name }) => name.includes(wanted))
  await rm(OUT, { recursive: true, force: true })
  await mkdir(OUT, { recursive: true })
  const app = await serveFakeApp()
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  })
  try {
    for (const look of LOOKS.filter((candidate) => nameOf(candidate).includes(only))) {
      await sheet(browser, look, shots, await take(browser, app, look, shots))
    }
  } finally {
    await browser.close()
    await app.close()
  }
}
