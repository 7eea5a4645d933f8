import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, complete, createField, type Field, go, installPack, sample } from '../helpers/field-app.ts'

declare const start: { seen: string[] }

/** What the next page of this tab finds: a database that never opens, or fails to. */
const withDatabase = (page: Page, what: 'never' | 'fails' | 'opens'): Promise<unknown> =>
  page.evaluate((how) => localStorage.setItem('test-database', how), what)

/** Told in order: the app is opened again and again on what the phone has kept. */
describe('the app, opened again without a network', () => {
  let field: Field
  let page: Page

  beforeAll(async () => {
    field = await createField()
    page = field.page
    await page.addInitScript(() => {
      const how = localStorage.getItem('test-database')
      const open = IDBFactory.prototype.open
      IDBFactory.prototype.open = function (...given) {
        if (how === 'fails') throw new DOMException('the disk is broken', 'UnknownError')
        const request = open.apply(this, given)
        // First in line: nobody behind it hears anything.
        const silence = (event: Event): void => event.stopImmediatePropagation()
        if (how === 'never') for (const type of ['success', 'error', 'blocked']) request.addEventListener(type, silence)
        return request
      }
      const seen: string[] = []
      new MutationObserver(() => {
        for (const what of ['pack-coffee-leaf', 'gate-pin', 'failure'])
          if (!seen.includes(what) && document.querySelector(`[data-testid="${what}"]`)) seen.push(what)
      }).observe(document, { childList: true, subtree: true })
      Object.assign(window, { start: { seen } })
    })
    await installPack(page)
    await ask(page, sample('rust-121.jpg'))
    await complete(page)
    await field.network.cut()
    await page.goto(field.network.url)
    // Read whole: what is kept of this start is what the next one draws.
    await page.getByTestId('record').first().waitFor()
  })
  afterAll(() => field?.close())

  it('draws home as it was, before its database is there', async () => {
    await withDatabase(page, 'never')
    await page.reload()
    await page.getByTestId('pack-coffee-leaf').getByTestId('photo-input').waitFor({ state: 'attached' })
    expect(await page.getByTestId('record').count()).toBe(0)
    await withDatabase(page, 'opens')
    await page.reload()
    await page.getByTestId('record').first().waitFor()
  })

  it('begins with classic scripts, whose compiled code browsers keep', async () => {
    // That Chromium does is printed by `npm run bench -- app`; a module's it would not.
    const types = await page.evaluate(() => [...document.scripts].map(({ type, src }) => type || new URL(src).pathname))
    expect(types).toEqual(['both', 'page', 'index'].map((name) => expect.stringMatching(`/assets/${name}-[^/]+\\.js$`)))
  })

  it('says so when the database cannot be opened, whatever was drawn before', async () => {
    await withDatabase(page, 'fails')
    await page.reload()
    await page.getByTestId('failure').waitFor()
    expect(await page.getByTestId('pack-coffee-leaf').count()).toBe(0)
    await withDatabase(page, 'opens')
    await page.reload()
    await page.getByTestId('record').first().waitFor()
  })

  it('draws nothing before a PIN that was set has been asked for', async () => {
    await go(page, '#/lock')
    await page.getByTestId('lock-next').fill('2468')
    await page.locator('[data-testid="lock"] button[type="submit"]').click()
    await page.locator('[data-testid="lock"][data-set="true"]').waitFor()
    await page.goto(field.network.url)
    await page.getByTestId('gate-pin').waitFor()
    expect(await page.evaluate(() => start.seen)).toEqual(['gate-pin'])
    await page.getByTestId('gate-pin').fill('2468')
    await page.getByTestId('gate-open').click()
    await page.getByTestId('pack-coffee-leaf').waitFor()
    // Open for whoever knew the PIN, and closed again the next time.
    await page.reload()
    await page.getByTestId('gate-pin').waitFor()
    expect(await page.evaluate(() => start.seen)).toEqual(['gate-pin'])
  })
})
