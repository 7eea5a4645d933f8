import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { BrowserContext, Page } from 'playwright-core'
import type { KitPage } from './kit-page/main.ts'
import { inferenceWorker } from './kit-page.ts'
import type { FolderServer } from './serve-folder.ts'
import { seeded } from './synthetic-pack.ts'

declare const page: KitPage

const FAULTS = ['death', 'trap', 'no-memory', 'cancel'] as const
export type Fault = (typeof FAULTS)[number]
/** Of so many requests one meets a fault. */
const EVERY = 8
const PHOTO = 'models/coffee-leaf/samples/rust-121.jpg'

/** What the page and its worker hold: JavaScript and buffers of the page after a collection, and all memory of the process. Bytes. */
export interface Held {
  request: number
  page: number
  process: number
}

export interface Endurance {
  /** What was answered, and how often. */
  answers: Record<string, number>
  faults: Record<Fault, number>
  held: Held[]
  /** Milliseconds from an abort until the caller knew, and until the worker answered something else. */
  cancels: { told: number; free: number }[]
}

/** Lets a test trap nano in the middle of a run. */
export function makeTrappable(server: FolderServer): void {
  server.change = (path, body) => {
    if (!/\/nano-[^/]*\.js$/.test(path)) return undefined
    const script = body.toString()
    const changed = script.replace(
      'for (const call of calls) call();',
      'for (const call of calls) { if (globalThis.trapNow) { globalThis.trapNow = false; unreachable() } call() }',
    )
    if (changed === script) throw new Error('nano has no loop over its calls any more')
    return Buffer.from(changed)
  }
}

/** Faults that lie in wait in the newest worker. A worker that is just ending has none: the request meets that. */
async function layFault(tab: Page, fault: Exclude<Fault, 'cancel'>): Promise<boolean> {
  const worker = inferenceWorker(tab)
  if (!worker) return false
  const laid = worker.evaluate((kind) => {
    if (kind === 'death') {
      setTimeout(() => {
        throw new Error('brought down by the test')
      }, 20)
      return
    }
    Object.assign(globalThis, { trapNow: true })
    if (kind === 'trap') return
    const { Memory } = WebAssembly
    const refuse = (): never => {
      Object.assign(WebAssembly, { Memory })
      throw new RangeError('no memory left: injected by the test')
    }
    Object.assign(WebAssembly, { Memory: refuse })
  }, fault)
  return laid.then(
    () => true,
    () => false,
  )
}

/** Resident memory of the processes that show pages of this profile. */
function processBytes(profile: string): number {
  const { stdout } = spawnSync('pgrep', ['-f', '--', `type=renderer.*${profile}|${profile}.*type=renderer`], {
    encoding: 'utf8',
  })
  const ids = stdout.split('\n').filter(Boolean)
  return ids.reduce((sum, id) => {
    try {
      const resident = /^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${id}/smaps_rollup`, 'utf8'))?.[1]
      return sum + Number(resident ?? 0) * 1024
    } catch {
      return sum
    }
  }, 0)
}

async function weigh(context: BrowserContext, tab: Page, profile: string, request: number): Promise<Held> {
  const session = await context.newCDPSession(tab)
  await session.send('HeapProfiler.collectGarbage')
  const heap = (await session.send('Runtime.getHeapUsage')) as { usedSize: number; backingStorageSize?: number }
  await session.detach()
  return { request, page: heap.usedSize + (heap.backingStorageSize ?? 0), process: processBytes(profile) }
}

export interface EnduranceOptions {
  requests: number
  /** How often what is held is weighed. */
  weighEvery: number
  seed?: number
  profile: string
}

/** Asks `coffee-leaf` again and again, while the worker dies, traps, finds no memory and is interrupted. */
export async function endure(
  context: BrowserContext,
  tab: Page,
  { requests, weighEvery, seed = 1, profile }: EnduranceOptions,
): Promise<Endurance> {
  const random = seeded(seed)
  const photo = { base64: readFileSync(PHOTO).toString('base64'), type: 'image/jpeg' }
  const report: Endurance = {
    answers: {},
    faults: { death: 0, trap: 0, 'no-memory': 0, cancel: 0 },
    held: [],
    cancels: [],
  }
  for (let request = 1; request <= requests; request++) {
    const fault = request % EVERY === 0 ? (FAULTS[Math.floor(random() * FAULTS.length)] as Fault) : undefined
    if (fault === 'cancel') {
      const after = Math.round(random() * 60)
      report.cancels.push(
        await tab.evaluate(([given, ms]) => page.cancel('coffee-leaf', given, ms), [photo, after] as const),
      )
      report.faults.cancel += 1
    } else if (fault && (await layFault(tab, fault))) report.faults[fault] += 1
    const asked = await tab.evaluate((given) => page.ask('coffee-leaf', given), photo)
    const answer =
      'code' in asked ? asked.code : asked.answer.kind === 'classes' ? asked.answer.label : asked.answer.kind
    report.answers[answer] = (report.answers[answer] ?? 0) + 1
    if (request % weighEvery === 0) report.held.push(await weigh(context, tab, profile, request))
  }
  return report
}

const RESTARTS = 7

export interface Restart {
  /** Milliseconds of a request when everything is loaded; of the first call after a restart; of the first answer after it. */
  warm: number
  call: number
  answer: number
}

/** What it costs that the worker is replaced. For onnxruntime-web nano is broken first, so that the pack goes over to it. */
export async function timeRestarts(tab: Page, server: FolderServer, engine: 'nano' | 'onnx'): Promise<Restart[]> {
  const photo = { base64: readFileSync(PHOTO).toString('base64'), type: 'image/jpeg' }
  const time = (): Promise<{ call: number; answer: number }> =>
    tab.evaluate((given) => page.time('coffee-leaf', given), photo)
  if (engine === 'onnx') {
    await tab.evaluate(async () => {
      for (const name of await caches.keys()) {
        const cache = await caches.open(name)
        for (const { url } of await cache.keys()) if (/\/nano-[^/]*\.js$/.test(url)) await cache.delete(url)
      }
    })
    server.change = (path) => (/\/nano-[^/]*\.js$/.test(path) ? Buffer.from('throw new Error("no nano")') : undefined)
    await tab.reload()
    await tab.waitForFunction(() => 'page' in globalThis)
  }
  await time()
  const restarts: Restart[] = []
  for (let i = 0; i < RESTARTS; i++) {
    const { answer: warm } = await time()
    await layFault(tab, 'death')
    await tab.waitForFunction(() => new Promise((done) => setTimeout(() => done(true), 100)))
    restarts.push({ warm, ...(await time()) })
  }
  return restarts
}
