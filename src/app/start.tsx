import { type JSX, render } from 'preact'
import { whenCalm } from '../client/calm.ts'
import type { Circumstances, Kit } from '../client/kit.ts'
import { createSignal, type Signal } from '../client/signal.ts'
import { createOnce } from '../lib/memo.ts'
import { GIVEN } from '../protocol/service-worker.ts'
import { type App, AppContext, TextsContext } from './context.ts'
import { createTexts, directionOf, LANGUAGES, type Texts } from './language.ts'
import { Failure } from './parts/notice.tsx'
import { Shell } from './shell.tsx'
import { createAttempts } from './state/attempt.ts'
import { createDraftStore } from './state/draft.ts'
import { closeWhenAway, createGate, type Gate } from './state/gate.ts'
import { giveFiles } from './state/give.ts'
import type { Handed } from './state/handed.ts'
import { createInstallOffer, type InstallOffer } from './state/install-offer.ts'
import { createLastTime } from './state/last-time.ts'
import { createNavigation } from './state/navigation.ts'
import { type Connection, onOtherNetwork } from './state/networks.ts'
import { createPacks } from './state/packs.ts'
import { createPreferences, type PreferenceStore, type Preferences } from './state/preferences.ts'
import { createRecords } from './state/records.ts'
import { useValue } from './use-value.ts'

/** Starts the app in `root`. Preferences come first, so that nothing is ever shown in the wrong theme or language. */
export async function startApp(openKit: () => Promise<Kit>, root: HTMLElement): Promise<void> {
  // The browser fires its install prompt once, early: listen before anything is awaited.
  const installOffer = createInstallOffer(window, localStorage)
  const preferences = createPreferences(localStorage, navigator.languages, Object.keys(LANGUAGES), window)
  const texts = createTexts()
  const live = createLiveRegion(root)
  window.addEventListener('resize', measureRoom)
  const opening = openKit()
  opening.catch(() => undefined)
  const spoken = createSignal<string | undefined>(undefined)
  preferences.value.subscribe((chosen) => void applyPreferences(chosen, texts, spoken.set))

  const app = await opening.then(
    async (kit) => {
      const gate = createGate({ kit, preferences })
      const shut = gate.close()
      const made = createApp(kit, preferences, texts, gate, shut, installOffer, live)
      // Both from the same disk: what is drawn once is drawn in the time of one.
      await Promise.all([shut, made.records.first])
      closeWhenAway(gate, document)
      return made
    },
    (error: unknown) => ({ error }),
  )
  function Root(): JSX.Element | null {
    const language = useValue(spoken)
    if (language === undefined) return null
    if ('error' in app) {
      return (
        <TextsContext.Provider value={texts}>
          <Failure error={app.error} />
        </TextsContext.Provider>
      )
    }
    // A new language is a new tree: no text of the old one can stay behind.
    return (
      <TextsContext.Provider key={language} value={texts}>
        <AppContext.Provider value={app}>
          <Shell />
        </AppContext.Provider>
      </TextsContext.Provider>
    )
  }
  render(<Root />, root)
}

async function applyPreferences(
  { language, theme, textSize }: Preferences,
  texts: Texts,
  done: (language: string) => void,
): Promise<void> {
  const html = document.documentElement
  html.dataset.theme = theme
  html.style.setProperty('--text-size', String(textSize))
  measureRoom()
  const spoken = await texts.activate(language)
  html.lang = spoken
  html.dir = directionOf(spoken)
  done(spoken)
}

/** Whether lines hold few letters: by our text size, the system's, or a narrow screen. No media query sees all three. */
function measureRoom(): void {
  const html = document.documentElement
  const letters = window.innerWidth / Number.parseFloat(getComputedStyle(html).fontSize)
  html.dataset.room = letters < 14 ? 'little' : 'enough'
}

