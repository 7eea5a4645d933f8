import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useApp } from '../context.ts'
import { lazyScreen } from '../parts/lazy-screen.tsx'
import { Failure, Notice } from '../parts/notice.tsx'
import { PackCard } from '../parts/pack-card.tsx'
import { Screen } from '../parts/screen.tsx'
import { hrefOf } from '../routes.ts'
import { isTask } from '../state/packs.ts'
import { useValue } from '../use-value.ts'

/** Below the tasks, or only sometimes there: fetched behind them. */
const Recent = lazyScreen(async () => (await import('../parts/recent.tsx')).Recent)
const KeptPhoto = lazyScreen(async () => (await import('../parts/left-over.tsx')).KeptPhoto)
const HandedFiles = lazyScreen(async () => (await import('../parts/handed.tsx')).HandedFiles)
const WaitingPhotos = lazyScreen(async () => (await import('../parts/left-over.tsx')).WaitingPhotos)

/** Tasks as big pictures, and below them the last answers. For a first visit: one thing to get, then the camera. */
export function HomeScreen(): JSX.Element {
  const { attempts, handed, waiting, records } = useApp()
  const { state } = useValue(attempts.current)
  const answers = useValue(records.entries)?.length ?? 0
  const unread = useValue(records.error) !== undefined
  return (
    <Screen title={i18n.t('app.name')}>
      {useValue(handed) && <HandedFiles />}
      {state === 'kept' && <KeptPhoto />}
      {useValue(waiting) > 0 && <WaitingPhotos />}
      <Tasks />
      {(answers > 0 || unread) && <Recent />}
    </Screen>
  )
}

function Tasks(): JSX.Element {
  const { packs, records } = useApp()
  const offers = useValue(packs.offers)
  const error = useValue(packs.listError)
  const some = useValue(records.some)
  const unread = useValue(records.error)
  const retry = (
    <button type="button" class="button" onClick={() => void packs.check().then(packs.refresh)}>
      {i18n.t('action.retry')}
    </button>
  )
  if (offers === undefined) {
    if (error !== undefined) return <Failure error={error}>{retry}</Failure>
    return <Blank />
  }
  // Cards differ for who has answers already: shown once, when both are known, nothing jumps.
  if (some === undefined && unread === undefined) return <Blank />
  if (offers.length === 0) {
    return (
      <Notice picture="download" title={i18n.t('packs.none')} text={i18n.t('packs.none.advice')}>
        {retry}
        <a class="button quiet" href={hrefOf({ screen: 'packs' })}>
          {i18n.t('packs.from-file')}
        </a>
      </Notice>
    )
  }
  return (
    <div class="packs">
      {offers.filter(isTask(offers)).map((offer) => (
        <PackCard key={offer.name} offer={offer} />
      ))}
    </div>
  )
}

const Blank = (): JSX.Element => <div class="pack waiting" aria-busy="true" />
