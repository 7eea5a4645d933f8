import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chunksOf, pathsOf } from '../../src/packs/layout.ts'
import { type Manifest, parseSignedManifest } from '../../src/protocol/manifest.ts'
import type { BadNetwork } from '../helpers/bad-network.ts'
import {
  ask,
  blobBytes,
  complete,
  controlled,
  createField,
  type Field,
  go,
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

const manifest = async (folder = 'dist/packs'): Promise<Manifest> =>
  parseSignedManifest(await readFile(join(folder, PACK, 'manifest.ndjson'), 'utf8')).manifest
/** Chunks that a phone needs of a pack. */
const needed = (of: Manifest) => chunksOf(of, pathsOf(of)).flatMap((index) => of.blob.chunks[index] ?? [])
const sum = (chunks: readonly { length: number }[]): number => chunks.reduce((total, { length }) => total + length, 0)

describe('a download on a slow link', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField()
    await controlled(field.page)
    field.network.blobPace = 60_000
  })
  afterAll(() => field?.close())
  const pace = () => field.page.getByTestId('pace')

  it('goes on by itself after the browser was killed, and fetches at most one chunk twice', async () => {
    const chunks = needed(await manifest())
    await field.page.getByTestId('install-pack').click()
    await untilBytes(field.network, sum(chunks) / 3)
    // What follows is seen while it is on its way, however slow the machine.
    field.network.blobPace = 4_000
    await field.page.waitForSelector('[data-testid="pace"][data-rate][data-left]')
    await field.killAndReopen()
    await pace().waitFor()
    expect(Number(await pace().getAttribute('data-left'))).toBeGreaterThan(0)
    field.network.blobPace = 150_000
    await ready(field.page)
    const largest = Math.max(...chunks.map(({ length }) => length))
    // And what was on the wire when it died, which no receiver can know of.
    expect(blobBytes(field.network)).toBeLessThanOrEqual(sum(chunks) + largest + 32_768)
    expect((await ask(field.page, sample('rust-121.jpg'))).label).not.toBe('')
  })

  it('stopped by a person waits for them, also after a reload, and says what is left', async () => {
    const { page, network } = field
    await removePack(page)
    await go(page, '#/')
    network.seen.length = 0
    await page.getByTestId('install-pack').click()
    await untilBytes(network, 150_000)
    network.blobPace = 5_000
    await page.getByTestId('stop-pack').click()
    await page.getByTestId('install-pack').waitFor()
    const paused = page.locator('[data-testid="cost"][data-paused="true"]')
    await paused.waitFor()
    await page.reload()
    await page.getByTestId('install-pack').waitFor()
    await paused.waitFor()
    const asked = network.seen.filter(({ path }) => path.endsWith('.bin')).length
    // Another answer of the worker: whatever it wanted to begin at the start, it has begun.
    await go(page, '#/packs')
    await page.getByTestId('data-use').waitFor()
    expect(network.seen.filter(({ path }) => path.endsWith('.bin'))).toHaveLength(asked)
    await go(page, '#/')
    expect(await card(page).getAttribute('data-state')).toBe('downloading')
    network.blobPace = undefined
    await page.getByTestId('install-pack').click()
    await ready(page)
  })
})

describe('data', () => {
  let field: Field
  beforeAll(async () => {
    field = await createField()
  })
  afterAll(() => field?.close())

  it('is counted, kept within the limit of a person, and spent all the same when they say so', async () => {
    const { page, network } = field
    await controlled(page)
    await installPack(page)
    await go(page, '#/packs')
    const use = page.getByTestId('data-use')
    await use.waitFor()
    expect(Number(await use.getAttribute('data-month'))).toBeGreaterThanOrEqual(blobBytes(network))
    await page.getByTestId('budget-5000000').check({ force: true })
    // What 5 MB of other packs would have left, written where the ledger keeps it.
    const day = await page.evaluate(async () => {
      const cache = await caches.open('jiko-chunks-v1')
      const key = '/packs/.notes/ledger'
      const ledger = (await (await cache.match(key))?.json()) as Record<string, Record<string, number>>
      const [today = ''] = Object.keys(ledger)
      const spent = { ...ledger, [today]: { ...ledger[today], other: 5_000_000 } }
      await cache.put(key, new Response(JSON.stringify(spent)))
      return today
    })
    expect(day).toMatch(/^\d{4}-\d\d-\d\d$/)
    await removePack(page)
    await go(page, '#/')
    const before = blobBytes(network)
    await page.getByTestId('install-pack').click()
    const failure = page.getByTestId('failure')
    await failure.waitFor()
    expect(await failure.getAttribute('data-code')).toBe('download/over-budget')
    expect(blobBytes(network)).toBe(before)
    await page.getByTestId('install-anyway').click()
    await ready(page)
  })

  it('that the browser threw away is told, and can be had again', async () => {
    const { page } = field
    await page.evaluate(() => caches.delete('jiko-chunks-v1'))
    await page.reload()
    await page.getByTestId('pack-gone').waitFor()
    await installPack(page)
    expect(await page.getByTestId('pack-gone').count()).toBe(0)
  })
})

