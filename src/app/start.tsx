import { type JSX, render } from 'preact'
import { useEffect } from 'preact/hooks'
import type { startKit } from '../client/open-kit.ts'
import { createSignal } from '../client/signal.ts'
import { AppContext, TextsContext } from './context.ts'
import { createApp, type MadeApp } from './create-app.ts'
import { createTexts, directionOf, LANGUAGES, type Texts } from './language.ts'
import { Failure } from './parts/notice.tsx'
import { Shell } from './shell.tsx'
import { createInstallOffer } from './state/install-offer.ts'
import { createLastTime } from './state/last-time.ts'
import { createPreferences, type Preferences } from './state/preferences.ts'
import { useValue } from './use-value.ts'

/** A kit whose database may still be opening; `opened` rejects when it cannot be. */
type Started = ReturnType<typeof startKit>

/**
 * Starts the app in `root`. Preferences come first, so that nothing is ever shown in the wrong theme or language. What was
 * on the first screen last time is drawn before anything has been read; what is behind a PIN never is.
 * @param start told which pack is likely to be asked next
 */
export async function startApp(
  start: (pack: string | undefined) => Started | Promise<Started>,
  root: HTMLElement,
): Promise<void> {
  // The browser fires its install prompt once, early: listen before anything is awaited.
  const installOffer = createInstallOffer(window, localStorage)
  const preferences = createPreferences(localStorage, navigator.languages, Object.keys(LANGUAGES), window)
  const texts = createTexts()
  const lastTime = createLastTime(localStorage, import.meta.url)
  const announce = createLiveRegion(root)
  window.addEventListener('resize', measureRoom)
  const failed = createSignal<unknown>(undefined)
  const spoken = createSignal<string | undefined>(undefined)
  preferences.value.subscribe((chosen) => void applyPreferences(chosen, texts, spoken.set))

  let made: MadeApp | undefined
  try {
    const { kit, opened } = await start(lastTime.pack())
    made = createApp({ kit, preferences, texts, lastTime, installOffer, announce })
    // Whatever is on screen by then: without the database nothing of it is true.
    Promise.all([opened, made.read]).catch(failed.set)
    await made.ready
  } catch (error) {
    failed.set(error)
  }
  function Root(): JSX.Element | null {
    const language = useValue(spoken)
    const error = useValue(failed)
    // Called when all that follows has been painted.
    useEffect(() => {
      if (language !== undefined) made?.begin()
    }, [language === undefined])
    if (language === undefined) return null
    if (error !== undefined || !made) {
      return (
        <TextsContext.Provider value={texts}>
          <Failure error={error} />
        </TextsContext.Provider>
      )
    }
    // A new language is a new tree: no text of the old one can stay behind.
    return (
      <TextsContext.Provider key={language} value={texts}>
        <AppContext.Provider value={made.app}>
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
