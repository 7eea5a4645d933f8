import type { Page } from 'playwright-core'
import { FORM } from './fake-app/form.ts'
import { type FakePageOptions, PSEUDO } from './fake-app/options.ts'
import { LESSON } from './fake-teach.ts'

export const PHOTO = 'models/coffee-leaf/samples/rust-121.jpg'

/** A screen of the app in one of the states it can be found in. */
export interface AppScreen {
  name: string
  options: FakePageOptions
  hash?: string
  /** What a person does to come here; it lasts whatever the language. */
  act?(page: Page): Promise<unknown>
  /** What is lost when the language changes, and done anew. */
  again?(page: Page): Promise<unknown>
  /** What a person has written on the way. */
  typed?: readonly string[]
  /** The test id that says it is there. */
  shows: string
}

const spot = (east: number, north: number) => ({ latitude: -1.28 + north / 100, longitude: 36.8 + east / 100 })
export const HISTORY: NonNullable<FakePageOptions['history']> = [
  { label: 'rust', score: 0.97, state: 'local', photo: '/samples/rust-121.jpg', notes: ['By the river'] },
  { label: 'cercospora', score: 0.41, state: 'local', photo: '/samples/cercospora-55.jpg', place: spot(1, 1) },
  { label: 'healthy', score: 0.88, state: 'held', photo: '/samples/healthy-1.jpg', daysAgo: 1, place: spot(4, 2) },
  { label: 'leaf_miner', score: 0.72, state: 'final', photo: '/samples/leaf_miner-42.jpg', daysAgo: 1 },
  { label: 'leaf_miner', score: 0.61, state: 'final', corrected: 'rust', photo: '/samples/rust-122.jpg', daysAgo: 5 },
  { label: 'healthy', score: 0.99, state: 'final', photo: '/samples/healthy-2.jpg', daysAgo: 9, place: spot(1.1, 1.1) },
]

const MESSAGE = 'Bei ya kahawa imepanda sokoni leo asubuhi.'

export const choose = (page: Page): Promise<void> => page.getByTestId('photo-input').first().setInputFiles(PHOTO)
const chooseMany = (page: Page): Promise<void> =>
  page.getByTestId('photo-choose').setInputFiles([PHOTO, PHOTO.replace('rust-121', 'healthy-1')])
const press =
  (testid: string) =>
  (page: Page): Promise<void> =>
    page.getByTestId(testid).first().click()

const place = (x: number, y: number) => ({ label: 'rust', score: 0.9, x, y, width: 0.2, height: 0.3 })
const FOUND: FakePageOptions['answerAs'] = { kind: 'boxes', sure: true, boxes: [place(0.1, 0.2), place(0.6, 0.4)] }
const UNKNOWN: FakePageOptions['answerAs'] = {
  kind: 'classes',
  known: false,
  label: 'rust',
  score: 0.9,
  sure: false,
  scores: [],
}

/** In every language that a screen may be looked at in. */
const recorded = (state: 'here' | 'away' | 'unreadable'): NonNullable<FakePageOptions['clips']> =>
  Object.fromEntries([PSEUDO, 'en', 'fr', 'pt', 'es', 'sw', 'ha', 'am', 'ar', 'hi'].map((tag) => [tag, state]))

const FINDER = { name: 'face-finder', ready: true, bytes: 0 }

/** As the service worker leaves it for a page. */
async function shareText(page: Page): Promise<void> {
  await page.evaluate(async (text) => {
    const shared = await caches.open('jiko-shared-v1')
    await shared.put('/text-0', new Response(new Blob([text], { type: 'text/plain' })))
  }, MESSAGE)
  await page.reload()
}

