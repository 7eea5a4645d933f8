import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import type { TaughtBy } from '../../client/kit.ts'
import { hrefOf } from '../routes.ts'
import { Notice } from './notice.tsx'

/** Who made a pack that no programme did, in plain words. */
export function TaughtLine({ taught }: { taught: TaughtBy }): JSX.Element {
  const { own, maker, key } = taught
  const text = own
    ? i18n.t('taught.own')
    : maker === undefined
      ? i18n.t('taught.unnamed', { key })
      : i18n.t('taught.by', { maker, key })
  return (
    <p class="small" dir="auto" data-testid="taught-by" data-own={own}>
      {text}
    </p>
  )
}

/** It sees with another pack, which is not here or not the same any more. */
export function TaughtNeeds({ taught }: { taught: TaughtBy }): JSX.Element | null {
  if (taught.ready === 'ready') return null
  return (
    <Notice
      picture="doubt"
      title={taught.ready === 'absent' ? i18n.t('taught.absent') : i18n.t('taught.other')}
      text={
        taught.ready === 'absent'
          ? i18n.t('taught.absent.advice', { pack: taught.base })
          : i18n.t('taught.other.advice')
      }
    >
      <a class="button" href={hrefOf({ screen: 'home' })}>
        {i18n.t('nav.home')}
      </a>
    </Notice>
  )
}
