import { type JSX, render } from 'preact'
import type { Kit } from '../client/kit.ts'
import { createSignal } from '../client/signal.ts'
import { type App, AppContext } from './context.ts'
import { createTexts, directionOf, LANGUAGES, type Texts } from './language.ts'
import { Failure } from './parts/notice.tsx'
import { Shell } from './shell.tsx'
import { createAttempts } from './state/attempt.ts'
import { createDraftStore } from './state/draft.ts'
import { createInstallOffer, type InstallOffer } from './state/install-offer.ts'
import { createNavigation } from './state/navigation.ts'
import { createPacks } from './state/packs.ts'
import { createPreferences, type PreferenceStore, type Preferences } from './state/preferences.ts'
import { createRecords } from './state/records.ts'
import { useValue } from './use-value.ts'

/** Starts the app in `root`. Preferences come first, so that nothing is ever shown in the wrong theme or language. */
export async function startApp(openKit: () => Promise<Kit>, root: HTMLElement): Promise<void> {
  // The browser fires its install prompt once, early: listen before anything is awaited.
  const installOffer = createInstallOffer(window, localStorage)
  const preferences = createPreferences(localStorage, navigator.languages, Object.keys(LANGUAGES))
  const texts = createTexts()
  const live = createLiveRegion(root)
  window.addEventListener('resize', measureRoom)
  const opening = openKit()
  opening.catch(() => undefined)
  const spoken = createSignal<string | undefined>(undefined)
  preferences.value.subscribe((chosen) => void applyPreferences(chosen, texts, spoken.set))

  const app = await opening.then(
    (kit) => createApp(kit, preferences, texts, installOffer, live),
    (error: unknown) => ({ error }),
  )
  function Root(): JSX.Element | null {
    const language = useValue(spoken)
    if (language === undefined) return null
    if ('error' in app) return <Failure error={app.error} />
    // A new language is a new tree: no text of the old one can stay behind.
    return (
      <AppContext.Provider key={language} value={app}>
        <Shell />
      </AppContext.Provider>
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
  installOffer: InstallOffer,
  announce: (text: string) => void,
): App {
  const navigation = createNavigation(window)
  const person = createSignal(preferences.value.value.person)
  preferences.value.subscribe((chosen) => person.set(chosen.person))
  const attempts = createAttempts({ kit, navigation, drafts: createDraftStore(() => navigator.storage.getDirectory()) })
  const packs = createPacks(kit, attempts.forget)
  void packs.start()
  // A download that gave up for want of a network goes on when there is one.
  window.addEventListener('online', () => void packs.resume())
  // The system keeps what it hands over until somebody asks: that can wait for a file of its own.
  import('./handed-files.ts').then(
    ({ takeFiles }) =>
      takeFiles((file) => {
        navigation.go({ screen: 'packs' })
        return packs.importFile(file)
      }),
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
