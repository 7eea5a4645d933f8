import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useApp } from '../context.ts'
import { useValue } from '../use-value.ts'
import { Notice } from './notice.tsx'

/** After the first saved answer, when the app has shown what it is worth: keep it on the home screen. */
export function InstallCard(): JSX.Element | null {
  const { installOffer } = useApp()
  if (!useValue(installOffer.possible)) return null
  return (
    <Notice
      picture="jiko"
      title={i18n.t('install.title')}
      text={installOffer.byHand ? i18n.t('install.by-hand') : i18n.t('install.text')}
    >
      <div class="actions">
        {!installOffer.byHand && (
          <button type="button" class="button" onClick={() => void installOffer.accept()} data-testid="install-app">
            {i18n.t('install.yes')}
          </button>
        )}
        <button type="button" class="button quiet" onClick={() => installOffer.dismiss()} data-testid="install-not">
          {i18n.t('install.no')}
        </button>
      </div>
    </Notice>
  )
}
