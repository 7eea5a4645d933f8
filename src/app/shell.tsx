import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useApp } from './context.ts'
import { LazyScreen } from './parts/lazy-screen.tsx'
import { NavBar } from './parts/nav-bar.tsx'
import { UpdateBanner } from './parts/update-banner.tsx'
import { AnswerScreen } from './screens/answer.tsx'
import { CaptureScreen } from './screens/capture.tsx'
import { HomeScreen } from './screens/home.tsx'
import { useValue } from './use-value.ts'

/** What a first answer does not need: one file for all, precached, so it opens offline as well. */
const later = () => import('./screens/later.ts')
const load = {
  history: async () => (await later()).HistoryScreen,
  sync: async () => (await later()).SyncScreen,
  settings: async () => (await later()).SettingsScreen,
  packs: async () => (await later()).PacksScreen,
  about: async () => (await later()).AboutScreen,
}

function CurrentScreen(): JSX.Element {
  const route = useValue(useApp().navigation.route)
  switch (route.screen) {
    case 'capture':
      return <CaptureScreen key={route.pack} pack={route.pack} />
    case 'answer':
      return <AnswerScreen key={route.record} record={route.record} />
    case 'history':
    case 'sync':
    case 'settings':
    case 'packs':
    case 'about':
      return <LazyScreen key={route.screen} load={load[route.screen]} />
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
        <CurrentScreen />
      </div>
      <div class="foot">
        <UpdateBanner />
        <NavBar />
      </div>
    </>
  )
}
