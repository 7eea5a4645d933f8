import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer } from '../../src/protocol/task.ts'
import type { WayReport } from '../../src/protocol/worker.ts'
import { ORT_THREADS, ORT_WASM, ORT_WEBGPU } from '../../src/runtime/ort-ids.ts'
import { deleteProfile, openProfile, WEBGPU_FLAGS } from '../helpers/chromium.ts'
import type { KitPage } from '../helpers/kit-page/main.ts'
import { inferenceWorker, openKitPage, rememberTimes, serveKitPage } from '../helpers/kit-page.ts'
import { writeOnnxPacks } from '../helpers/onnx-packs.ts'
import type { FolderServer } from '../helpers/serve-folder.ts'

declare const page: KitPage

const message = { text: 'Habari ya asubuhi. Mtoto anasoma kitabu shuleni.' }

/** What a wrong driver looks like: nothing is computed, and nobody is told. */
function withWrongDevice(script: string): string {
  const changed = script.replaceAll('.dispatchWorkgroups(', '.valueOf(')
  if (changed === script) throw new Error('the script of the runtime has no dispatchWorkgroups any more')
  return changed
}

/** Lets the test take the device away. */
const withDeviceInReach = (script: string): string => {
  const changed = script.replaceAll(
    /requestDevice\((\w+)\)\.then\((\w+)=>\{/g,
    'requestDevice($1).then($2=>{globalThis.testDevice=$2;',
  )
  if (changed === script) throw new Error('the script of the runtime has no requestDevice any more')
  return changed
}

const isGlue = (path: string): boolean => path.endsWith('.jspi.mjs')

const labelOf = (answer: Answer): string => (answer.kind === 'classes' ? answer.label : answer.kind)

describe('WebGPU', () => {
  let packs: string
  let server: FolderServer
  const profiles: { context: BrowserContext; profile: string }[] = []

  beforeAll(async () => {
    packs = await mkdtemp(join(tmpdir(), 'jiko-packs-'))
    server = await serveKitPage(packs, [await writeOnnxPacks(packs)])
  })
  afterAll(async () => {
    for (const { context, profile } of profiles) {
      await context.close()
      await deleteProfile(profile)
    }
    await server?.close()
    if (packs) await rm(packs, { recursive: true, force: true })
  })

  async function openTab(
    flags: readonly string[],
    glue: (script: string) => string = (script) => script,
  ): Promise<Page> {
    server.asked.length = 0
    server.change = (path, body) => (isGlue(path) ? Buffer.from(glue(body.toString())) : undefined)
    const opened = await openProfile({ flags })
    profiles.push(opened)
    const tab = await opened.context.newPage()
    await openKitPage(tab, server)
    return tab
  }
  async function ask(tab: Page, name: string): Promise<{ answer: Answer; backend: string }> {
    const asked = await tab.evaluate(([pack, given]) => page.ask(pack, given), [name, message] as const)
    if ('code' in asked) throw new Error(asked.code)
    return { answer: asked.answer, backend: asked.body.backend }
  }
  /** Once everything that can be tried was. */
  async function ways(tab: Page, name: string): Promise<WayReport[]> {
    let found: WayReport[] = []
    await expect
      .poll(async () => {
        found = (await tab.evaluate(() => page.device())).packs.find((pack) => pack.name === name)?.ways ?? []
        found = found.filter(({ here }) => here)
        return found.length > 1 && found.every(({ ms, reason }) => ms !== undefined || reason !== undefined)
      })
      .toBe(true)
    return found
  }
  /** As if this device had been timed and WebGPU had won. */
  const preferWebgpu = (tab: Page, name: string, variant = 'fp32'): Promise<void> =>
    rememberTimes(tab, server, {
      [`${name} 1.0.0 ${variant}`]: { [ORT_WASM]: 1000, [ORT_THREADS]: 2000, [ORT_WEBGPU]: 1 },
    })

  it('is not asked for where there is no adapter', async () => {
    const tab = await openTab([])
    await tab.evaluate(() => page.install('language-float'))
    expect((await ask(tab, 'language-float')).backend).toBe(ORT_WASM)
    await tab.evaluate(() => page.device())
    expect((await ask(tab, 'language-float')).backend).toBe(ORT_WASM)
    expect(server.asked.filter((path) => path.includes('jspi'))).toEqual([])
  })

  it.each(['language-float', 'language-int8'])(
    'is timed on %s after the first answer, once, or refused with its reason; it agrees with WebAssembly',
    async (name) => {
      const tab = await openTab(WEBGPU_FLAGS)
      await tab.evaluate((pack) => page.install(pack), name)
      expect(server.asked.filter((path) => path.includes('jspi'))).toEqual([])
      const first = await ask(tab, name)
      expect(first.backend).toBe(ORT_WASM)
      const [wasm, webgpu] = await ways(tab, name)
      console.log(
        `${name}: ${ORT_WASM} ${wasm?.ms?.toFixed(1)} ms, ${ORT_WEBGPU} ${webgpu?.ms?.toFixed(1) ?? webgpu?.reason}`,
      )
      expect(wasm).toMatchObject({ backend: ORT_WASM, here: true })
      expect(webgpu).toMatchObject({ backend: ORT_WEBGPU, here: true })
      expect(server.asked.filter((path) => path.endsWith('.jspi.wasm'))).toHaveLength(1)
      if (webgpu?.reason !== undefined) return
      await preferWebgpu(tab, name, wasm?.variant)
      const second = await ask(tab, name)
      expect(second.backend).toBe(ORT_WEBGPU)
      const scores = (answer: Answer): number[] =>
        answer.kind === 'classes' ? answer.scores.map(({ score }) => score) : []
      const apart = Math.max(
        ...scores(first.answer).map((score, i) => Math.abs(score - (scores(second.answer)[i] ?? 1))),
      )
      console.log(
        `${name}: the scores of ${second.backend} and ${first.backend} are at most ${apart.toExponential(1)} apart`,
      )
      expect(labelOf(second.answer)).toBe(labelOf(first.answer))
      expect(apart).toBeLessThan(0.02)
    },
  )

  it('that answers wrongly is never used, and the device says so', async () => {
    const tab = await openTab(WEBGPU_FLAGS, withWrongDevice)
    await tab.evaluate(() => page.install('language-float'))
    await ask(tab, 'language-float')
    const [wasm, webgpu] = await ways(tab, 'language-float')
    expect(webgpu).toMatchObject({ used: false, reason: expect.stringMatching(/off by/) })
    expect(wasm).toMatchObject({ used: true })
    expect(await ask(tab, 'language-float')).toMatchObject({ answer: { label: 'swa' }, backend: ORT_WASM })
  })

  it('whose device is lost in the middle of a request costs no answer: the next backend gives it', async () => {
    const tab = await openTab(WEBGPU_FLAGS, withDeviceInReach)
    await tab.evaluate(() => page.install('language-float'))
    await ask(tab, 'language-float')
    await ways(tab, 'language-float')
    await preferWebgpu(tab, 'language-float')
    expect((await ask(tab, 'language-float')).backend).toBe(ORT_WEBGPU)
    const asking = ask(tab, 'language-float')
    const worker = inferenceWorker(tab)
    await worker?.evaluate(() => (globalThis as unknown as { testDevice: { destroy(): void } }).testDevice.destroy())
    expect(await asking).toMatchObject({ answer: { label: 'swa' } })
    const after = await ask(tab, 'language-float')
    expect(after).toMatchObject({ answer: { label: 'swa' }, backend: ORT_WASM })
    const [, webgpu] = await ways(tab, 'language-float')
    expect(webgpu).toMatchObject({ used: false, reason: expect.stringContaining('lost') })
  })
})
