import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { enter, SCREENS } from '../test/helpers/app-screens.ts'
import { serveFakeApp } from '../test/helpers/fake-app.ts'
import { findChromium } from '../test/helpers/find-chromium.ts'

const FOLDER = 'src/app/public'
/** A phone's, and small: whoever is asked to install the app pays for them. */
const VIEWPORT = { width: 360, height: 640 }
const QUALITY = 40

/** Draws the screenshots of the web app manifest, which phones show before they install it. Run by hand when the screens change; the pictures are committed. */
const app = await serveFakeApp()
const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] })
for (const name of ['home-ready', 'answer']) {
  const screen = SCREENS.find((one) => one.name === name)
  if (!screen) throw new Error(`there is no screen "${name}" any more`)
  const page = await browser.newPage({ viewport: VIEWPORT })
  const { update: _, ...options } = screen.options
  await enter(page, app.url(options, screen.hash), { ...screen, shows: name === 'answer' ? 'answer' : 'photo-input' })
  await page.waitForTimeout(500)
  const picture = await page.screenshot({ type: 'jpeg', quality: QUALITY })
  await writeFile(join(FOLDER, `screenshot-${screen.name.split('-')[0]}.jpg`), picture)
  await page.close()
}
await browser.close()
await app.close()
