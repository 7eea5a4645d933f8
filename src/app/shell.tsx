import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useApp } from './context.ts'
import { lazy } from './parts/lazy.tsx'
import { NavBar } from './parts/nav-bar.tsx'
import { UpdateBanner } from './parts/update-banner.tsx'
import { AnswerScreen } from './screens/answer.tsx'
import { CaptureScreen } from './screens/capture.tsx'
import { HomeScreen } from './screens/home.tsx'

// The road from photo to answer is in the first chunk; the rest is fetched when first shown.
const HistoryScreen = lazy(async () => (await import('./screens/history.tsx')).HistoryScreen)
const SyncScreen = lazy(async () => (await import('./screens/sync.tsx')).SyncScreen)
const SettingsScreen = lazy(async () => (await import('./screens/settings.tsx')).SettingsScreen)
const AboutScreen = lazy(async () => (await import('./screens/about.tsx')).AboutScreen)

function CurrentScreen(): JSX.Element {
  const route = useApp().navigation.route.value
  switch (route.screen) {
    case 'capture':
      return <CaptureScreen key={route.pack} pack={route.pack} />
    case 'answer':
      return <AnswerScreen key={route.record} record={route.record} />
    case 'history':
      return <HistoryScreen />
    case 'sync':
      return <SyncScreen />
    case 'settings':
      return <SettingsScreen />
    case 'about':
      return <AboutScreen />
    default:
      return <HomeScreen />
  }
}

export function Shell(): JSX.Element {
  return (
    <>
      <button
        type="button"
        class="skip"
        onClick={() => {
          // Not a link: the hash belongs to the routes.
          const main = document.getElementById('main')
          main?.setAttribute('tabindex', '-1')
          main?.focus()
        }}
      >
        {i18n.t('nav.skip')}
      </button>
      <div class="page">
        <UpdateBanner />
        <CurrentScreen />
      </div>
      <NavBar />
    </>
  )
}
