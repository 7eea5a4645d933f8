import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { JikoError } from '../../protocol/error.ts'
import { formatNumber } from '../format.ts'
import { useLanguage } from '../use-value.ts'
import { Failure, Notice } from './notice.tsx'

/** Why a PIN was not taken, and for how long none will be. */
export function PinRefused({ error }: { error: unknown }): JSX.Element {
  const language = useLanguage()
  if (!(error instanceof JikoError)) return <Failure error={error} />
  const seconds = Number(error.detail.seconds ?? 0)
  const wait = seconds > 0 ? i18n.t('pin.wait', { seconds: formatNumber(seconds, language) }) : undefined
  const title = error.code === 'input/bad-pin' ? i18n.t('pin.digits') : i18n.t('pin.wrong')
  if (!/^input\/(bad|wrong)-pin$/.test(error.code)) return <Failure error={error} />
  return (
    <div role="alert" data-testid="pin-refused">
      <Notice picture="warning" title={title} text={wait} />
    </div>
  )
}
