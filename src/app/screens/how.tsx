import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { Seeing } from '../how/seeing.tsx'
import { Writing } from '../how/writing.tsx'
import { Screen } from '../parts/screen.tsx'

/** For learners: a convolution and attention, seen at work on this phone. */
export function HowScreen(): JSX.Element {
  return (
    <Screen title={i18n.t('how.title')} inner>
      <Seeing />
      <Writing />
    </Screen>
  )
}
