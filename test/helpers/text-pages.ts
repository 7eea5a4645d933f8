import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { findChromium } from './find-chromium.ts'

/** A photo of a paper with known text, as a browser draws it. */
export interface TextPage {
  name: string
  /** Lines from top to bottom. */
  lines: readonly string[]
  /** CSS of the paper, and of the light that falls on it. */
  paper: string
  light?: string
  /** Pixels of the picture. */
  width: number
  height: number
}

const STORE = [
  'Medicine store, weekly count',
  'Amoxicillin 250 mg: 418 left',
  'Paracetamol 500 mg: 1,260 left',
  'Checked by Joseph Otieno',
  'on Friday 17-07-2026, 16:45',
  'Order before stock is under 100',
]
const WELL = [
  'Borehole B-29, Turkana East',
  'Depth 86.5 m, water at 41 m',
  'Pump runs 7 hours a day',
  'Last test: pH 7.4, no smell',
  'Serves 93 families',
  'Repair: 0733 204 961, Mary',
]

const paper = (more: string): string => `font: 30px/1.9 "DejaVu Sans", sans-serif; color: #222; ${more}`
const serif = (more: string): string => `font: 28px/1.9 "DejaVu Serif", serif; color: #1a1a3a; ${more}`
const SHADOW = 'linear-gradient(115deg, rgba(0,0,0,0) 35%, rgba(0,0,0,0.62) 75%)'
const SIZE = { width: 1000, height: 750 }

/** What happens to papers in front of phones. */
export const TEXT_PAGES: readonly TextPage[] = [
  { name: 'straight', lines: STORE, paper: paper(''), ...SIZE },
  { name: 'serif', lines: WELL, paper: serif(''), ...SIZE },
  { name: 'small', lines: WELL, paper: paper('font-size: 15px'), ...SIZE },
  { name: 'tilted 6 degrees', lines: WELL, paper: paper('transform: rotate(6deg)'), ...SIZE },
  { name: 'tilted -17 degrees', lines: STORE, paper: serif('transform: rotate(-17deg)'), ...SIZE },
  { name: 'on its side', lines: STORE, paper: paper('transform: rotate(90deg)'), width: 1000, height: 1000 },
  { name: 'upside down', lines: WELL, paper: serif('transform: rotate(180deg)'), ...SIZE },
  { name: 'from below', lines: STORE, paper: paper('transform: perspective(900px) rotateX(30deg)'), ...SIZE },
  { name: 'from the side', lines: WELL, paper: paper('transform: perspective(900px) rotateY(25deg)'), ...SIZE },
  { name: 'half in shadow', lines: STORE, paper: serif(''), light: SHADOW, ...SIZE },
  { name: 'tilted in shadow', lines: WELL, paper: paper('transform: rotate(5deg)'), light: SHADOW, ...SIZE },
  { name: 'pale ink', lines: STORE, paper: serif('color: #8a8a80'), ...SIZE },
]

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const html = ({ lines, paper: style, light = 'none' }: TextPage): string => `<!doctype html>
<style>
  body { margin: 0; height: 100vh; display: grid; place-items: center; background: #6b5a48; overflow: hidden }
  main { background: #f3efe4; padding: 40px 60px; white-space: pre; ${style} }
  div { position: fixed; inset: 0; background: ${light} }
</style><main>${lines.map(escaped).join('\n')}</main><div></div>`

/** Draws pages into a folder as PNG, with `labels.csv` for `jiko eval`; answers the file of each. */
export async function drawTextPages(folder: string, pages = TEXT_PAGES): Promise<string[]> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const tab = await browser.newPage()
    const files: string[] = []
    for (const one of pages) {
      await tab.setViewportSize({ width: one.width, height: one.height })
      await tab.setContent(html(one))
      files.push(`${one.name.replaceAll(' ', '-')}.png`)
      await writeFile(join(folder, files.at(-1) ?? ''), await tab.screenshot())
    }
    const rows = pages.map(({ lines }, i) => `${files[i]},"${lines.join(' ').replaceAll('"', '""')}"`)
    await writeFile(join(folder, 'labels.csv'), `path,label\n${rows.join('\n')}\n`)
    return files.map((file) => join(folder, file))
  } finally {
    await browser.close()
  }
}