function createApp(
  kit: Kit,
  preferences: PreferenceStore,
  texts: Texts,
  gate: Gate,
  shut: Promise<void>,
  installOffer: InstallOffer,
  announce: (text: string) => void,
): App {
  const navigation = createNavigation(window)
  const person = createSignal(preferences.value.value.person)
  preferences.value.subscribe((chosen) => person.set(chosen.person))
  const root = (): Promise<FileSystemDirectoryHandle> => navigator.storage.getDirectory()
  const places = createOnce(async () => (await import('./state/place.ts')).createPlaces(navigator.geolocation))
  async function circumstances(): Promise<Circumstances> {
    const { person, place: wanted } = preferences.value.value
    const place = wanted ? await (await places()).now() : undefined
    return { ...(person !== undefined && { actor: person }), ...(place && { place }) }
  }
  const lastTime = createLastTime(localStorage, import.meta.url)
  const mayKeep = (pack: string): boolean => !packs.offers.value?.find(({ name }) => name === pack)?.finder
  const attempts = createAttempts({
    kit,
    navigation,
    drafts: createDraftStore(root),
    circumstances,
    mayKeep,
    // Of another engine even the start is megabytes, and seconds, for somebody who may only look at the history.
    onAnswered: ({ name, backend }) => lastTime.keepPack(backend.startsWith('nano') ? name : undefined),
  })
  const expected = lastTime.pack()
  if (expected !== undefined) attempts.expect(expected)
  const waiting = createStoredCount('jiko-batch', localStorage)
  const batches = createOnce(async () => {
    const [{ createBatches }, { createBatchStore }] = await Promise.all([
      import('./state/batch.ts'),
      import('./state/batch-store.ts'),
    ])
    const made = createBatches({
      kit,
      store: createBatchStore(root),
      circumstances,
      mayKeep,
      onWaiting: waiting.set,
    })
    await made.restore()
    return made
  })
  const packs = createPacks(kit, attempts.forget, lastTime)
  void packs.start()
  // A download that gave up for want of a network, or of a free one, goes on when there is one.
  const whenOther = (listener: () => void): void =>
    onOtherNetwork(window, (navigator as { connection?: Connection }).connection, listener)
  whenOther(() => void packs.resume())
  const clips = createOnce(async () =>
    (await import('./clips/clips.ts')).openClips(kit, packs, preferences, whenOther, announce),
  )
  // The system keeps what it hands over until somebody asks: that can wait for a file of its own.
  const handed = createSignal<Handed | undefined>(undefined)
  const given = location.search === GIVEN
  const begun = given ? shut : whenCalm()
  void begun.then(() =>
    packs.offers.subscribe((offers) => {
      if (offers?.some(({ recorded }) => recorded)) clips().catch(() => undefined)
    }),
  )
  begun
    .then(() => import('./as-installed.ts'))
    .then(
      ({ badgeUnsent, createTake, takeFiles }) => {
        badgeUnsent(kit.sync.status, navigator)
        takeFiles({
          pack(file, now) {
            if (now || given) navigation.go({ screen: 'packs' })
            return packs.importFile(file)
          },
          media: createTake({
            ask: (pack, files) => giveFiles({ attempts, batches, navigation }, pack, files),
            offers: packs.offers,
            closed: gate.closed,
            atOnce: given,
            waiting: handed,
          }),
        })
      },
      () => undefined,
    )
  void attempts.restore()
  return {
    kit,
    navigation,
    preferences,
    texts,
    packs,
    attempts,
    gate,
    batches,
    clips,
    handed,
    waiting,
    places,
    circumstances,
    installOffer,
    announce,
    records: createRecords(kit, person),
  }
}

/** A polite live region that outlives every screen; it is emptied first, so that the same words are said again. */
function createLiveRegion(root: HTMLElement): (text: string) => void {
  const region = document.createElement('div')
  region.className = 'unseen'
  region.setAttribute('role', 'status')
  root.after(region)
  return (text) => {
    region.textContent = ''
    requestAnimationFrame(() => {
      region.textContent = text
    })
  }
}

/** A number that outlives the page, where the phone lets it. */
function createStoredCount(key: string, storage: Storage): Signal<number> & { set(count: number): void } {
  const count = createSignal(Number(storage.getItem(key) ?? 0))
  return {
    ...count,
    get value() {
      return count.value
    },
    set(next) {
      count.set(next)
      try {
        if (next > 0) storage.setItem(key, String(next))
        else storage.removeItem(key)
      } catch {
        // A full or forbidden storage: then nobody is asked about it at the next start.
      }
    },
  }
}
