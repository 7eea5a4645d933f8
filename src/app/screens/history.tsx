import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import type { HistoryEntry } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { formatDay } from '../format.ts'
import { Failure, Notice } from '../parts/notice.tsx'
import { RecordRow } from '../parts/record-row.tsx'
import { Screen } from '../parts/screen.tsx'
import { hrefOf } from '../routes.ts'
import { useLanguage, useValue } from '../use-value.ts'

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

export function HistoryScreen(): JSX.Element {
  const { records } = useApp()
  const language = useLanguage()
  const entries = useValue(records.entries)
  const more = useValue(records.more)
  const error = useValue(records.error)
  const days = byDay(entries ?? [], ({ body }) => formatDay(body.at.wall, Date.now(), language))
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
      {more && (
        <button type="button" class="button" onClick={() => void records.loadMore()}>
          {i18n.t('history.more')}
        </button>
      )}
    </Screen>
  )
}
