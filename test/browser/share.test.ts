import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { complete, createField, type Field, history, installPack, sample } from '../helpers/field-app.ts'
import { copyPacks } from '../helpers/pack-versions.ts'
import { temporaryFolder } from '../helpers/temporary-folder.ts'

/** As the system does it: a form that is posted to the app, of which a navigation comes. */
async function share(page: Page, field: 'media' | 'text', value: string | readonly string[]): Promise<void> {
  await page.evaluate((name) => {
    document.getElementById('shared')?.remove()
    document.body.insertAdjacentHTML(
      'beforeend',
      `<form id="shared" method="post" enctype="multipart/form-data" action="./share"><input name="${name}" ${name === 'text' ? '' : 'type="file" multiple'}></form>`,
    )
  }, field)
  const input = page.locator('#shared input')
  await (typeof value === 'string' ? input.fill(value) : input.setInputFiles([...value]))
  await page.evaluate(() => (document.getElementById('shared') as HTMLFormElement).submit())
}

describe('what another app shares, with no network', () => {
  let field: Field
  beforeAll(async () => {
    const packs = temporaryFolder()
    await copyPacks(packs, 'coffee-leaf', 'form-digits')
    field = await createField({ packs, width: 320, height: 568 })
    await installPack(field.page)
    await complete(field.page)
    await field.network.cut()
  })
  afterAll(() => field?.close())

  it('is answered at once by the one task that takes it', async () => {
    const { page } = field
    await share(page, 'media', [sample('rust-121.jpg')])
    await page.getByTestId('answer').waitFor()
    expect(await page.getByTestId('answer').getAttribute('data-label')).toBe('rust')
    await expect.poll(() => page.evaluate(() => caches.has('jiko-shared-v1'))).toBe(false)
  })

  it('is kept from where no task takes it until it is thrown away', async () => {
    const { page } = field
    await share(page, 'text', 'Bei ya kahawa imepanda')
    await page.getByTestId('handed').waitFor()
    expect(await page.getByTestId('for-coffee-leaf').count()).toBe(0)
    // The phone kills the page: it is asked again.
    await page.reload()
    await page.getByTestId('handed-discard').click()
    await page.getByTestId('handed').waitFor({ state: 'detached' })
    await expect.poll(() => page.evaluate(() => caches.has('jiko-shared-v1'))).toBe(false)
  })

  it('waits for a person to say which of several tasks it is for, many photos as a batch', async () => {
    const { page, network } = field
    await network.restore()
    await page.goto(network.url)
    await installPack(page, 'form-digits')
    await network.cut()
    await share(page, 'media', [sample('rust-121.jpg'), sample('healthy-1.jpg')])
    await page.getByTestId('for-form-digits').waitFor()
    await page.getByTestId('for-coffee-leaf').click()
    await page.waitForFunction(() => location.hash === '#/batch')
    await page.waitForSelector('[data-testid="batch"][data-state="done"]')
    expect((await history(page)).map(({ label }) => label).sort()).toEqual(['healthy', 'rust', 'rust'])
  })
})
