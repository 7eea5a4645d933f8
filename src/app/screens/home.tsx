import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useApp } from '../context.ts'
import { Failure, Notice } from '../parts/notice.tsx'
import { PackCard } from '../parts/pack-card.tsx'
import { RecordRow } from '../parts/record-row.tsx'
import { Screen } from '../parts/screen.tsx'
import { hrefOf } from '../routes.ts'

const RECENT = 5

/** Tasks as big pictures, and below them the last answers. For a first visit: one thing to get, then the camera. */
export function HomeScreen(): JSX.Element {
  return (
    <Screen title={i18n.t('app.name')}>
      <KeptPhoto />
      <Tasks />
      <Recent />
    </Screen>
  )
}

function KeptPhoto(): JSX.Element | null {
  const { attempts, navigation } = useApp()
  const attempt = attempts.current.value
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

function Tasks(): JSX.Element {
  const { packs, records } = useApp()
  const offers = packs.offers.value
  const retry = (
    <button type="button" class="button" onClick={() => void packs.refresh()}>
      {i18n.t('action.retry')}
    </button>
  )
  if (offers === undefined) {
    const error = packs.listError.value
    if (error !== undefined) return <Failure error={error}>{retry}</Failure>
    return <Waiting />
  }
  // Cards differ for who has answers already: shown once, when both are known, nothing jumps.
  if (records.entries.value === undefined && records.error.value === undefined) return <Waiting />
  if (offers.length === 0) {
    return (
      <Notice picture="download" title={i18n.t('packs.none')} text={i18n.t('packs.none.advice')}>
        {retry}
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

const Waiting = (): JSX.Element => <div class="pack waiting" aria-busy="true" />

function Recent(): JSX.Element | null {
  const { records } = useApp()
  const entries = records.entries.value ?? []
  if (records.error.value !== undefined) return <Failure error={records.error.value} />
  if (entries.length === 0) return null
  return (
    <section>
      <h2 class="section">{i18n.t('home.recent')}</h2>
      <ul class="rows">
        {entries.slice(0, RECENT).map((entry) => (
          <RecordRow key={entry.id} entry={entry} />
        ))}
      </ul>
      {(entries.length > RECENT || records.more.value) && (
        <a class="button quiet" href={hrefOf({ screen: 'history' })}>
          {i18n.t('home.all')}
        </a>
      )}
    </section>
  )
}
