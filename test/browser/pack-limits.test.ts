import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BadNetwork } from '../helpers/bad-network.ts'
import {
  ask,
  blobBytes,
  blobs,
  complete,
  controlled,
  createField,
  type Field,
  go,
  history,
  installPack,
  ready,
  removePack,
  sample,
} from '../helpers/field-app.ts'
import { copyPacks, publishNext } from '../helpers/pack-versions.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const PACK = 'coffee-leaf'
const card = (page: Page) => page.getByTestId(`pack-${PACK}`)
const untilBytes = (network: BadNetwork, bytes: number): Promise<void> =>
  expect.poll(() => blobBytes(network)).toBeGreaterThan(bytes)
/** Bytes of the pack that are in the store, whether it is installed or on its way. */
const held = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const cache = await caches.open('jiko-chunks-v1')
    const chunks = (await cache.keys()).filter(({ url }) => url.includes('/packs/.chunks/'))
    const sizes = chunks.map(async (key) => (await (await cache.match(key))?.arrayBuffer())?.byteLength ?? 0)
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
  })
/** What is measured, once it is the same five times running. */
async function settled(measure: () => Promise<number>): Promise<number> {
  let [last, same] = [await measure(), 0]
  while (same < 5) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    const next = await measure()
    same = next === last ? same + 1 : 0
    last = next
  }
  return last
}

describe('a phone that is full', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField()
  })
  afterAll(() => field?.close())

  it('says so, loses neither answers nor what has come, and goes on when there is room', async () => {
    const { page, network, context } = field
    await controlled(page)
    await installPack(page)
    const first = await ask(page, sample('rust-121.jpg'))
    await removePack(page)
    await expect.poll(() => held(page)).toBe(0)

    const system = await context.newCDPSession(page)
    const { origin } = new URL(page.url())
    // The app's other screens are kept in the background, and what is deleted is given back a little later.
    await complete(page)
    const usage = await settled(async () => (await system.send('Storage.getUsageAndQuota', { origin })).usage)
    await system.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + 200_000 })
    await go(page, '#/')
    await page.getByTestId('install-pack').click()
    const failure = page.getByTestId('failure')
    await failure.waitFor()
    expect(await failure.getAttribute('data-code')).toBe('storage/quota')
    const came = await held(page)
    expect(came).toBeGreaterThan(0)
    expect(await history(page)).toMatchObject([{ label: first.label }])

    await system.send('Storage.overrideQuotaForOrigin', { origin })
    network.seen.length = 0
    network.blobPace = 1_000_000
    await go(page, '#/')
    await page.getByTestId('install-pack').click()
    await ready(page)
    expect(blobBytes(network)).toBeLessThanOrEqual((await held(page)) - came + 8192)
    expect(await ask(page, sample('rust-121.jpg'))).toEqual(first)
    expect(await history(page)).toHaveLength(2)
  })
})

describe('a newer version that gives wrong answers on this phone', () => {
  let field: Field
  let packs: string
  beforeAll(async () => {
    packs = temporaryFolder()
    await copyPacks(packs)
    field = await createField({ packs })
  })
  afterAll(() => field?.close())

  it('is fetched, found wrong by its golden inputs and put away: the old one answers on, and it is not offered again', async () => {
    const { page } = field
    await controlled(page)
    await installPack(page)
    const before = await ask(page, sample('rust-121.jpg'))
    await publishNext(packs, '1.1.0', ({ variants }) => {
      // No backend of this phone can give this, whichever it is.
      for (const { golden } of variants)
        for (const { output } of golden)
          for (const wanted of Object.values(output)) (Array.isArray(wanted) ? wanted : wanted.values).fill(1e6)
    })
    await go(page, '#/packs')
    await page.getByTestId('check-packs').click()
    await go(page, '#/')
    await page.getByTestId('update-pack').click()
    const failure = page.getByTestId('failure')
    await failure.waitFor()
    expect(await failure.getAttribute('data-code')).toBe('pack/failed-check')
    expect(await card(page).getAttribute('data-state')).toBe('ready')
    expect(await ask(page, sample('rust-121.jpg'))).toEqual(before)

    await page.reload()
    await go(page, '#/packs')
    await page.getByTestId('check-packs').click()
    await page.getByTestId('data-use').waitFor()
    await go(page, '#/')
    await ready(page)
    expect(await page.getByTestId('update-pack').count()).toBe(0)
    expect(await ask(page, sample('rust-121.jpg'))).toEqual(before)
  })
})

