import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { findChromium } from '../test/helpers/find-chromium.ts'

const FOLDER = 'src/app/public'

/** A mask may cut all but the inner four fifths: the stove moves inwards, the iron runs to the edge. */
const maskable = (svg: string): string =>
  svg
    .replace(/<path fill="#1e1a17"[^>]*>/, '<path fill="#1e1a17" d="M0 0h96v96H0z"/>')
    .replace('translate(17 14) scale(1.3)', 'translate(23 21) scale(1.04)')

/** Draws the PNGs of the web app manifest from `icon.svg`. Run by hand when the drawing changes; the PNGs are committed. */
const svg = await readFile(join(FOLDER, 'icon.svg'), 'utf8')
const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] })
for (const [name, size, source] of [
  ['icon-192', 192, svg],
  ['icon-512', 512, svg],
  ['icon-maskable', 512, maskable(svg)],
] as const) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  await page.setContent(`<style>body{margin:0}svg{display:block;width:100vw}</style>${source}`)
  await writeFile(join(FOLDER, `${name}.png`), await page.screenshot({ omitBackground: true }))
  await page.close()
}
await browser.close()
