import { existsSync } from 'node:fs'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isNano } from '../../scripts/build-service-worker.ts'
import { readShellScripts } from '../../scripts/shell-list.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { laterScripts } from '../helpers/later-scripts.ts'
import { type FolderServer, serveFolders } from '../helpers/serve-folder.ts'

const APP = 'dist/app'

/** Everything in Cache Storage: paths relative to the app, by the name of the cache without its scope. */
const cached = (page: Page): Promise<Record<string, string[]>> =>
  page.evaluate(async () => {
    const found: Record<string, string[]> = {}
    const base = new URL('.', document.baseURI)
    for (const name of await caches.keys()) {
      const keys = await (await caches.open(name)).keys()
      const paths = keys.map(({ url }) => url.slice(base.href.length).replace(/\?.*/, ''))
      found[name.replace(/-http.*/, '')] = paths.sort()
    }
    return found
  })

const controlled = (page: Page): Promise<unknown> =>
  page.waitForFunction(() => navigator.serviceWorker.controller !== null)

describe('the service worker', () => {
  let folder: string
  let server: FolderServer
  let context: BrowserContext
  let profile: string
  let page: Page
  const start = (): string => `${server.origin}/field/app/`

  /** A copy of the built app under a sub-path, on a phone set to Swahili. */
  beforeEach(async () => {
    if (!existsSync(join(APP, 'sw.js')))
      throw new Error('There is no built app in dist/app: run `npm run build` first.')
    folder = await mkdtemp(join(tmpdir(), 'jiko-app-'))
    await cp(APP, folder, { recursive: true })
    server = await serveFolders({ '/field/app/': folder })
    ;({ context, profile } = await openProfile({ locale: 'sw-KE' }))
    page = await context.newPage()
    await page.goto(start())
    await page.getByTestId('nav-home').waitFor()
    await controlled(page)
    await expect.poll(async () => (await cached(page))['jiko-later-v1']).toEqual(await laterScripts())
  })
  afterEach(async () => {
    await context?.close()
    await deleteProfile(profile)
    await server?.close().catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  })

  it('keeps the shell and the language in use, behind them what comes later, and nothing else', async () => {
    const shell = await readShellScripts(APP)
    const assets = (await readdir(join(APP, 'assets'))).map((name) => `assets/${name}`)
    const precached = (await cached(page))['workbox-precache-v2'] ?? []
    expect(precached).toContain('index.html')
    expect(precached.filter((path) => /locale-|texts-|^runtime\/|^packs\/|\.png$|\.br$/.test(path))).toEqual([])
    const nano = assets.filter(isNano)
    expect(precached.filter((path) => path.startsWith('assets/') && !path.endsWith('.css'))).toEqual(
      [...shell, ...nano].sort(),
    )
    expect((await cached(page))['jiko-later-v1']).toEqual(await laterScripts())
    expect((await cached(page))['jiko-languages-v1']).toEqual([
      expect.stringMatching(/^assets\/locale-sw-/),
      expect.stringMatching(/^assets\/texts-sw-/),
    ])
  })

  it('opens the app with the network gone, in the same language, from a sub-path', async () => {
    await server.close()
    await page.goto(`${start()}?from=homescreen#/history`)
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('Majibu')
  })

  it('fetches another language once, when it is chosen, and has it offline from then on', async () => {
    await page.goto(`${start()}#/settings`)
    await page.getByTestId('language-en').check()
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('Settings')
    await server.close()
    await page.reload()
    await expect.poll(() => page.getByRole('heading', { level: 1 }).textContent()).toBe('Settings')
  })

  it('leaves a hub beside the app alone', async () => {
    const asked = ['v1/default/sync', 'packs/index.json', 'hub', 'healthz']
    const before = server.asked.length
    await page.evaluate((paths) => Promise.all(paths.map((path) => fetch(path))), asked)
    // The app may ask for something of its own meanwhile.
    expect(server.asked.slice(before)).toEqual(expect.arrayContaining(asked.map((path) => `/field/app/${path}`)))
    await writeFile(join(folder, 'hub.html'), '<h1>What came in</h1>')
    await page.goto(`${start()}hub.html`)
    expect(await page.getByRole('heading').textContent()).toBe('What came in')
  })

  it('brings a new version when the person says so, with its texts here before it starts', async () => {
    const script = join(folder, 'sw.js')
    const source = await readFile(script, 'utf8')
    const name = /locale-sw-[\w-]+\.js/.exec(source)?.[0]
    if (!name) throw new Error('the service worker names no Swahili texts')
    await cp(join(folder, 'assets', name), join(folder, 'assets/locale-sw-new.js'))
    await writeFile(script, source.replaceAll(name, 'locale-sw-new.js'))

    await page.reload()
    const banner = page.getByTestId('update-banner')
    await banner.waitFor()
    expect((await cached(page))['jiko-languages-v1']).toEqual(
      expect.arrayContaining([`assets/${name}`, 'assets/locale-sw-new.js']),
    )
    const reloaded = page.waitForEvent('load')
    await banner.getByRole('button').click()
    await reloaded
    await page.getByTestId('nav-home').waitFor()
    await expect.poll(async () => (await cached(page))['jiko-languages-v1']).toContain('assets/locale-sw-new.js')
    expect(await page.getByTestId('update-banner').count()).toBe(0)
  })
})
