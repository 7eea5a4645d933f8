import { readFile } from 'node:fs/promises'
import type { AxeResults } from 'axe-core'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { FORM } from '../helpers/fake-app/form.ts'
import type { FakePageOptions } from '../helpers/fake-app/options.ts'
import { type FakeApp, serveFakeApp } from '../helpers/fake-app.ts'
import { LESSON } from '../helpers/fake-teach.ts'

const PHOTO = 'models/coffee-leaf/samples/rust-121.jpg'
const HISTORY: FakePageOptions['history'] = [
  { label: 'rust', score: 0.97, state: 'local', photo: '/samples/rust-121.jpg' },
  { label: 'healthy', score: 0.4, state: 'held', place: { latitude: -1.3, longitude: 36.8 } },
  { label: 'leaf_miner', score: 0.61, state: 'final', corrected: 'rust' },
]
const choose = (page: Page): Promise<void> => page.getByTestId('photo-input').first().setInputFiles(PHOTO)

/** Every screen in every state it can be found in, by the test id that says it is there. */
const SCREENS: readonly {
  name: string
  options: FakePageOptions
  hash?: string
  act?: (page: Page) => Promise<unknown>
  shows: string
}[] = [
  { name: 'first visit', options: {}, shows: 'install-pack' },
  {
    name: 'download',
    options: { delay: 'forever' },
    act: (page) => page.getByTestId('install-pack').click(),
    shows: 'pack-coffee-leaf',
  },
  {
    name: 'failed download',
    options: { installError: 'download/offline' },
    act: (page) => page.getByTestId('install-pack').click(),
    shows: 'failure',
  },
  {
    name: 'home with answers and an update',
    options: { installed: true, history: HISTORY, update: true },
    shows: 'update-banner',
  },
  { name: 'capture', options: { installed: true }, hash: '#/capture/coffee-leaf', shows: 'photo-input' },
  { name: 'working', options: { installed: true, delay: 'forever' }, act: choose, shows: 'working' },
  { name: 'answer', options: { installed: true }, act: choose, shows: 'answer' },
  {
    name: 'not sure',
    options: { installed: true, answer: { label: 'rust', score: 0.4 } },
    act: choose,
    shows: 'answer',
  },
  {
    name: 'correction',
    options: { installed: true },
    act: async (page) => {
      await choose(page)
      await page.getByTestId('correct').click()
    },
    shows: 'correct-rust',
  },
  { name: 'failed photo', options: { installed: true, runError: 'input/not-an-image' }, act: choose, shows: 'failure' },
  { name: 'history', options: { installed: true, history: HISTORY }, hash: '#/history', shows: 'record' },
  {
    name: 'looking in the history',
    options: { installed: true, history: HISTORY },
    hash: '#/history',
    act: async (page) => {
      await page.getByTestId('find-more').click()
      await page.getByTestId('find-state').selectOption('held')
      await page.getByTestId('open-map').click()
    },
    shows: 'find-clear',
  },
  {
    name: 'many photos',
    options: { installed: true, answer: { label: 'rust', score: 0.4 } },
    act: (page) => page.getByTestId('photo-choose').setInputFiles([PHOTO, PHOTO]),
    shows: 'batch-unsure',
  },
  {
    name: 'many photos under way',
    options: { installed: true, delay: 'forever' },
    act: (page) => page.getByTestId('photo-choose').setInputFiles([PHOTO, PHOTO]),
    shows: 'batch-stop',
  },
  {
    name: 'a form',
    options: { installed: true, form: FORM },
    act: async (page) => {
      await choose(page)
      await page.getByTestId('shade-yes').check()
      await page.getByTestId('form-save').click()
    },
    shows: 'question-kind',
  },
  {
    name: 'a note',
    options: { installed: true, history: HISTORY },
    hash: '#/record/abcdefghijklmnop/3',
    act: (page) => page.getByTestId('note').click(),
    shows: 'note-save',
  },
  { name: 'empty history', options: { installed: true }, hash: '#/history', shows: 'sync-state' },
  { name: 'sending', options: { history: HISTORY, syncError: 'sync/offline' }, hash: '#/sync', shows: 'send-now' },
  { name: 'settings', options: { installed: true }, hash: '#/settings', shows: 'nav-about' },
  {
    name: 'people',
    options: { installed: true, people: ['Asha', 'Juma*'] },
    hash: '#/people',
    act: (page) => page.getByTestId('person-Juma').click(),
    shows: 'person-pin',
  },
  { name: 'the lock', options: { installed: true }, hash: '#/lock', shows: 'lock-set' },
  {
    name: 'a locked app',
    options: { installed: true, lock: '2468', history: HISTORY },
    act: async (page) => {
      await page.getByTestId('gate-forgotten').click()
      await page.getByTestId('gate-pin').fill('1111')
      await page.getByTestId('gate-open').click()
    },
    shows: 'pin-refused',
  },
  { name: 'packs', options: { installed: true }, hash: '#/packs', shows: 'data-use' },
  {
    name: 'a newer version',
    options: { installed: true, pack: { update: { version: '1.1.0', bytes: 70_000, begun: false } } },
    shows: 'update-pack',
  },
  { name: 'a lost pack', options: { pack: { gone: 'lost' } }, shows: 'pack-gone' },
  { name: 'teach', options: { installed: true, lessons: [LESSON] }, hash: '#/teach', shows: 'lesson-row' },
  { name: 'nothing to teach from', options: {}, hash: '#/teach', shows: 'nav-home' },
  { name: 'a lesson', options: { installed: true, lessons: [LESSON] }, hash: `#/lesson/${LESSON.id}`, shows: 'learnt' },
  {
    name: 'how it works',
    options: { installed: true, pack: { name: 'tiny-writer' } },
    hash: '#/how',
    act: async (page) => {
      await page.getByTestId('how-text').fill('all human')
      await page.getByTestId('how-look').click()
      await page.getByTestId('looks-back').waitFor()
    },
    shows: 'how-map',
  },
  { name: 'about', options: {}, hash: '#/about', shows: 'nav-home' },
]

