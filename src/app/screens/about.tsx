/// <reference path="../defines.d.ts" />
import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { Screen } from '../parts/screen.tsx'
import { Picture } from '../pictures.tsx'

export function AboutScreen(): JSX.Element {
  return (
    <Screen title={i18n.t('about.title')} inner>
      <Picture name="jiko" class="sign" />
      <p class="lead">{i18n.t('about.text')}</p>
      <p>{i18n.t('about.privacy')}</p>
      <p>{i18n.t('about.limits')}</p>
      <p class="small">{i18n.t('about.version', { version: __APP_VERSION__ })}</p>
      <p class="small">{i18n.t('about.licence')}</p>
      <a class="button quiet" href="licences.md" target="_blank" rel="noreferrer">
        {i18n.t('about.licences')}
      </a>
    </Screen>
  )
}
