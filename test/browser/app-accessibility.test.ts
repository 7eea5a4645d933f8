import { readFile } from 'node:fs/promises'
import type { AxeResults } from 'axe-core'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type AppScreen, choose, enter, enterAgain, HISTORY, SCREENS } from '../helpers/app-screens.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { PSEUDO } from '../helpers/fake-app/options.ts'
import { type FakeApp, serveFakeApp } from '../helpers/fake-app.ts'
import { brokenWords, misfits, untranslated } from '../helpers/look-over.ts'

const LANGUAGES = ['en', 'fr', 'pt', 'es', 'sw', 'ha', 'am', 'ar', 'hi']

interface Look {
  language: string
  theme?: 'light' | 'dark' | 'sunlight'
  textSize?: 1 | 2
}

/** Higher than any page: what the standing bar covers just now would count as too small a target. */
const TALL = 6000

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

describe('every screen of the app', () => {
  let app: FakeApp
  let context: BrowserContext
  let profile: string
  let axe: string
  beforeAll(async () => {
    app = await serveFakeApp()
    ;({ context, profile } = await openProfile({ width: 320, height: 640 }))
    axe = await readFile('node_modules/axe-core/axe.min.js', 'utf8')
  })
  afterEach(async () => {
    // What one left, a draft or a list of packs, is not the next one's; nor is its page, where it failed.
    for (const page of context.pages().slice(1)) {
      await page.evaluate(async () => {
        localStorage.clear()
        for (const name of await caches.keys()) await caches.delete(name)
        const root = await navigator.storage.getDirectory()
        for await (const name of root.keys()) await root.removeEntry(name, { recursive: true }).catch(() => undefined)
      })
      await page.close()
    }
  })
  afterAll(async () => {
    await context?.close()
    await deleteProfile(profile)
    await app?.close()
  })

  async function open(screen: AppScreen, tall = true): Promise<Page> {
    const page = await context.newPage()
    await page.addInitScript(() => localStorage.removeItem('jiko-preferences'))
    if (tall) await page.setViewportSize({ width: 320, height: TALL })
    await enter(page, app.url({ ...screen.options, pseudo: true }, screen.hash), screen)
    return page
  }

  /** As if it were chosen in another tab: the page stays, and what it shows is drawn anew. */
  async function look(page: Page, { language, theme = 'light', textSize = 1 }: Look, screen: AppScreen): Promise<void> {
    const changed = await page.evaluate(
      async ([key, value, wanted]) => {
        const html = document.documentElement
        const other = html.lang !== wanted
        // What was said in the language before is not said again.
        if (other) document.querySelector('[role=status]')?.replaceChildren()
        localStorage.setItem(key, value)
        dispatchEvent(new StorageEvent('storage', { key }))
        const frame = () => new Promise((done) => requestAnimationFrame(done))
        while (html.lang !== wanted) await frame()
        await frame()
        await frame()
        return other
      },
      ['jiko-preferences', JSON.stringify({ language, theme, textSize }), language] as const,
    )
    if (changed) await enterAgain(page, screen)
  }

  /** @param of colours alone, which languages do not change, or of all else, which themes do not */
  async function violations(page: Page, of: 'colours' | 'all else'): Promise<string[]> {
    // By the protocol, not by a script element: the page's own content security policy stands.
    if (!(await page.evaluate("'axe' in window"))) await page.evaluate(`${axe}; undefined`)
    const options =
      of === 'colours'
        ? { runOnly: { type: 'rule', values: ['color-contrast'] } }
        : { runOnly: RULES, rules: { 'color-contrast': { enabled: false } } }
    const results = await page.evaluate<AxeResults>(`axe.run(${JSON.stringify(options)})`)
    expect(results.passes.length).toBeGreaterThanOrEqual(of === 'colours' ? 1 : 10)
    return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
  }

  it.each(SCREENS)('$name: axe finds nothing, nothing is untranslated, all fits 320 px', async (screen) => {
    const page = await open(screen)
    const problems: string[] = []
    const note = (where: string, found: readonly string[]): void => {
      problems.push(...found.map((problem) => `${where}: ${problem}`))
    }
    for (const theme of ['light', 'dark', 'sunlight'] as const) {
      await look(page, { language: 'en', theme }, screen)
      note(theme, await violations(page, 'colours'))
    }
    for (const language of [...LANGUAGES, PSEUDO]) {
      // At noon, where letters are heaviest and so widest.
      await look(page, { language, theme: 'sunlight' }, screen)
      note(language, [...(await violations(page, 'all else')), ...(await misfits(page))])
      if (language !== PSEUDO) note(language, await brokenWords(page))
      if (language === PSEUDO) note(language, await untranslated(page, screen))
      await look(page, { language, theme: 'sunlight', textSize: 2 }, screen)
      note(`${language}, twice the size`, await misfits(page))
    }
    note('twice the size', await violations(page, 'all else'))
    expect(problems).toEqual([])
  })

  it('is looked over so that what is wrong is found', async () => {
    const page = await open({ name: '', options: { installed: true }, hash: '#/about', shows: 'nav-home' })
    await page.evaluate(() => {
      const put = (text: string, style: string, tag = 'p'): void => {
        const element = document.createElement(tag)
        element.textContent = text
        element.style.cssText = style
        document.querySelector('main')?.append(element)
      }
      put('⟦Cut off⟧', 'white-space: nowrap; overflow: hidden; width: 30px')
      put('⟦Beside the screen⟧', 'position: absolute; right: -30px; white-space: nowrap')
      put('⟦Out of its button⟧', 'white-space: nowrap; width: 60px; height: 48px', 'button')
      put('⟦Broken ⟧', 'width: 30px')
      put('⟦Pale⟧', 'color: #ccc; background: #ddd')
      put('Forgotten', '')
    })
    expect((await misfits(page)).join()).toMatch(
      /wider.*"⟦Cut off⟧" is \d+ px out.*beside the screen.*Out of its button⟧" is \d+ px out/,
    )
    expect((await brokenWords(page)).join()).toContain('"⟦Broken" is broken')
    expect(await untranslated(page, { options: {} })).toContain('Forgotten')
    expect((await violations(page, 'colours')).join()).toContain('Pale')
    await page.evaluate(() => document.querySelector('main button')?.replaceChildren())
    expect((await violations(page, 'all else')).join()).toContain('button-name')
    await page.close()
  })

  it('moves the focus to the heading of the next screen, and goes back where it came from', async () => {
    const page = await open({ name: '', options: { installed: true, history: HISTORY }, shows: 'record' })
    const focused = (): Promise<string | undefined> =>
      // The heading, not the link of the same name: only then the next screen is there.
      page.evaluate(() => document.querySelector('h1:focus')?.textContent ?? undefined)
    await page.getByTestId('nav-history').press('Enter')
    await expect.poll(focused).toBe('Answers')
    await page.locator('[data-testid=record] a').first().press('Enter')
    await expect.poll(focused).toBe('Coffee leaf check')
    await page.goBack()
    await expect.poll(focused).toBe('Answers')
    await page.close()
  })

  it('announces the answer', async () => {
    const page = await open({ name: '', options: { installed: true }, act: choose, shows: 'answer' })
    await expect.poll(() => page.getByRole('status').textContent()).toBe('Leaf rust. Very sure. Saved on this phone.')
    await page.close()
  })

  it('keeps a chosen photo when the page is killed, and takes it up again', async () => {
    const forever = { name: '', options: { installed: true, delay: 'forever' }, act: choose, shows: 'working' } as const
    const killed = await open(forever)
    const kept = (): Promise<boolean> =>
      killed.evaluate(async () => {
        try {
          const root = await navigator.storage.getDirectory()
          const meta = await (await root.getDirectoryHandle('jiko-draft')).getFileHandle('meta.json')
          // There, but empty, until it is closed.
          return (await meta.getFile()).size > 0
        } catch {
          return false
        }
      })
    await expect.poll(kept).toBe(true)
    await killed.close()
    const page = await open({ name: '', options: { installed: true }, shows: 'kept-photo' })
    await page.getByTestId('kept-photo').click()
    await page.getByTestId('kept-use').click()
    await page.getByTestId('answer').waitFor()
    await page.reload()
    expect(await page.getByTestId('kept-photo').count()).toBe(0)
    await page.close()
  })
})
