import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { useApp } from './context.ts'
import { lazyScreen } from './parts/lazy-screen.tsx'
import { NavBar } from './parts/nav-bar.tsx'
import { HomeScreen } from './screens/home.tsx'
import { useValue } from './use-value.ts'

const CaptureScreen = lazyScreen(async () => (await import('./screens/capture.tsx')).CaptureScreen)
const AnswerScreen = lazyScreen(async () => (await import('./screens/answer.tsx')).AnswerScreen)
const EnrolScreen = lazyScreen(async () => (await import('./screens/enrol.tsx')).EnrolScreen)
const HistoryScreen = lazyScreen(async () => (await import('./screens/history.tsx')).HistoryScreen)
const SyncScreen = lazyScreen(async () => (await import('./screens/sync.tsx')).SyncScreen)
const SettingsScreen = lazyScreen(async () => (await import('./screens/settings.tsx')).SettingsScreen)
const PacksScreen = lazyScreen(async () => (await import('./screens/packs.tsx')).PacksScreen)
const BatchScreen = lazyScreen(async () => (await import('./screens/batch.tsx')).BatchScreen)
const PeopleScreen = lazyScreen(async () => (await import('./screens/people.tsx')).PeopleScreen)
const DeviceScreen = lazyScreen(async () => (await import('./screens/device.tsx')).DeviceScreen)
const LockScreen = lazyScreen(async () => (await import('./screens/lock.tsx')).LockScreen)
const GateScreen = lazyScreen(async () => (await import('./screens/gate.tsx')).GateScreen)
const TeachScreen = lazyScreen(async () => (await import('./screens/teach.tsx')).TeachScreen)
const LessonScreen = lazyScreen(async () => (await import('./screens/lesson.tsx')).LessonScreen)
const HowScreen = lazyScreen(async () => (await import('./screens/how.tsx')).HowScreen)
const UpdateBanner = lazyScreen(async () => (await import('./parts/update-banner.tsx')).UpdateBanner)
const AboutScreen = lazyScreen(async () => (await import('./screens/about.tsx')).AboutScreen)

function CurrentScreen(): JSX.Element {
  const { navigation, texts } = useApp()
  const route = useValue(navigation.route)
  // Whoever opens the app most likely wants an answer next.
  useEffect(() => {
    CaptureScreen.preload(texts)
    AnswerScreen.preload(texts)
  }, [])
  switch (route.screen) {
    case 'capture':
      return <CaptureScreen key={route.pack} pack={route.pack} />
    case 'answer':
      return <AnswerScreen key={route.record} record={route.record} />
    case 'enrol':
      return <EnrolScreen key={route.invitation} invitation={route.invitation} />
    case 'history':
      return <HistoryScreen />
    case 'sync':
      return <SyncScreen />
    case 'settings':
      return <SettingsScreen />
    case 'packs':
      return <PacksScreen />
    case 'batch':
      return <BatchScreen />
    case 'people':
      return <PeopleScreen />
    case 'device':
      return <DeviceScreen />
    case 'lock':
      return <LockScreen />
    case 'teach':
      return <TeachScreen />
    case 'lesson':
      return <LessonScreen key={route.lesson} lesson={route.lesson} />
    case 'how':
      return <HowScreen />
    case 'about':
      return <AboutScreen />
    default:
      return <HomeScreen />
  }
}

export function Shell(): JSX.Element {
  const { gate, kit } = useApp()
  const closed = useValue(gate.closed)
  const waiting = useValue(kit.update.waiting)
  if (closed) return <GateScreen key={closed.by} closed={closed} />
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
        {waiting && <UpdateBanner />}
        <NavBar />
      </div>
    </>
  )
}
