import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useApp } from '../context.ts'
import { Failure, Notice } from '../parts/notice.tsx'
import { PackCard } from '../parts/pack-card.tsx'
import { RecordRow } from '../parts/record-row.tsx'
import { Screen } from '../parts/screen.tsx'
import { hrefOf } from '../routes.ts'
import { useValue } from '../use-value.ts'

const RECENT = 5

/** Tasks as big pictures, and below them the last answers. For a first visit: one thing to get, then the camera. */
export function HomeScreen(): JSX.Element {
  return (
    <Screen title={i18n.t('app.name')}>
      <KeptPhoto />
      <Waiting />
      <Tasks />
      <Recent />
    </Screen>
  )
}

function KeptPhoto(): JSX.Element | null {
  const { attempts, navigation } = useApp()
  const attempt = useValue(attempts.current)
  if (attempt.state !== 'kept') return null
  return (
    <Notice picture="photos" title={i18n.t('kept.title')}>
      <button
        type="button"
        class="button"
        onClick={() => navigation.go({ screen: 'capture', pack: attempt.pack })}
        data-testid="kept-photo"
      >
        {i18n.t('kept.see')}
      </button>
    </Notice>
  )
}

/** Photos of a batch: under way, or left when the page was killed. */
function Waiting(): JSX.Element | null {
  const count = useValue(useApp().waiting)
  if (count === 0) return null
  return (
    <Notice picture="photos" title={i18n.t('batch.waiting', { count })}>
      <a class="button" href={hrefOf({ screen: 'batch' })} data-testid="kept-batch">
        {i18n.t('kept.see')}
      </a>
    </Notice>
  )
}

function Tasks(): JSX.Element {
  const { packs, records } = useApp()
  const offers = useValue(packs.offers)
  const error = useValue(packs.listError)
  const entries = useValue(records.entries)
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
  if (entries === undefined && unread === undefined) return <Blank />
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
      {offers.map((offer) => (
        <PackCard key={offer.name} offer={offer} />
      ))}
    </div>
  )
}

const Blank = (): JSX.Element => <div class="pack waiting" aria-busy="true" />

function Recent(): JSX.Element | null {
  const { records } = useApp()
  const entries = useValue(records.entries) ?? []
  const more = useValue(records.more)
  const error = useValue(records.error)
  if (error !== undefined) return <Failure error={error} />
  if (entries.length === 0) return null
  return (
    <section>
      <h2 class="section">{i18n.t('home.recent')}</h2>
      <ul class="rows">
        {entries.slice(0, RECENT).map((entry) => (
          <RecordRow key={entry.id} entry={entry} />
        ))}
      </ul>
      {(entries.length > RECENT || more) && (
        <a class="button quiet" href={hrefOf({ screen: 'history' })}>
          {i18n.t('home.all')}
        </a>
      )}
    </section>
  )
}
