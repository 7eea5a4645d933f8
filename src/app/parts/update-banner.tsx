import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useApp } from '../context.ts'
import { useValue } from '../use-value.ts'

/** Offers a new version between tasks: never while a photo is under way. */
export function UpdateBanner(): JSX.Element | null {
  const { kit, attempts, navigation } = useApp()
  const [applying, setApplying] = useState(false)
  const attempt = useValue(attempts.current)
  const { screen } = useValue(navigation.route)
  const waiting = useValue(kit.update.waiting)
  if (!waiting || attempt.state === 'working' || screen === 'capture' || screen === 'batch') return null
  const apply = (): void => {
    setApplying(true)
    kit.update.apply().catch(() => setApplying(false))
  }
  return (
    <aside class="banner" aria-label={i18n.t('update.label')} data-testid="update-banner">
      <p>{i18n.t('update.text')}</p>
      <button type="button" class="button" disabled={applying} onClick={apply}>
        {i18n.t('update.apply')}
      </button>
    </aside>
  )
}
