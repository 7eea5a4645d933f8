import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngines } from '../../src/cli/engines.ts'
import { writePack } from '../../src/cli/pack/write-pack.ts'
import { loadReleaseKey } from '../../src/cli/release-key.ts'
import { sha256Hex } from '../../src/lib/sha256.ts'
import { blobPath } from '../../src/protocol/hub.ts'
import type { ResultBody } from '../../src/protocol/record.ts'
import { asPng, brightPack, STRIPES_FINDER, stripedPicture } from '../helpers/face-packs.ts'
import { ask, createField, type Field, installPack, sendNow } from '../helpers/field-app.ts'
import { buildReal } from '../helpers/real-packs.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

const PACK = 'bright-hidden'
const SOON = { timeout: 60_000 }

/** No two are the same, whatever is made of them. */
async function shot(number: number): Promise<{ name: string; mimeType: string; buffer: Buffer }> {
  const png = await asPng(stripedPicture(320 + 8 * number, 240))
  return { name: `${number}.png`, mimeType: 'image/png', buffer: Buffer.from(png) }
}

describe('a photo in which faces were hidden, on a live link', () => {
  let field: Field
  beforeAll(async () => {
    const packs = temporaryFolder()
    const [{ signer }, engines] = [await loadReleaseKey(), createEngines()]
    await writePack(packs, await buildReal(STRIPES_FINDER, engines, signer))
    await writePack(packs, await brightPack(PACK, { blurFaces: STRIPES_FINDER.name }, engines, signer))
    field = await createField({ packs })
    await installPack(field.page, PACK)
  })
  afterAll(() => field?.close())

  /** Results at the hub, oldest first. */
  async function results(): Promise<ResultBody[]> {
    // Of what was erased the hub has no body.
    const bodies = (await field.hub.records()).flatMap(({ body }) => (body ? [body as ResultBody] : []))
    return bodies.filter(({ kind }) => kind === 'result').sort((a, b) => a.at.wall - b.at.wall)
  }
  const arrived = (count: number): Promise<void> => expect.poll(async () => (await results()).length, SOON).toBe(count)
  const photosOf = (body: ResultBody | undefined): string[] => (body?.attachments ?? []).map(({ sha256 }) => sha256)
  /** Whether the hub was told or asked anything of these, by a page or by what sends when there is none. */
  const spokenOf = (photos: readonly string[]): boolean =>
    field.network.seen.some(({ path }) => photos.some((sha256) => path.includes(sha256)))
  /** Those that the hub has, whole. */
  async function whole(photos: readonly string[]): Promise<string[]> {
    const found: string[] = []
    for (const sha256 of photos) {
      const response = await fetch(`${field.hub.url}${blobPath('default', sha256)}`)
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (response.ok && (await sha256Hex(bytes)) === sha256) found.push(sha256)
    }
    return found
  }
  const syncs = (): number => field.network.seen.filter(({ path }) => path.endsWith('/sync')).length
  /** Sends once more, as when a network comes back, until nothing is under way. */
  async function tryAgain(page: Page): Promise<void> {
    const before = syncs()
    await page.evaluate(() => window.dispatchEvent(new Event('online')))
    await expect.poll(syncs, SOON).toBeGreaterThan(before)
    await page.locator('[data-testid=sync-state][data-running=false]').waitFor(SOON)
  }
  const allSent = (page: Page): Promise<void> =>
    page.locator('[data-testid=sync-state][data-state=final]').waitFor(SOON)

  it('stays while its answer is on screen, and its record does not; it is sent when the person goes on', async () => {
    const { page } = field
    await ask(page, await shot(0), PACK)
    await page.locator('[data-testid=faces][data-hidden="1"]').waitFor()
    await arrived(1)
    const photos = photosOf((await results())[0])
    expect(photos).toHaveLength(2)
    await tryAgain(page)
    expect([spokenOf(photos), await whole(photos)]).toEqual([false, []])
    // Not "all sent": it is only here.
    expect(await page.getByTestId('sync-state').getAttribute('data-state')).toBe('local')
    await page.getByTestId('nav-home').click()
    await expect.poll(() => whole(photos), SOON).toEqual(photos)
    await allSent(page)
  })

  it('that is taken away on that screen was never sent', async () => {
    const { page } = field
    await ask(page, await shot(1), PACK)
    await arrived(2)
    const photos = photosOf((await results())[1])
    expect(photos).toHaveLength(2)
    await page.getByTestId('face-left').click()
    await page.getByTestId('face-remove').click()
    await page.getByTestId('photo-removed').waitFor()
    await page.getByTestId('nav-home').click()
    await allSent(page)
    const left = await results()
    expect(left.map(({ faces }) => faces?.unkept)).toEqual([undefined, 'person'])
    expect([spokenOf(photos), await whole(photos)]).toEqual([false, []])
  })

  it('one of many waits until the person leaves them, not while one of them is looked at', async () => {
    const { page } = field
    await page
      .getByTestId('photo-choose')
      .first()
      .setInputFiles([await shot(2), await shot(3)])
    await page.locator('[data-testid=batch][data-state=done][data-done="2"]').waitFor(SOON)
    await arrived(4)
    const photos = (await results()).slice(2).flatMap(photosOf)
    expect(photos).toHaveLength(4)
    await page.getByTestId('record').first().click()
    await page.getByTestId('faces').waitFor()
    await tryAgain(page)
    await page.goBack()
    await page.getByTestId('batch').waitFor()
    expect([spokenOf(photos), await whole(photos)]).toEqual([false, []])
    await page.getByTestId('nav-home').click()
    await expect.poll(() => whole(photos), SOON).toEqual(photos)
    await allSent(page)
  })

  it('whose page went away over it waits, is said to, and is not sent by "send now": it is looked at first', async () => {
    await ask(field.page, await shot(4), PACK)
    await arrived(5)
    const photos = photosOf((await results())[4])
    const page = await field.context.newPage()
    await field.page.close()
    field.page = page
    await page.goto(field.network.url)
    await sendNow(page)
    await tryAgain(page)
    await page.locator('[data-testid=unseen][data-count="1"]').waitFor()
    expect([spokenOf(photos), await whole(photos)]).toEqual([false, []])
    await page.getByTestId('unseen-look').click()
    await page.getByTestId('faces').waitFor()
    await page.goBack()
    await expect.poll(() => whole(photos), SOON).toEqual(photos)
    await page.getByTestId('unseen').waitFor({ state: 'detached' })
    await allSent(page)
  })

  it('goes unseen when a person says so', async () => {
    await ask(field.page, await shot(5), PACK)
    await arrived(6)
    const photos = photosOf((await results())[5])
    const page = await field.context.newPage()
    await field.page.close()
    field.page = page
    await page.goto(`${field.network.url}/#/sync`)
    await page.getByTestId('unseen-send').click()
    await expect.poll(() => whole(photos), SOON).toEqual(photos)
    await allSent(page)
  })
})
