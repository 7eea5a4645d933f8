import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../../src/protocol/task.ts'
import type { WayReport } from '../../src/protocol/worker.ts'
import { ORT_THREADS, ORT_WASM } from '../../src/runtime/ort-ids.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { complete } from '../helpers/field-app.ts'
import type { KitPage } from '../helpers/kit-page/main.ts'
import { KIT_PAGE, openKitPage, rememberTimes, serveKitPage } from '../helpers/kit-page.ts'
import { writeOnnxPacks } from '../helpers/onnx-packs.ts'
import type { FolderServer } from '../helpers/serve-folder.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

declare const page: KitPage

const message = { text: 'Habari ya asubuhi. Mtoto anasoma kitabu shuleni.' }

/** A developer's own policy has to let other hosts in. */
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src *"

/** The same packs on another origin, open to every page, as a static host has them. */
async function serveElsewhere(server: FolderServer): Promise<{ origin: string; close(): void }> {
  const other = createServer((request, response) => {
    void fetch(`${server.origin}${request.url}`).then(async (found) => {
      response.writeHead(found.status, { 'access-control-allow-origin': '*' })
      response.end(Buffer.from(await found.arrayBuffer()))
    })
  })
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
  return { origin: `http://127.0.0.1:${(other.address() as AddressInfo).port}`, close: () => other.close() }
}

describe('a page that its service worker isolates', () => {
  let packs: string
  let server: FolderServer
  let opened: { context: BrowserContext; profile: string }
  let tab: Page
  const loads: string[] = []

  beforeAll(async () => {
    packs = temporaryFolder()
    server = await serveKitPage(packs, [await writeOnnxPacks(packs)], { policy })
    opened = await openProfile()
    tab = await opened.context.newPage()
    tab.on('framenavigated', (frame) => loads.push(frame.url()))
    await openKitPage(tab, server)
  })
  afterAll(async () => {
    await opened?.context.close()
    if (opened) await deleteProfile(opened.profile)
    await server?.close().catch(() => undefined)
  })

  const isIsolated = (): Promise<boolean> => tab.evaluate(() => crossOriginIsolated)
  async function ask(name: string): Promise<{ answer: Answer; backend: string }> {
    const asked = await tab.evaluate(([pack, given]) => page.ask(pack, given), [name, message] as const)
    if ('code' in asked) throw new Error(asked.code)
    return { answer: asked.answer, backend: asked.body.backend }
  }
  const waysOf = async (name: string): Promise<WayReport[]> =>
    (await tab.evaluate(() => page.device())).packs.find((pack) => pack.name === name)?.ways ?? []

  it('is not isolated at its first visit, and works; it is not loaded again for it', async () => {
    expect(await isIsolated()).toBe(false)
    expect(await tab.evaluate(() => page.install('language-float'))).toBe('ready')
    expect(await ask('language-float')).toMatchObject({ answer: { label: 'swa' }, backend: ORT_WASM })
    expect((await waysOf('language-float')).map(({ backend }) => backend)).not.toContain(ORT_THREADS)
    await complete(tab, KIT_PAGE)
    expect(loads).toHaveLength(1)
    expect(await isIsolated()).toBe(false)
  })

  it('is isolated from the next visit on, with its worker, and still loaded as often as somebody asks', async () => {
    for (const visit of [2, 3]) {
      await openKitPage(tab, server)
      expect(await isIsolated()).toBe(true)
      expect(loads).toHaveLength(visit)
    }
    await tab.evaluate(() => page.device())
    expect(await tab.workers()[0]?.evaluate(() => crossOriginIsolated)).toBe(true)
  })

  it('installs packs from another origin', async () => {
    const other = await serveElsewhere(server)
    const url = `${other.origin}/packs/language-int8/`
    const installed = tab.evaluate((from) => page.installFrom([from]), url).finally(other.close)
    expect(await installed).toMatchObject({ state: 'ready' })
    expect((await ask('language-int8')).answer).toMatchObject({ label: 'swa' })
  })

  // A browser on one core has nothing to choose from.
  const severalCores = it.skipIf(availableParallelism() < 2)

  severalCores('times threads beside one core, and uses what the stopwatch says', async () => {
    await ask('language-float')
    const found = async (): Promise<number | string | undefined> => {
      const way = (await waysOf('language-float')).find(({ backend }) => backend === ORT_THREADS)
      return way?.ms ?? way?.reason
    }
    await expect.poll(found).toBeDefined()
    const ways = await waysOf('language-float')
    const [one, threads] = [ORT_WASM, ORT_THREADS].map((id) => ways.find(({ backend }) => backend === id))
    console.log(
      `one core ${one?.ms?.toFixed(2)} ms, threads ${threads?.ms?.toFixed(2)} ms, used: ${ways.find(({ used }) => used)?.backend}`,
    )
    expect(threads?.reason).toBeUndefined()
    expect(threads?.used).toBe((threads?.ms ?? 0) * 1.25 < (one?.ms ?? 0))
    expect(one?.used).toBe(!threads?.used)
  })

  severalCores('answers on several cores where they were faster, as on one, and offline', async () => {
    const onOne = await ask('language-float')
    await rememberTimes(tab, server, { 'language-float 1.0.0 fp32': { [ORT_WASM]: 1000, [ORT_THREADS]: 1 } })
    await server.close()
    await tab.reload()
    await tab.waitForFunction(() => 'page' in globalThis)
    const onMore = await ask('language-float')
    expect(onMore.backend).toMatch(new RegExp(`^${ORT_THREADS} \\([2-4]\\)$`))
    const scores = ({ answer }: { answer: Answer }): number[] =>
      answer.kind === 'classes' ? answer.scores.map(({ score }) => score) : []
    const apart = scores(onMore).map((score, i) => Math.abs(score - (scores(onOne)[i] ?? 1)))
    expect(Math.max(...apart)).toBeLessThan(1e-5)
    await server.open()
  })
})