describe('a newer version', () => {
  let field: Field
  let packs: string
  beforeAll(async () => {
    packs = temporaryFolder()
    await copyPacks(packs)
    field = await createField({ packs })
  })
  afterAll(() => field?.close())

  it('is offered with its cost, fetched by a tap, and the old one answers until it is there', async () => {
    const { page, network } = field
    await controlled(page)
    await installPack(page)
    const old = await manifest(packs)
    const next = await publishNext(packs, '1.1.0')
    const had = new Set(needed(old).map(({ sha256 }) => sha256))
    const changed = sum(needed(next).filter(({ sha256 }) => !had.has(sha256)))
    expect(changed).toBeGreaterThan(0)
    expect(changed).toBeLessThan(sum(needed(next)) / 2)

    await go(page, '#/packs')
    await page.getByTestId('check-packs').click()
    await go(page, '#/')
    const update = page.getByTestId('update-pack')
    await update.waitFor()
    const kilobytes = Math.ceil(changed / 1000)
    expect(await card(page).locator('.cost').textContent()).toContain(`${kilobytes} kB`)
    expect(await card(page).getAttribute('data-state')).toBe('ready')

    network.seen.length = 0
    network.blobPace = 1_000
    await update.click()
    await page.getByTestId('stop-pack').waitFor()
    expect((await ask(page, sample('rust-121.jpg'))).label).not.toBe('')
    network.blobPace = undefined
    await go(page, '#/')
    await page.getByTestId('stop-pack').waitFor({ state: 'detached' })
    expect(await page.getByTestId('update-pack').count()).toBe(0)
    // Held chunks between two changed ones may come along where that is cheaper than another request.
    expect(blobBytes(network)).toBeGreaterThanOrEqual(changed)
    expect(blobBytes(network)).toBeLessThanOrEqual(changed + 8192)
    await ask(page, sample('healthy-1.jpg'))
    await expect.poll(async () => (await field.hub.records()).length).toBe(2)
    const versions = (await field.hub.records()).map(({ body }) => (body as { pack: { version: string } }).pack.version)
    expect(versions).toEqual(['1.0.0', '1.1.0'])
  })
})

describe('a pack from hand to hand', () => {
  let from: Field
  let to: Field
  let file: string
  beforeAll(async () => {
    ;[from, to] = await Promise.all([createField(), createField()])
  })
  afterAll(() => Promise.all([from?.close(), to?.close()]))

  it('leaves one phone as a file', async () => {
    const { page } = from
    await controlled(page)
    await installPack(page)
    await go(page, '#/packs')
    const coming = page.waitForEvent('download')
    await page.getByTestId('share-pack').click()
    const download = await coming
    expect(download.suggestedFilename()).toMatch(/^coffee-leaf-.+\.jikopack$/)
    file = await download.path()
  })

  it('and answers on another that has no network; a damaged one is refused there', async () => {
    const { page, network } = to
    await complete(page)
    await network.cut()
    await page.reload()
    await go(page, '#/packs')
    const bytes = await readFile(file)
    const damaged = Buffer.from(bytes)
    damaged[damaged.length - 9] = (damaged[damaged.length - 9] ?? 0) ^ 1
    const input = page.getByTestId('import-pack')
    await input.setInputFiles({ name: 'leaf.jikopack', mimeType: '', buffer: damaged })
    await page.getByTestId('failure').waitFor()
    expect(await page.getByTestId('failure').getAttribute('data-code')).toBe('pack/corrupt')
    expect(await page.getByTestId(`installed-${PACK}`).getByTestId('share-pack').count()).toBe(0)
    await input.setInputFiles({ name: 'leaf.jikopack', mimeType: '', buffer: bytes })
    await page.getByTestId('share-pack').waitFor()
    expect((await ask(page, sample('rust-121.jpg'))).label).not.toBe('')
  })
})
