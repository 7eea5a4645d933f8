import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { missingBytes, pathsOf } from '../../src/packs/layout.ts'
import { parseSignedManifest } from '../../src/protocol/manifest.ts'
import type { BadNetwork } from '../helpers/bad-network.ts'
import {
  ask,
  blobBytes,
  blobs,
  controlled,
  createField,
  type Field,
  go,
  history,
  ready,
  sample,
} from '../helpers/field-app.ts'

const PACK = 'coffee-leaf'
const PHOTO = sample('rust-121.jpg')

const { manifest } = parseSignedManifest(readFileSync(`dist/packs/${PACK}/manifest.ndjson`, 'utf8'))
const small = manifest.variants.find(({ role }) => role === 'first')
const smallBytes = missingBytes(manifest, pathsOf(manifest, small), new Set())

const variantShown = (page: Page) => page.getByTestId('answer').getAttribute('data-variant')
const first = (page: Page) => page.getByTestId('first-answer')
const settled = async (page: Page, network: BadNetwork): Promise<void> => {
  const before = blobs(network).length
  // Another answer of the worker: whatever it wanted to begin by itself, it has begun.
  await go(page, '#/packs')
  await page.getByTestId('data-use').waitFor()
  expect(blobs(network)).toHaveLength(before)
}

/** A phone whose browser says EDGE. It asks before it spends data there: pressed twice. */
async function installOverEdge({ page, network, context }: Field): Promise<void> {
  const system = await context.newCDPSession(page)
  const rate = 18_750
  await system.send('Network.overrideNetworkState', {
    offline: false,
    latency: 600,
    downloadThroughput: rate,
    uploadThroughput: rate,
    connectionType: 'cellular2g',
  })
  network.blobPace = 60_000
  await page.getByTestId('install-pack').click()
  await page.getByRole('alert').waitFor()
  await page.getByTestId('install-pack').click()
  await expect.poll(() => blobBytes(network)).toBeGreaterThanOrEqual(smallBytes)
  // Whatever follows is on its way for minutes, however slow the machine.
  network.blobPace = 2_000
  await ready(page)
}

describe('a pack of two sizes over a slow link', () => {
  let field: Field
  beforeEach(async () => {
    field = await createField()
    await controlled(field.page)
  })
  afterEach(() => field?.close())

  it('answers with the small model while the full one is on its way, and with the full one after', async () => {
    const { page, network, hub } = field
    await installOverEdge(field)
    const small = await ask(page, PHOTO)
    expect(await variantShown(page)).toBe('small')
    await first(page).waitFor()
    expect(await first(page).getAttribute('data-coming')).toBe('true')
    await page.getByTestId('pace').waitFor()

    network.blobPace = undefined
    const better = page.getByTestId('ask-again')
    await better.waitFor()
    expect(await first(page).getAttribute('data-coming')).toBe('false')
    await better.click()
    await page.waitForSelector('[data-testid="answer"]:not([data-variant="small"])')
    expect(await first(page).count()).toBe(0)
    const full = (await variantShown(page)) ?? ''
    expect(full).not.toBe('')
    const shown = await history(page)
    expect(shown).toHaveLength(2)
    expect(shown[1]?.label).toBe(small.label)
    await expect
      .poll(async () => (await hub.records()).map(({ body }) => (body as { variant?: string }).variant).sort())
      .toEqual([full, 'small'].sort())
  })

  it('does not bring the full one past the data budget: the small one answers on, and a person may have it anyway', async () => {
    const { page, network } = field
    await go(page, '#/packs')
    await page.getByTestId('budget-5000000').check({ force: true })
    // As if other packs had left 600 KB of it this month.
    await page.evaluate(async () => {
      const cache = await caches.open('jiko-chunks-v1')
      const two = (value: number): string => String(value).padStart(2, '0')
      const now = new Date()
      const today = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
      await cache.put('/packs/.notes/ledger', new Response(JSON.stringify({ [today]: { other: 4_400_000 } })))
    })
    await go(page, '#/')
    await installOverEdge(field)
    await settled(page, network)
    await ask(page, PHOTO)
    expect(await variantShown(page)).toBe('small')
    expect(await page.getByTestId('pace').count()).toBe(0)
    network.blobPace = undefined
    await page.getByTestId('get-better').click()
    await go(page, '#/')
    const failure = page.getByTestId('failure')
    await failure.waitFor()
    expect(await failure.getAttribute('data-code')).toBe('download/over-budget')
    await page.getByTestId('install-anyway').click()
    const under = page.locator('[data-testid="update-pack"], [data-testid="stop-pack"]')
    await expect.poll(() => under.count()).toBe(0)
    await ask(page, PHOTO)
    expect(await variantShown(page)).not.toBe('small')
  })

  it('does not bring the full one where data is to be saved, until a person says so', async () => {
    const { page, network } = field
    // The protocol's own override does not reach workers.
    for (const worker of page.workers()) {
      await worker.evaluate(() => {
        const { connection } = navigator as unknown as { connection: object }
        Object.defineProperty(connection, 'saveData', { value: true })
      })
    }
    await installOverEdge(field)
    await settled(page, network)
    await ask(page, PHOTO)
    expect(await variantShown(page)).toBe('small')
    network.blobPace = undefined
    await page.getByTestId('get-better').click()
    await page.getByTestId('ask-again').waitFor()
  })
})
