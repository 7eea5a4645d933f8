import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadReleaseKey } from '../../src/cli/release-key.ts'
import { parseSignedManifest } from '../../src/protocol/manifest.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { type FlakyServer, startFlakyServer } from '../helpers/flaky-server.ts'
import { deleteHubData, type HubProcess, startHub } from '../helpers/hub-process.ts'
import type { KitPage } from '../helpers/kit-page/main.ts'
import { openKitPage, serveKitPage } from '../helpers/kit-page.ts'
import type { FolderServer } from '../helpers/serve-folder.ts'
import { noise } from '../helpers/synthetic-pack.ts'

declare const page: KitPage

const PACKS = resolve('dist/packs')
const LEAF = 'packs/coffee-leaf'
const text = readFileSync(`${PACKS}/coffee-leaf/manifest.ndjson`)
const { blob } = parseSignedManifest(text.toString()).manifest
const RUST = {
  base64: readFileSync('models/coffee-leaf/samples/rust-121.jpg').toString('base64'),
  type: 'image/jpeg',
}
/** A developer's own policy has to let mirrors in. */
const policy = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; connect-src *"

describe('a pack from several addresses', () => {
  let village: HubProcess
  let liar: FlakyServer
  let server: FolderServer
  let opened: { context: BrowserContext; profile: string }
  let tab: Page
  let dead: string

  beforeAll(async () => {
    village = await startHub({ packs: PACKS })
    liar = await startFlakyServer(() => ({ cors: true }))
    liar.put(`/${LEAF}/manifest.ndjson`, new Uint8Array(text))
    liar.put(`/${LEAF}/${blob.path}`, noise(blob.length, 1))
    const gone = await startFlakyServer()
    dead = gone.origin
    await gone.close()
    server = await serveKitPage(PACKS, [(await loadReleaseKey()).key], { policy })
    opened = await openProfile()
    tab = await opened.context.newPage()
    await openKitPage(tab, server)
  })
  afterAll(async () => {
    await opened?.context.close()
    if (opened) await deleteProfile(opened.profile)
    await server?.close()
    await liar?.close()
    await village?.stop()
    if (village) await deleteHubData(village)
  })

  it('comes past a dead one and a lying one from the hub of the village, exact', async () => {
    const urls = [`${dead}/${LEAF}/`, `${liar.origin}/${LEAF}/`, `${village.url}/${LEAF}/`]
    expect(await tab.evaluate((all) => page.installFrom(all), urls)).toMatchObject({ state: 'ready' })
    expect(liar.sentOf(`/${LEAF}/${blob.path}`)).toBeGreaterThan(0)
    // Nothing of it came from the page's own origin.
    expect(server.asked.filter((path) => path.includes('/packs/'))).toEqual([])
    const asked = await tab.evaluate((photo) => page.ask('coffee-leaf', photo), RUST)
    expect(asked).toMatchObject({ answer: { kind: 'classes', label: 'rust' } })
  })

  it('says what is wrong when none of them has it', async () => {
    const urls = [`${dead}/packs/none/`, `${liar.origin}/packs/none/`]
    expect(await tab.evaluate((all) => page.installFrom(all), urls)).toMatchObject({
      code: expect.stringMatching(/^download\//),
    })
  })
})
