import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadReleaseKey } from '../../src/cli/release-key.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import type { KitPage } from '../helpers/kit-page/main.ts'
import { inferenceWorker, openKitPage, serveKitPage } from '../helpers/kit-page.ts'
import type { FolderServer } from '../helpers/serve-folder.ts'

declare const page: KitPage

const REQUESTS = 100
/** The worker is brought down in the middle of every fifth request. */
const EVERY = 5

describe('a worker that dies again and again', () => {
  let server: FolderServer
  let opened: { context: BrowserContext; profile: string }
  let tab: Page

  beforeAll(async () => {
    server = await serveKitPage(resolve('dist/packs'), [(await loadReleaseKey()).key])
    opened = await openProfile()
    tab = await opened.context.newPage()
    await openKitPage(tab, server)
    expect(await tab.evaluate(() => page.install('coffee-leaf'))).toBe('ready')
  })
  afterAll(async () => {
    await opened?.context.close()
    if (opened) await deleteProfile(opened.profile)
    await server?.close()
  })

  it('costs no answer: each request is asked again of the next worker, and leaves one record', async () => {
    const photo = {
      base64: readFileSync('models/coffee-leaf/samples/rust-121.jpg').toString('base64'),
      type: 'image/jpeg',
    }
    const answers = new Set<string>()
    let brought = 0
    for (let i = 0; i < REQUESTS; i++) {
      const asking = tab.evaluate((given) => page.ask('coffee-leaf', given), photo)
      if (i % EVERY === EVERY - 1) {
        const worker = inferenceWorker(tab)
        // What an out-of-memory or a trap outside of a call looks like to the page.
        await worker
          ?.evaluate(
            () =>
              void setTimeout(() => {
                throw new Error('brought down by the test')
              }),
          )
          .then(
            () => {
              brought += 1
            },
            () => undefined,
          )
      }
      const asked = await asking
      answers.add(JSON.stringify('code' in asked ? asked : asked.answer))
    }
    expect([...answers].map((answer) => JSON.parse(answer).label)).toEqual(['rust'])
    expect(brought).toBeGreaterThan(REQUESTS / EVERY / 2)
    expect(await tab.evaluate(() => page.records())).toBe(REQUESTS)
    // The dead ones are gone, and their memory with them; the last one may be among them.
    await expect.poll(() => tab.workers().length).toBeLessThanOrEqual(1)
  })
})
