import { resolve } from 'node:path'
import type { Page, Worker } from 'playwright-core'
import { build } from 'vite'
import { buildServiceWorker } from '../../scripts/build-service-worker.ts'
import { kitAlone } from '../../scripts/group-chunks.ts'
import { copyOrtRuntime } from '../../scripts/ort-runtime.ts'
import { CHUNK_CACHE } from '../../src/protocol/service-worker.ts'
import { appConfig } from '../../vite.config.ts'
import { complete } from './field-app.ts'
import { type FolderServer, serveFolders } from './serve-folder.ts'

/** Where it is built. */
export const KIT_PAGE = resolve('dist/kit-page')

/** Builds a page of nothing but the kit, with worker, runtime and service worker as the app has them, and serves packs beside it. */
export async function serveKitPage(
  packs: string,
  trustedKeys: readonly string[],
  options: Parameters<typeof serveFolders>[1] = {},
  { minify = false }: { minify?: boolean } = {},
): Promise<FolderServer> {
  const config = appConfig(trustedKeys, kitAlone(resolve('test/helpers/kit-page/main.ts')))
  await build({
    ...config,
    configFile: false,
    logLevel: 'warn',
    root: 'test/helpers/kit-page',
    publicDir: false,
    build: { ...config.build, outDir: KIT_PAGE, minify, license: false },
  })
  await copyOrtRuntime(KIT_PAGE)
  await buildServiceWorker(KIT_PAGE)
  return serveFolders({ '/': KIT_PAGE, '/packs/': packs }, options)
}

/** Opens the page, and waits until its kit is there. */
export async function openKitPage(tab: Page, { origin }: Pick<FolderServer, 'origin'>): Promise<void> {
  await tab.goto(origin)
  await tab.waitForFunction(() => 'page' in globalThis)
}

/**
 * As if this device had been timed, and found this: of a pack's variant the milliseconds by backend. The page is opened
 * anew for it; a race that still runs in the old one may write down what it found until it is gone.
 */
export async function rememberTimes(
  tab: Page,
  server: Pick<FolderServer, 'origin'>,
  times: Readonly<Record<string, Readonly<Record<string, number>>>>,
): Promise<void> {
  const wanted = JSON.stringify(times)
  const note = (text?: string): Promise<string | undefined> =>
    tab.evaluate(
      async ([name, put]) => {
        const cache = await caches.open(name)
        if (put !== undefined) await cache.put('/packs/.notes/verdicts', new Response(put))
        return (await cache.match('/packs/.notes/verdicts'))?.text()
      },
      [CHUNK_CACHE, text] as const,
    )
  do {
    await note(wanted)
    await openKitPage(tab, server)
  } while ((await note()) !== wanted)
}

/** From here on the page lives from what the phone has kept: the server is gone, and it is opened anew. */
export async function leaveNetwork(tab: Page, server: FolderServer): Promise<void> {
  await complete(tab, KIT_PAGE)
  await server.close()
  await tab.reload()
  await tab.waitForFunction(() => 'page' in globalThis)
}

/** The newest of our own: in an isolated page onnxruntime-web may have others, one for each of its threads. */
export const inferenceWorker = (tab: Page): Worker | undefined =>
  tab
    .workers()
    .filter((worker) => !new URL(worker.url()).pathname.includes('/runtime/'))
    .at(-1)
