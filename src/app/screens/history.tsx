import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { HistoryEntry } from '../../client/kit.ts'
import { isAbort } from '../../lib/abort.ts'
import { headlineOf } from '../../protocol/answer.ts'
import { localised } from '../../protocol/primitives.ts'
import { useApp } from '../context.ts'
import { formatDay } from '../format-when.ts'
import { DayChart } from '../parts/day-chart.tsx'
import { Finder } from '../parts/finder.tsx'
import { Failure, Notice } from '../parts/notice.tsx'
import { PlaceMap } from '../parts/place-map.tsx'
import { RecordRow } from '../parts/record-row.tsx'
import { Screen } from '../parts/screen.tsx'
import { hrefOf } from '../routes.ts'
import { ANYTHING, type Found, find, fits, isAnything, pagesOf, type Wanted } from '../state/find.ts'
import { type Overview, overviewOf } from '../state/overview.ts'
import { useLanguage, useValue } from '../use-value.ts'
import { verdictOf } from '../verdict.ts'

const PAGE = 30

/** Neighbours of the same day, in the order given: by position in the log, since a phone's clock may jump. */
export function byDay(entries: readonly HistoryEntry[], dayOf: (entry: HistoryEntry) => string) {
  const days: { day: string; entries: HistoryEntry[] }[] = []
  for (const entry of entries) {
    const day = dayOf(entry)
    const last = days.at(-1)
    if (last?.day === day) last.entries.push(entry)
    else days.push({ day, entries: [entry] })
  }
  return days
}

/** What was answered on this phone: two weeks at a glance, a word to look for, and every answer by its day. */
export function HistoryScreen(): JSX.Element {
  const { records } = useApp()
  const error = useValue(records.error)
  const entries = useValue(records.entries)
  return (
    <Screen title={i18n.t('nav.history')}>
      {error !== undefined && <Failure error={error} />}
      {entries?.length === 0 && (
        <Notice picture="history" title={i18n.t('history.empty')} text={i18n.t('history.empty.advice')}>
          <a class="button" href={hrefOf({ screen: 'home' })}>
            {i18n.t('nav.home')}
          </a>
        </Notice>
      )}
      {entries && entries.length > 0 && <Answers entries={entries} />}
    </Screen>
  )
}

/** @param entries the newest, which say when anything changed. */
function Answers({ entries }: { entries: readonly HistoryEntry[] }): JSX.Element {
  const { kit, packs, preferences, announce } = useApp()
  const language = useLanguage()
  const { person } = useValue(preferences.value)
  const offers = useValue(packs.offers) ?? []
  const [wanted, setWanted] = useState<Wanted>(ANYTHING)
  const [limit, setLimit] = useState(PAGE)
  const [found, setFound] = useState<Found>({ entries: entries.slice(0, PAGE), more: false })
  const [error, setError] = useState<unknown>()

  useEffect(() => {
    const stop = new AbortController()
    const words = (entry: HistoryEntry): string => {
      const offer = offers.find(({ name }) => name === entry.body.pack.name)
      const { word, how, likeliest = '' } = verdictOf(entry, offer?.labels ?? [], language)
      return [word, how, likeliest, offer && localised(offer.title, language)].join(' ')
    }
    find(kit.records.list, (entry) => fits(entry, wanted, words), limit, { actor: person, signal: stop.signal }).then(
      (now) => {
        if (stop.signal.aborted) return
        setFound(now)
        setError(undefined)
        if (!isAnything(wanted)) announce(i18n.t('find.count', { count: now.entries.length }))
      },
      (reason) => isAbort(reason) || setError(reason),
    )
    return () => stop.abort()
  }, [wanted, limit, entries, offers.length, person])

  const days = byDay(found.entries, ({ body }) => formatDay(body.at.wall, Date.now(), language))
  return (
    <>
      <Pictures entries={entries} person={person} />
      <Finder
        wanted={wanted}
        offers={offers}
        onChange={(next) => {
          setWanted(next)
          setLimit(PAGE)
        }}
      />
      {error !== undefined && <Failure error={error} />}
      {days.length === 0 && error === undefined && <Notice picture="doubt" title={i18n.t('find.none')} />}
      {days.map(({ day, entries: list }) => (
        <section key={list[0]?.id}>
          <h2 class="section">{day}</h2>
          <ul class="rows">
            {list.map((entry) => (
              <RecordRow key={entry.id} entry={entry} />
            ))}
          </ul>
        </section>
      ))}
      {found.more && (
        <button type="button" class="button" data-testid="history-more" onClick={() => setLimit(limit + PAGE)}>
          {i18n.t('history.more')}
        </button>
      )}
    </>
  )
}

interface PicturesProps {
  entries: readonly HistoryEntry[]
  person: string | undefined
}

function Pictures({ entries, person }: PicturesProps): JSX.Element | null {
  const { kit } = useApp()
  const [overview, setOverview] = useState<Overview>()
  useEffect(() => {
    let stopped = false
    const sure = ({ body, corrected }: HistoryEntry): boolean => corrected !== undefined || headlineOf(body.answer).sure
    // A picture that cannot be drawn is left out: the rows say it all.
    overviewOf(pagesOf(kit.records.list, { actor: person, size: 300 }), Date.now(), sure).then(
      (now) => stopped || setOverview(now),
      () => undefined,
    )
    return () => {
      stopped = true
    }
  }, [entries, person])
  if (!overview) return <div class="chart waiting" />
  return (
    <>
      <DayChart days={overview.days} />
      {overview.places && (
        <details class="more">
          <summary data-testid="open-map">{i18n.t('map.title')}</summary>
          <PlaceMap places={overview.places} />
        </details>
      )}
    </>
  )
}
