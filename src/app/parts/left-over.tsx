import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useApp } from '../context.ts'
import { hrefOf } from '../routes.ts'
import { useValue } from '../use-value.ts'
import { Notice } from './notice.tsx'

/** What was chosen when the page was killed. */
export function KeptPhoto(): JSX.Element | null {
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
export function WaitingPhotos(): JSX.Element | null {
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
