import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { SyncStatus } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { Picture } from '../pictures.tsx'
import { hrefOf } from '../routes.ts'
import { useValue } from '../use-value.ts'
import { Notice } from './notice.tsx'

interface UnseenProps {
  status: SyncStatus
  /** Somebody has said that they are to go as they are. */
  onSend(ids: readonly string[]): void
}

/**
 * Photos in which a face may have been missed, and nobody has looked. "Send" leaves them here, and so does the file: it is
 * pressed by habit. Whoever cannot look at them says so on a button of its own.
 */
export function Unseen({ status, onSend }: UnseenProps): JSX.Element | null {
  const { kit, preferences } = useApp()
  const { person } = useValue(preferences.value)
  const [ids, setIds] = useState<readonly string[]>([])
  useEffect(() => {
    let gone = false
    kit.records.unseen(person === undefined ? {} : { actor: person }).then(
      (found) => gone || setIds(found),
      () => undefined,
    )
    return () => {
      gone = true
    }
  }, [status.blobsUnseen, person])
  const [first] = ids
  if (first === undefined) return null
  return (
    <div data-testid="unseen" data-count={ids.length}>
      <Notice picture="person" title={i18n.t('sync.unseen', { count: ids.length })} text={i18n.t('sync.unseen.text')}>
        <div class="actions">
          <a class="button" href={hrefOf({ screen: 'answer', record: first })} data-testid="unseen-look">
            <Picture name="photos" />
            <span>{i18n.t('kept.see')}</span>
          </a>
          <button type="button" class="button quiet" data-testid="unseen-send" onClick={() => onSend(ids)}>
            {i18n.t('sync.unseen.send')}
          </button>
        </div>
      </Notice>
    </div>
  )
}
