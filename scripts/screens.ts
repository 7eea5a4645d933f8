import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { type AppScreen, enter, SCREENS } from '../test/helpers/app-screens.ts'
import { type FakeApp, serveFakeApp } from '../test/helpers/fake-app.ts'
import { findChromium } from '../test/helpers/find-chromium.ts'
import { GAP, sheetsOf } from './sheets.ts'

const OUT = 'dist/screens'
/** Nobody waits for them, and the machine may do much else. */
const PATIENCE = 180_000

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

interface Picture {
  name: string
  base64: string
  /** As it is shown on a sheet, in CSS pixels. */
  width: number
  height: number
}

async function take(browser: Browser, app: FakeApp, look: Look, shots: readonly AppScreen[]): Promise<Picture[]> {
  const { width, language, theme, textSize = 1 } = look
  const context = await browser.newContext({ viewport: { width, height: width > 800 ? 800 : 693 } })
  context.setDefaultTimeout(PATIENCE)
  await context.addInitScript(
    (preferences) => localStorage.setItem('jiko-preferences', preferences),
    JSON.stringify({ language, theme, textSize }),
  )
  const problems: string[] = []
  const pictures: Picture[] = []
  const shown = width > 800 ? 840 : width
  for (const shot of shots) {
    const { name, options, hash } = shot
    const page = await context.newPage()
    page.on('console', (message) => message.type() === 'error' && problems.push(`${name}: ${message.text()}`))
    page.on('pageerror', (error) => problems.push(`${name}: ${error.message}`))
    await enter(page, app.url(options, hash), shot)
    const html = page.locator('html')
    await page.waitForTimeout(350)
    const wide = await html.evaluate((element) => element.scrollWidth - element.clientWidth)
    if (wide > 0) problems.push(`${name}: ${wide} px wider than the screen`)
    // As tall as the page: the standing bar belongs at the end, and rows out of sight draw nothing. What comes into sight may be
    // higher than what stood for it, hence twice; not until it stays, for a photo may take a part of whatever height there is.
    let tall = 0
    for (const _ of ['as it is', 'drawn']) {
      tall = await html.evaluate((element) => element.scrollHeight)
      await page.setViewportSize({ width, height: tall })
      await page.waitForTimeout(250)
    }
    const base64 = (await page.screenshot()).toString('base64')
    pictures.push({ name, base64, width: shown, height: Math.ceil((tall * shown) / width) })
    await page.close()
  }
  for (const problem of problems) console.error(`${nameOf(look)}: ${problem}`)
  await context.close()
  return pictures
}

/** Every screen at its full height, side by side, on as many sheets as it takes. */
async function drawSheets(browser: Browser, look: Look, pictures: readonly Picture[]): Promise<void> {
  const width = look.width > 800 ? 2600 : 2100
  const columns = Math.floor(width / ((pictures[0]?.width ?? width) + GAP))
  for (const [at, sheet] of sheetsOf(pictures, columns).entries()) {
    const page = await browser.newPage({ viewport: { width, height: 800 } })
    page.setDefaultTimeout(PATIENCE)
    const figures = sheet.map(
      ({ name, base64, width: wide }) =>
        `<figure><figcaption>${name}</figcaption><img src="data:image/png;base64,${base64}" width="${wide}"></figure>`,
    )
    await page.setContent(
      `<style>body{display:grid;grid-template-columns:repeat(${columns},max-content);align-items:start;gap:${GAP}px;background:#777;font:700 20px system-ui}figure{margin:0}img{display:block}</style>${figures.join('')}`,
    )
    const file = join(OUT, `${nameOf(look)}-${at + 1}.png`)
    await writeFile(file, await page.screenshot({ fullPage: true }))
    await page.close()
    console.log(file)
  }
}

if (import.meta.main) {
  // `npm run screens -- 320-sw history`: looks and screens whose names hold these.
  const [, , only = '', wanted = ''] = process.argv
  const shots = SCREENS.filter(({ name }) => name.includes(wanted))
  await rm(OUT, { recursive: true, force: true })
  await mkdir(OUT, { recursive: true })
  const app = await serveFakeApp()
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  })
  try {
    for (const look of LOOKS.filter((candidate) => nameOf(candidate).includes(only))) {
      await drawSheets(browser, look, await take(browser, app, look, shots))
    }
  } finally {
    await browser.close()
    await app.close()
  }
}
