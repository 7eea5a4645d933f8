import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useApp } from '../context.ts'
import { hrefOf } from '../routes.ts'
import { useValue } from '../use-value.ts'
import { Failure } from './notice.tsx'
import { RecordRow } from './record-row.tsx'

const RECENT = 5

/** The last answers, below the tasks. */
export function Recent(): JSX.Element | null {
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
