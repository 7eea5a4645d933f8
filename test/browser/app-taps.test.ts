import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { choose, HISTORY } from '../helpers/app-screens.ts'
import { deleteProfile, openProfile } from '../helpers/chromium.ts'
import { FORM } from '../helpers/fake-app/form.ts'
import type { FakePageOptions } from '../helpers/fake-app/options.ts'
import { type FakeApp, serveFakeApp } from '../helpers/fake-app.ts'
import { LESSON } from '../helpers/fake-teach.ts'

/** One touch: of what has this test id, or a choice of files, which is one touch of ours and then the phone's own screen. */
type Tap = string | ((page: Page) => Promise<unknown>)

const write =
  (testid: string, text: string, then: string) =>
  async (page: Page): Promise<void> => {
    // Writing is no tap; the field has the focus or is what a person came for.
    await page.getByTestId(testid).fill(text)
    await page.getByTestId(then).click()
  }

/** Whatever the app is for: how a person gets there from home, and what says that they are there. */
const TASKS: readonly { name: string; options?: FakePageOptions; taps: readonly Tap[]; done: string }[] = [
  { name: 'ask about a photo', taps: [choose], done: 'answer' },
  {
    name: 'ask about what is in the frame',
    taps: ['open-task', 'sight-open', (page) => page.locator('[data-testid=sight-take]:enabled').click()],
    done: 'answer',
  },
  { name: 'ask with the voice', options: { takes: 'audio' }, taps: ['listen'], done: 'answer' },
  {
    name: 'ask about a text',
    options: { takes: 'text' },
    taps: ['write', write('text-input', 'Habari', 'text-send')],
    done: 'answer',
  },
  {
    name: 'ask about many photos',
    taps: [
      (page) =>
        page
          .getByTestId('photo-choose')
          .setInputFiles(['rust-121', 'rust-122'].map((name) => `models/coffee-leaf/samples/${name}.jpg`)),
    ],
    done: 'batch-sure',
  },
  { name: 'get a task', options: { installed: false }, taps: ['install-pack'], done: 'photo-input' },
  { name: 'see one answer', taps: ['record'], done: 'answer' },
  { name: 'correct an answer', taps: ['record', 'correct', 'correct-healthy'], done: 'answer' },
  { name: 'write a note', taps: ['record', 'note', write('note-text', 'By the river', 'note-save')], done: 'notes' },
  {
    name: 'fill in a form',
    options: { form: FORM },
    taps: [choose, 'shade-yes', write('question-trees', '3', 'form-save')],
    done: 'form-open',
  },
  { name: 'look for an answer', taps: ['nav-history', 'find-more'], done: 'find-day' },
  { name: 'see where it was', taps: ['nav-history', 'open-map'], done: 'place-map' },
  { name: 'send', taps: ['nav-sync', 'send-now'], done: 'sync-final' },
  { name: 'see what data was used', taps: ['nav-sync'], done: 'data-today' },
  { name: 'limit the data', taps: ['nav-settings', 'nav-packs', 'budget-day-1000000'], done: 'data-use' },
  { name: 'share a task', taps: ['nav-settings', 'nav-packs', 'share-pack'], done: 'data-use' },
  { name: 'choose a language', taps: ['nav-settings', 'language-sw'], done: 'language-sw' },
  { name: 'choose a theme', taps: ['nav-settings', 'theme-sunlight'], done: 'theme-sunlight' },
  { name: 'choose the size of the text', taps: ['nav-settings', 'text-size-2'], done: 'text-size-2' },
  { name: 'keep the place', taps: ['nav-settings', 'place-on'], done: 'place-state' },
  {
    name: 'say who uses the phone',
    options: { people: ['Asha'] },
    taps: ['nav-settings', 'nav-people', 'person-Asha'],
    done: 'person-add',
  },
  {
    name: 'lock the app',
    taps: ['nav-settings', 'nav-lock', write('lock-next', '2468', 'lock-set')],
    done: 'lock-clear',
  },
  { name: 'see what runs a task', taps: ['nav-settings', 'nav-device'], done: 'measure-again' },
  {
    name: 'begin a lesson',
    taps: ['nav-settings', 'nav-teach', write('lesson-name', 'Pests', 'lesson-add')],
    done: 'kind-name',
  },
  {
    name: 'go on with a lesson',
    options: { lessons: [LESSON] },
    taps: ['nav-settings', 'nav-teach', 'lesson-row'],
    done: 'learnt',
  },
  { name: 'learn how it works', taps: ['nav-settings', 'nav-how'], done: 'how-map' },
  { name: 'read who made it', taps: ['nav-settings', 'nav-about'], done: 'sync-state' },
]

describe('from home, on 320 px', () => {
  let app: FakeApp
  let context: BrowserContext
  let profile: string
  beforeAll(async () => {
    app = await serveFakeApp()
    ;({ context, profile } = await openProfile({
      width: 320,
      height: 640,
      flags: ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    }))
    await context.addInitScript(() => localStorage.clear())
  })
  afterAll(async () => {
    await context?.close()
    await deleteProfile(profile)
    await app?.close()
  })

  it.each(TASKS)('$name takes at most three taps', async ({ options, taps, done }) => {
    expect(taps.length).toBeLessThanOrEqual(3)
    const page = await context.newPage()
    await page.goto(app.url({ installed: true, history: HISTORY, ...options }))
    for (const tap of taps) {
      if (typeof tap === 'string') await page.getByTestId(tap).first().click()
      else await tap(page)
    }
    await page.getByTestId(done).first().waitFor({ state: 'attached' })
    await page.close()
  })

  it('the camera of the frame is off as soon as its screen is left, and has no light where the phone has none', async () => {
    const page = await context.newPage()
    await page.addInitScript(() => {
      const { getUserMedia } = MediaDevices.prototype
      const streams: MediaStream[] = []
      MediaDevices.prototype.getUserMedia = async function (constraints) {
        const stream = await getUserMedia.call(this, constraints)
        streams.push(stream)
        return stream
      }
      Object.assign(window, { camerasOn: () => streams.filter(({ active }) => active).length })
    })
    await page.goto(app.url({ installed: true }, '#/capture/coffee-leaf'))
    const on = () => page.evaluate<number>('camerasOn()')
    await page.getByTestId('sight-open').click()
    await page.locator('[data-testid=sight-take]:enabled').waitFor()
    expect([await on(), await page.getByTestId('sight-light').count()]).toEqual([1, 0])
    await page.getByTestId('sight-close').click()
    await expect.poll(on).toBe(0)
    await page.getByTestId('sight-open').click()
    await page.locator('[data-testid=sight-take]:enabled').waitFor()
    await page.screenshot({ path: 'dist/sight.png' })
    await page.getByTestId('nav-history').click()
    await expect.poll(on).toBe(0)
    await page.close()
  })
})