/** Every screen in every state it can be found in: for pictures, and for whatever must hold on all of them. */
export const SCREENS: readonly AppScreen[] = [
  { name: 'home-first', options: {}, shows: 'install-pack' },
  { name: 'home-fetching', options: { delay: 'forever' }, act: press('install-pack'), shows: 'stop-pack' },
  {
    name: 'home-failed',
    options: { installError: 'download/offline' },
    act: press('install-pack'),
    shows: 'failure',
  },
  { name: 'home-ready', options: { installed: true, history: HISTORY, update: true }, shows: 'update-banner' },
  {
    name: 'home-newer',
    options: { installed: true, pack: { update: { version: '1.1.0', bytes: 70_000, begun: false } } },
    shows: 'update-pack',
  },
  { name: 'home-handed', options: { installed: true }, act: shareText, shows: 'handed', typed: [MESSAGE] },
  { name: 'home-lost', options: { pack: { gone: 'lost' } }, shows: 'pack-gone' },
  { name: 'capture', options: { installed: true }, hash: '#/capture/coffee-leaf', shows: 'photo-input' },
  {
    name: 'camera-refused',
    options: { installed: true },
    hash: '#/capture/coffee-leaf',
    // Without the browser's own question, which may wait for ever; `app-refusals.test.ts` is refused for real.
    act: (page) =>
      page.evaluate(
        "MediaDevices.prototype.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')); undefined",
      ),
    again: press('sight-open'),
    shows: 'failure',
  },
  { name: 'working', options: { installed: true, delay: 'forever' }, act: choose, shows: 'working' },
  { name: 'answer', options: { installed: true }, act: choose, shows: 'answer' },
  {
    name: 'not-sure',
    options: { installed: true, answer: { label: 'cercospora', score: 0.38 } },
    act: choose,
    shows: 'answer',
  },
  {
    name: 'answer-again',
    options: { installed: true },
    act: async (page) => {
      await choose(page)
      await page.getByTestId('answer').waitFor()
      await choose(page)
    },
    shows: 'asked-before',
  },
  { name: 'answer-clip', options: { installed: true, clips: recorded('here') }, act: choose, shows: 'speak' },
  {
    name: 'answer-clip-away',
    // Where bytes cost money nothing comes by itself.
    options: { installed: true, metered: true, clips: recorded('away') },
    act: choose,
    again: press('clip-get'),
    shows: 'clip-get',
  },
  {
    name: 'answer-clip-coming',
    options: { installed: true, metered: true, clips: recorded('away'), clipDelay: 'forever' },
    act: choose,
    again: async (page) => {
      await page.getByTestId('clip-get').or(page.getByTestId('clip-stop')).waitFor()
      if ((await page.getByTestId('clip-get').count()) === 0) return
      await page.getByTestId('clip-get').click()
      await page.getByTestId('clip-away').getByRole('alert').waitFor()
      await page.getByTestId('clip-get').click()
    },
    shows: 'clip-stop',
  },
  {
    name: 'answer-clip-broken',
    options: { installed: true, clips: recorded('unreadable') },
    act: choose,
    again: press('speak'),
    shows: 'clip-broken',
  },
  { name: 'unknown', options: { installed: true, answerAs: UNKNOWN }, act: choose, shows: 'answer' },
  { name: 'found', options: { installed: true, answerAs: FOUND }, act: choose, shows: 'answer' },
  {
    name: 'correct',
    options: { installed: true },
    act: choose,
    again: press('correct'),
    shows: 'correct-rust',
  },
  {
    name: 'listening',
    options: { installed: true, takes: 'audio', delay: 'forever' },
    act: press('listen'),
    shows: 'listening',
  },
  { name: 'heard', options: { installed: true, takes: 'audio' }, act: press('listen'), shows: 'answer' },
  {
    name: 'deaf',
    options: { installed: true, takes: 'audio', listenError: 'input/microphone-refused' },
    act: press('listen'),
    shows: 'failure',
  },
  {
    name: 'writing',
    options: { installed: true, takes: 'text' },
    hash: '#/capture/coffee-leaf',
    shows: 'text-input',
  },
  {
    name: 'sorted',
    options: { installed: true, takes: 'text' },
    hash: '#/capture/coffee-leaf',
    typed: [MESSAGE],
    act: async (page) => {
      await page.getByTestId('text-input').fill(MESSAGE)
      await page.getByTestId('text-send').click()
    },
    shows: 'answer',
  },
  {
    name: 'form',
    options: { installed: true, form: FORM },
    act: choose,
    again: async (page) => {
      await page.getByTestId('shade-yes').check()
      await page.getByTestId('form-save').click()
    },
    shows: 'question-kind',
  },
  {
    name: 'faces-hidden',
    options: { installed: true, pack: { finder: FINDER }, faces: { hidden: 2 } },
    act: choose,
    again: press('face-left'),
    shows: 'face-remove',
  },
  {
    name: 'faces-unkept',
    options: { installed: true, pack: { finder: { ...FINDER, ready: false } }, faces: { unkept: 'pack/absent' } },
    act: choose,
    shows: 'finder-missing',
  },
  {
    name: 'faces-removed',
    options: { installed: true, faces: { hidden: 0 } },
    act: async (page) => {
      await choose(page)
      await press('face-left')(page)
      await press('face-remove')(page)
    },
    shows: 'photo-removed',
  },
  {
    name: 'faces-along',
    options: { pack: { finder: { ...FINDER, ready: false, bytes: 273_000 } } },
    shows: 'finder-along',
  },
  {
    name: 'faces-update',
    options: {
      installed: true,
      pack: { update: { version: '1.1.0', bytes: 343_000, begun: false, finder: 273_000 } },
    },
    shows: 'finder-along',
  },
  {
    name: 'faces-missing',
    options: {
      installed: true,
      pack: { finder: { ...FINDER, ready: false, bytes: 273_000 } },
      others: [{ name: FINDER.name, bytes: 273_000 }],
    },
    shows: 'get-finder',
  },
  {
    name: 'faces-note',
    options: { installed: true, pack: { finder: FINDER } },
    hash: '#/capture/coffee-leaf',
    shows: 'faces-note',
  },
  {
    name: 'faces-batch',
    options: { installed: true, faces: { unkept: 'pack/absent' } },
    act: chooseMany,
    shows: 'photos-not-kept',
  },
  {
    name: 'faces-form',
    options: { installed: true, form: { ...FORM, blurFaces: FINDER.name }, faces: { hidden: 1 } },
    act: choose,
    again: (page) => page.getByTestId('question-tree').setInputFiles(PHOTO),
    shows: 'form-photo',
  },
  {
    name: 'form-place',
    options: { installed: true, form: FORM },
    act: choose,
    again: async (page) => {
      await page.evaluate('navigator.geolocation.getCurrentPosition = () => undefined; undefined')
      await page.getByTestId('question-spot').click()
    },
    shows: 'question-spot-stop',
  },
  { name: 'failed', options: { installed: true, runError: 'input/not-an-image' }, act: choose, shows: 'failure' },
  { name: 'enrol', options: { installed: true }, hash: '#enrol/default/a/b/sender/c', shows: 'enrol' },
  { name: 'history', options: { installed: true, history: HISTORY }, hash: '#/history', shows: 'record' },
  {
    name: 'history-found',
    options: { installed: true, history: HISTORY },
    hash: '#/history',
    again: async (page) => {
      await page.getByTestId('open-map').click()
      await page.getByTestId('find-more').click()
      await page.getByTestId('find-unsure').check()
    },
    shows: 'find-clear',
  },
  { name: 'history-empty', options: { installed: true }, hash: '#/history', shows: 'sync-state' },
  {
    name: 'note',
    options: { installed: true, history: HISTORY },
    hash: '#/record/abcdefghijklmnop/6',
    again: async (page) => {
      await page.getByTestId('note').click()
      await page.getByTestId('note-text').fill('Mti wa tatu kutoka njia')
    },
    shows: 'note-save',
  },
  {
    name: 'batch',
    options: { installed: true, answer: { label: 'cercospora', score: 0.38 } },
    act: chooseMany,
    shows: 'batch-unsure',
  },
  {
    name: 'batch-running',
    options: { installed: true, delay: 'forever' },
    act: chooseMany,
    shows: 'batch-stop',
  },
  {
    name: 'sync',
    options: { installed: true, history: HISTORY, lastContact: Date.now(), syncError: 'sync/offline' },
    hash: '#/sync',
    shows: 'send-now',
  },
  {
    name: 'sync-done',
    options: { installed: true, history: HISTORY.slice(3), lastContact: Date.now() },
    hash: '#/sync',
    shows: 'send-now',
  },
  {
    name: 'sync-unseen',
    options: {
      installed: true,
      history: HISTORY.slice(2).map((one, i) => ({ ...one, unseen: i < 2 })),
      lastContact: Date.now(),
    },
    hash: '#/sync',
    shows: 'unseen-look',
  },
  { name: 'settings', options: { installed: true }, hash: '#/settings', shows: 'nav-about' },
  { name: 'people', options: { installed: true, people: ['Asha', 'Juma*'] }, hash: '#/people', shows: 'person-add' },
  {
    name: 'people-pin',
    options: { installed: true, people: ['Asha', 'Juma*'] },
    hash: '#/people',
    again: press('person-Juma'),
    shows: 'person-pin',
  },
  { name: 'lock', options: { installed: true }, hash: '#/lock', shows: 'lock-set' },
  {
    name: 'locked',
    options: { installed: true, lock: '2468', history: HISTORY },
    again: async (page) => {
      await page.getByTestId('gate-forgotten').click()
      await page.getByTestId('gate-pin').fill('1111')
      await page.getByTestId('gate-open').click()
    },
    shows: 'pin-refused',
  },
  { name: 'packs', options: { installed: true }, hash: '#/packs', shows: 'data-use' },
  {
    name: 'packs-clips',
    options: { installed: true, metered: true, clips: { ...recorded('away'), so: 'here' } },
    hash: '#/packs',
    // A language that the app does not speak, as the browser calls it.
    typed: ['Somali'],
    shows: 'clip-get',
  },
  { name: 'device', options: { installed: true }, hash: '#/device', shows: 'nav-home' },
  { name: 'teach', options: { installed: true, lessons: [LESSON] }, hash: '#/teach', shows: 'lesson-row' },
  { name: 'teach-none', options: {}, hash: '#/teach', shows: 'nav-home' },
  { name: 'lesson', options: { installed: true, lessons: [LESSON] }, hash: `#/lesson/${LESSON.id}`, shows: 'learnt' },
  {
    name: 'lesson-faces',
    options: {
      installed: true,
      lessons: [LESSON],
      pack: { finder: { ...FINDER, ready: false, bytes: 273_000 } },
      others: [{ name: FINDER.name, bytes: 273_000 }],
      faces: { unkept: 'pack/absent' },
    },
    hash: `#/lesson/${LESSON.id}`,
    again: (page) => page.getByTestId('example-choose').first().setInputFiles(PHOTO),
    shows: 'get-finder',
  },
  {
    name: 'how',
    options: { installed: true, pack: { name: 'tiny-writer' } },
    hash: '#/how',
    // What it goes on with begins with the language.
    typed: [...PSEUDO],
    again: async (page) => {
      await page.getByTestId('how-text').fill('all human')
      await page.getByTestId('how-look').click()
      await page.getByTestId('looks-back').waitFor()
    },
    shows: 'how-map',
  },
  { name: 'about', options: {}, hash: '#/about', shows: 'nav-home' },
]

/** Comes to a screen; it stands when this resolves. */
export async function enter(page: Page, url: string, { act, ...screen }: AppScreen): Promise<void> {
  await page.goto(url)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await act?.(page)
  await enterAgain(page, screen)
}

/** After a change of language, which draws everything anew. */
export async function enterAgain(page: Page, { again, shows }: Omit<AppScreen, 'act'>): Promise<void> {
  await again?.(page)
  await page.getByTestId(shows).first().waitFor({ state: 'attached' })
  // A screen in a file of its own takes a moment.
  await page.getByRole('heading', { level: 1 }).waitFor()
}
