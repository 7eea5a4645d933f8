import type { Page } from 'playwright-core'
import { sleep } from '../../src/lib/abort.ts'
import { utf8 } from '../../src/lib/bytes.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import { deleteProfile, killBrowser, openProfile } from './chromium.ts'
import { type Behaviour, type FlakyServer, startFlakyServer } from './flaky-server.ts'
import type { PacksPage } from './packs-page.ts'
import { KEEP, type SyntheticPack } from './synthetic-pack.ts'
import { modelOf, PEER_MODEL, publishPeer, type TransformersJs } from './transformers-js.ts'

declare const room: PacksPage
declare const load: () => Promise<string>

/** One way to bring weights into a browser: ours, or a peer's. */
export interface Loader {
  name: string
  /** Puts page and weights on a server. */
  publish(server: FlakyServer): void
  page: string
  /** The file whose bytes count, and its length. */
  file: string
  length: number
  /** True once the page can be asked to load. */
  isReady(page: Page): Promise<unknown>
  /** Loads, or goes on loading; answers whether what is kept then is exact. */
  load(page: Page): Promise<boolean>
}

/** The page of ours: it hands every call on to a worker, where the app downloads too. */
const PAGE = `<!doctype html><title>packs</title><script type="module">
const worker = new Worker('/page.js', { type: 'module' })
const waiting = new Map()
worker.onmessage = ({ data: [id, outcome] }) => waiting.get(id)(outcome)
globalThis.room = new Proxy({}, {
  get: (_, method) => (...args) => new Promise((resolve) => {
    waiting.set(waiting.size, resolve)
    worker.postMessage([waiting.size - 1, method, args])
  }),
})
</script>`

export function ours(pack: SyntheticPack, script: string): Loader {
  const files = '/packs/leaf/'
  return {
    name: 'jiko',
    page: '/index.html',
    file: `${files}chunks.bin`,
    length: pack.blob.length,
    publish(server) {
      server.put('/index.html', utf8(PAGE))
      server.put('/page.js', utf8(script))
      server.put(`${files}manifest.ndjson`, utf8(pack.text))
      server.put(`${files}chunks.bin`, pack.blob)
    },
    isReady: (page) => page.waitForFunction(() => 'room' in globalThis),
    async load(page) {
      const installed = await page.evaluate(([key, url]) => room.install([url], [key]), [pack.key, files] as const)
      if (installed.error) throw new Error(`jiko: ${installed.error.code ?? installed.error.name}`)
      const { value } = await page.evaluate((path) => room.hash('leaf', path), KEEP)
      return value === (await sha256Hex(pack.files.get(KEEP) ?? new Uint8Array()))
    },
  }
}

export function theirs(peer: TransformersJs, pack: SyntheticPack): Loader {
  const model = modelOf(pack.files.get(KEEP) ?? new Uint8Array())
  return {
    name: `transformers.js ${peer.version}`,
    page: '/peer.html',
    file: PEER_MODEL,
    length: model.length,
    publish: (server) => publishPeer(server, peer, model),
    isReady: (page) => page.waitForFunction(() => 'load' in globalThis),
    load: async (page) => (await page.evaluate(() => load())) === (await sha256Hex(model)),
  }
}

/** What is killed: the tab, as a person does who looks at something else, or all of the browser, as phones do. */
export interface Phone {
  open(): Promise<Page>
  killTab(page: Page): Promise<void>
  killAll(): Promise<void>
  close(): Promise<void>
}

export async function createPhone(executablePath: string): Promise<Phone> {
  const launch = { executablePath }
  let { context, profile } = await openProfile({ launch })
  return {
    open: () => context.newPage(),
    killTab: (page) => page.close({ runBeforeUnload: false }),
    async killAll() {
      await killBrowser(profile)
      await context.close().catch(() => undefined)
      ;({ context } = await openProfile({ launch, profile }))
    },
    async close() {
      await context.close()
      await deleteProfile(profile)
    },
  }
}

export interface Weather {
  behave?: (nth: number) => Behaviour
  /** Bytes handed over in all after which it is killed, ascending. */
  kills?: readonly number[]
  victim?: 'tab' | 'browser'
  /** Loads that may fail before it counts as never complete. */
  tries?: number
}

export interface Delivered {
  complete: boolean
  exact: boolean
  /** Bytes of the file that the server handed over. */
  sent: number
  kills: number
  failures: number
  seconds: number
  /** What the last failure said. */
  failure?: string
}

/** A person opens the page, loads, loses the tab, comes back, until the model is there. */
export async function deliver(phone: Phone, loader: Loader, weather: Weather): Promise<Delivered> {
  const { behave = () => ({}), kills = [], victim = 'tab', tries = 20 } = weather
  let nth = 0
  const server = await startFlakyServer(({ path }) => (path === loader.file ? behave(nth++) : {}))
  loader.publish(server)
  const done: Delivered = { complete: false, exact: false, sent: 0, kills: 0, failures: 0, seconds: 0 }
  const begun = performance.now()
  try {
    while (!done.complete && done.failures < tries) {
      const page = await phone.open()
      await page.goto(server.origin + loader.page)
      await loader.isReady(page)
      const over = new AbortController()
      const loading = loader.load(page).finally(() => over.abort())
      const kill = (): Promise<void> => (victim === 'tab' ? phone.killTab(page) : phone.killAll())
      const killed = killAt(server, loader.file, kills[done.kills] ?? Number.POSITIVE_INFINITY, kill, over.signal)
      try {
        done.exact = await loading
        done.complete = true
      } catch (error) {
        if (await killed) done.kills++
        else {
          done.failures++
          done.failure = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
        }
      }
      await killed
      await page.close().catch(() => undefined)
    }
    done.sent = server.sentOf(loader.file)
    done.seconds = (performance.now() - begun) / 1000
    return done
  } finally {
    await server.close()
  }
}

/** Kills once so many bytes were handed over. True when it did. */
async function killAt(
  server: FlakyServer,
  file: string,
  bytes: number,
  kill: () => Promise<void>,
  over: AbortSignal,
): Promise<boolean> {
  while (!over.aborted) {
    if (server.sentOf(file) >= bytes) {
      await kill()
      return true
    }
    await sleep(10)
  }
  return false
}
