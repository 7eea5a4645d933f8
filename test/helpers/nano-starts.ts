import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import type { Bytes } from '../../src/lib/bytes.ts'
import { parsePlan } from '../../src/protocol/plan.ts'
import { findChromium } from './find-chromium.ts'
import type { NanoStart } from './nano-start-run.ts'
import { serveFolders } from './serve-folder.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Only an isolated page may measure its memory. */
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' }

/** What nano's first answer costs with a plan: `cold` in a new process or browser, `warm` in the same one once more. */
export interface Starts {
  readonly cold: NanoStart
  readonly warm: NanoStart
}

/** `heldBytes` is what came on top of a process, or of a page, without nano. */
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
  await writeFile(join(folder, 'empty.html'), '<!doctype html><title>empty</title>')
  const server = await serveFolders({ '/': folder }, { headers: ISOLATED })
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

async function inBrowser(origin: string, query: URLSearchParams): Promise<Starts> {
  const browser = await chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--enable-blink-features=ForceEagerMeasureMemory'],
  })
  try {
    const page = await browser.newPage({ bypassCSP: true })
    const started = (): Promise<NanoStart> =>
      page.evaluate(() => (globalThis as unknown as { started: Promise<NanoStart> }).started)
    await page.goto(`${origin}/?${query}`)
    const cold = await started()
    await page.reload()
    const warm = await started()
    // A page of its own, before which another one tells what is there without nano.
    await page.goto(`${origin}/empty.html`)
    const empty = await page.evaluate(
      async () =>
        (
          await (
            performance as Performance & { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> }
          ).measureUserAgentSpecificMemory()
        ).bytes,
    )
    await page.goto(`${origin}/?${query}&memory=`)
    const { heldBytes } = await started()
    return { cold: { ...cold, heldBytes: heldBytes - empty }, warm }
  } finally {
    await browser.close()
  }
}
