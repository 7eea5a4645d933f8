import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { Picture } from '../pictures.tsx'

/** For voices and recordings: what is being said can be stopped, and said again. */
export function SpeakButton({ speaking, onPress }: { speaking: boolean; onPress(): void }): JSX.Element {
  return (
    <button type="button" class="button" onClick={onPress} data-testid="speak" data-speaking={speaking}>
      <Picture name={speaking ? 'close' : 'speaker'} />
      <span>{speaking ? i18n.t('action.stop') : i18n.t('answer.speak')}</span>
    </button>
  )
}
