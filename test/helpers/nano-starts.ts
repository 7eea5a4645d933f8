import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import type { Bytes } from '../../src/lib/bytes.ts'
import { parsePlan } from '../../src/protocol/plan.ts'
import { findChromium } from './find-chromium.ts'
import type { NanoStart } from './nano-start-run.ts'
import { serveFolders } from './serve-folder.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** What nano's first answer costs with a plan: `cold` in a new process or browser, `warm` in the same one once more. */
export interface Starts {
  readonly cold: NanoStart
  readonly warm: NanoStart
  /** What came on top of a process, or of a page that has fetched the plan, without a session. */
  readonly heldBytes: number
}

export async function measureStarts(plan: Bytes, rounds: number): Promise<{ node: Starts[]; chromium: Starts[] }> {
  await mkdir(join(ROOT, 'dist'), { recursive: true })
  const folder = await mkdtemp(join(ROOT, 'dist/bench-start-'))
  await writeFile(join(folder, 'plan'), plan)
  const [input] = parsePlan(plan).inputs
  const dims = input?.dims.join() ?? ''
  const node: Starts[] = []
  for (let i = 0; i < rounds; i++) node.push(await inNode([join(folder, 'plan'), input?.name ?? '', dims]))
  const build = await rolldown({ input: join(ROOT, 'test/helpers/nano-start-page.ts'), platform: 'browser' })
  await build.write({ dir: folder, format: 'esm', minify: true, entryFileNames: 'page.js' })
  await writeFile(
    join(folder, 'index.html'),
    '<!doctype html><title>start</title><script type="module" src="/page.js"></script>',
  )
  const server = await serveFolders({ '/': folder })
  const inChromium: Starts[] = []
  try {
    const query = new URLSearchParams({ name: input?.name ?? '', dims })
    for (let i = 0; i < rounds; i++) inChromium.push(await inBrowser(server.origin, query))
  } finally {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
  return { node, chromium: inChromium }
}

async function inNode(args: readonly string[]): Promise<Starts> {
  const script = join(ROOT, 'test/helpers/nano-start-node.ts')
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script, ...args])
  return JSON.parse(stdout) as Starts
}

/** Memory of all pages that is nobody else's: what a process of them has touched and no file backs. */
async function pagesHold(browser: Browser): Promise<number> {
  const cdp = await browser.newBrowserCDPSession()
  const { processInfo } = await cdp.send('SystemInfo.getProcessInfo')
  await cdp.detach()
  const of = async (id: number): Promise<number> => {
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')
    return 1024 * Number(/^RssAnon:\s*(\d+)/m.exec(status)?.[1] ?? Number.NaN)
  }
  const all = await Promise.all(processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => of(id)))
  return all.reduce((sum, bytes) => sum + bytes, 0)
}

async function inBrowser(origin: string, query: URLSearchParams): Promise<Starts> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu'] })
  try {
    const page = await browser.newPage({ bypassCSP: true })
    const collected = await page.context().newCDPSession(page)
    const held = async (): Promise<number> => {
      // Whatever compiles well in the background is done by then.
      await page.waitForTimeout(1000)
      await collected.send('HeapProfiler.collectGarbage')
      return pagesHold(browser)
    }
    const times = (): Promise<NanoStart> =>
      page.evaluate(() => (globalThis as unknown as { times: Promise<NanoStart> }).times)
    await page.goto(origin)
    await times()
    const before = await held()
    await page.goto(`${origin}/?${query}`)
    const cold = await times()
    const heldBytes = (await held()) - before
    await page.reload()
    return { cold, warm: await times(), heldBytes }
  } finally {
    await browser.close()
  }
}
