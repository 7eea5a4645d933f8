import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { HistoryEntry } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { formatWhen } from '../format-when.ts'
import { hrefOf } from '../routes.ts'
import { useLanguage } from '../use-value.ts'
import { Notice } from './notice.tsx'

type Alike = ReadonlyMap<string, HistoryEntry>

/** Which of these records are of a photo that was asked about before. Only a hint: where it cannot be told, there is none. */
export function useAlike(ids: readonly string[]): Alike {
  const { kit } = useApp()
  const [alike, setAlike] = useState<Alike>(new Map())
  const key = ids.join()
  useEffect(() => {
    let stopped = false
    if (ids.length > 0) {
      kit.records.alike(ids).then(
        (found) => stopped || setAlike(found),
        () => undefined,
      )
    }
    return () => {
      stopped = true
    }
  }, [key])
  return alike
}

/** The same photo counted twice is one tree too many. It stands; whoever took it decides. */
export function AskedBefore({ entry }: { entry: HistoryEntry }): JSX.Element | null {
  const { announce } = useApp()
  const language = useLanguage()
  const before = useAlike([entry.id]).get(entry.id)
  useEffect(() => {
    if (before) announce(i18n.t('alike.title'))
  }, [before?.id])
  if (!before) return null
  return (
    <Notice picture="photos" title={i18n.t('alike.title')} text={formatWhen(before.body.at.wall, Date.now(), language)}>
      <a class="button" href={hrefOf({ screen: 'answer', record: before.id })} data-testid="asked-before">
        {i18n.t('alike.see')}
      </a>
    </Notice>
  )
}
