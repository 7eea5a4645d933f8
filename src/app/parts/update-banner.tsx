import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { useApp } from '../context.ts'

/** Offers a new version between tasks: never while a photo is under way or waits for another try. */
export function UpdateBanner(): JSX.Element | null {
  const { kit, attempts, navigation, updateWaiting } = useApp()
  const [applying, setApplying] = useState(false)
  const busy = attempts.current.value.state !== 'none' || navigation.route.value.screen === 'capture'
  if (!updateWaiting.value || busy) return null
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