describe('a pack that another app shares', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField()
    await controlled(field.page)
  })
  afterAll(() => field?.close())

  it('is taken by the service worker, waits for a page, and is verified; what is no pack is told', async () => {
    const { page } = field
    await installPack(page)
    /** As the system posts it. */
    const share = (bytes: number[]) =>
      page.evaluate(async (given) => {
        const form = new FormData()
        form.append('pack', new File([Uint8Array.from(given)], 'leaf.jikopack'))
        // Only a navigation, which the system's is, comes back to the service worker after a redirect.
        return (await fetch('./share', { method: 'POST', body: form, redirect: 'manual' })).type
      }, bytes)
    await go(page, '#/packs')
    const coming = page.waitForEvent('download')
    await page.getByTestId('share-pack').click()
    const bytes = [...(await readFile(await (await coming).path()))]
    await removePack(page)
    await expect.poll(() => held(page)).toBe(0)
    await complete(page)
    await field.network.cut()

    expect(await share([1, 2, 3])).toBe('opaqueredirect')
    await page.reload()
    const failure = page.getByTestId('failure')
    await failure.waitFor()
    expect(await failure.getAttribute('data-code')).toBe('pack/bad-bundle')
    await share(bytes)
    await page.reload()
    await page.getByTestId('share-pack').waitFor()
    expect((await ask(page, sample('rust-121.jpg'))).label).not.toBe('')
    expect(await page.evaluate(() => caches.has('jiko-shared-v1'))).toBe(false)
  })
})

describe('a pack that is opened in a file manager', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField()
    await controlled(field.page)
  })
  afterAll(() => field?.close())

  it('comes by the launch queue, and is installed with no network', async () => {
    const { page, network } = field
    const names = await page.evaluate(async () => {
      const { href } = document.querySelector('link[rel=manifest]') as HTMLLinkElement
      const { file_handlers } = (await (await fetch(href)).json()) as { file_handlers: { accept: object }[] }
      return file_handlers.map(({ accept }) => JSON.stringify(accept))
    })
    expect(names).toEqual(['{"application/x-jikopack":[".jikopack"]}'])
    await installPack(page)
    await go(page, '#/packs')
    const coming = page.waitForEvent('download')
    await page.getByTestId('share-pack').click()
    const bytes = [...(await readFile(await (await coming).path()))]
    await removePack(page)
    await expect.poll(() => held(page)).toBe(0)
    await complete(page)
    await network.cut()
    // Only an installed app is launched with files: what the system does then is played here.
    await page.addInitScript((given) => {
      const file = new File([Uint8Array.from(given)], 'leaf.jikopack')
      const launchQueue = {
        setConsumer: (take: (launched: object) => void) => take({ files: [{ getFile: async () => file }] }),
      }
      Object.defineProperty(window, 'launchQueue', { value: launchQueue })
    }, bytes)
    await page.goto(network.url)
    await page.getByTestId('share-pack').waitFor()
    expect((await ask(page, sample('rust-121.jpg'))).label).not.toBe('')
  })
})

describe('several tabs', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField()
    await controlled(field.page)
  })
  afterAll(() => field?.close())

  it('make one download and have one worker; when its tab is closed, the next goes on', async () => {
    const { page: first, network, context } = field
    network.blobPace = 40_000
    await first.getByTestId('install-pack').click()
    await untilBytes(network, 60_000)
    network.blobPace = 5_000
    const second = await context.newPage()
    await second.goto(network.url)
    await second.getByTestId('stop-pack').waitFor()
    expect(second.workers()).toHaveLength(0)
    expect(blobs(network)).toHaveLength(1)
    // Both tabs see it move, with its pace.
    for (const tab of [first, second]) {
      const bar = tab.locator('.progress progress')
      const before = Number(await bar.getAttribute('value'))
      await expect.poll(async () => Number(await bar.getAttribute('value'))).toBeGreaterThan(before)
      await tab.getByTestId('pace').waitFor()
    }

    await first.close()
    network.blobPace = 300_000
    await ready(second)
    expect(second.workers()).toHaveLength(1)
    const pack = await held(second)
    // What was poured out before the server saw that the first tab is gone; from the start again would be all of it.
    expect(blobBytes(network)).toBeLessThan(pack * 1.5)
    expect((await ask(second, sample('rust-121.jpg'))).label).not.toBe('')

    const third = await context.newPage()
    await third.goto(network.url)
    await ready(third)
    expect(await ask(third, sample('rust-121.jpg'))).toEqual(await ask(second, sample('rust-121.jpg')))
    expect(third.workers()).toHaveLength(0)
    field.page = second
  })
})