const LOOKS = [
  { language: 'en', theme: 'light', textSize: 1, rtl: false },
  { language: 'sw', theme: 'dark', textSize: 2, rtl: false },
  { language: 'sw', theme: 'sunlight', textSize: 1, rtl: true },
] as const

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
  afterAll(async () => {
    await context?.close()
    await deleteProfile(profile)
    await app?.close()
  })

  async function open(
    look: (typeof LOOKS)[number],
    { options, hash, act, shows }: (typeof SCREENS)[number],
  ): Promise<Page> {
    const page = await context.newPage()
    await page.addInitScript((text) => localStorage.setItem('jiko-preferences', text), JSON.stringify(look))
    await page.goto(app.url(options, hash))
    await act?.(page)
    // A screen in a file of its own takes a moment.
    await page.getByRole('heading', { level: 1 }).waitFor()
    await page.getByTestId(shows).first().waitFor({ state: 'attached' })
    if (look.rtl) await page.evaluate(() => document.documentElement.setAttribute('dir', 'rtl'))
    return page
  }

  describe.each(LOOKS)('in $language, $theme, text x $textSize, rtl $rtl', (look) => {
    it.each(SCREENS)('$name: axe finds nothing, it fits 320 px, and targets are large', async (screen) => {
      const page = await open(look, screen)
      // As tall as the page: what the standing bar covers just now would count as too small a target.
      const height = await page.evaluate(() => document.documentElement.scrollHeight)
      await page.setViewportSize({ width: 320, height })
      // By the protocol, not by a script element: the page's own content security policy stands.
      await page.evaluate(`${axe}; undefined`)
      const results = await page.evaluate<AxeResults>(
        "axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
      )
      expect(results.passes.length).toBeGreaterThan(10)
      expect(results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([])

      const layout = await page.evaluate(() => ({
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
        small: [...document.querySelectorAll<HTMLElement>('a, button:not(.skip), label')]
          .filter((target) => target.getClientRects().length > 0)
          .map((target) => ({ text: target.outerHTML.slice(0, 80), box: target.getBoundingClientRect() }))
          .filter(({ box }) => box.width < 48 || box.height < 48)
          .map(({ text, box }) => `${Math.round(box.width)}x${Math.round(box.height)} ${text}`),
      }))
      expect(layout).toEqual({ overflow: 0, small: [] })
      await page.close()
    })
  })

  it('moves the focus to the heading of the next screen, and goes back where it came from', async () => {
    const page = await open(LOOKS[0], { name: '', options: { installed: true, history: HISTORY }, shows: 'record' })
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
    const page = await open(LOOKS[0], { name: '', options: { installed: true }, act: choose, shows: 'answer' })
    await expect.poll(() => page.getByRole('status').textContent()).toBe('Leaf rust. Very sure. Saved on this phone.')
    await page.close()
  })

  it('keeps a chosen photo when the page is killed, and takes it up again', async () => {
    const forever = { name: '', options: { installed: true, delay: 'forever' }, act: choose, shows: 'working' } as const
    const killed = await open(LOOKS[0], forever)
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
    const page = await open(LOOKS[0], { name: '', options: { installed: true }, shows: 'kept-photo' })
    await page.getByTestId('kept-photo').click()
    await page.getByTestId('kept-use').click()
    await page.getByTestId('answer').waitFor()
    await page.reload()
    expect(await page.getByTestId('kept-photo').count()).toBe(0)
    await page.close()
  })
})
