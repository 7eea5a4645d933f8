import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { HistoryEntry } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { CONSENT } from '../state/form.ts'
import { Choices } from './choices.tsx'
import { Failure, Notice } from './notice.tsx'

const SAID = ['nobody', 'agreed', 'refused'] as const

/** Whether somebody can be known in the picture, and agrees. Whoever does not has it erased, here and at every hub. */
export function Consent({ entry }: { entry: HistoryEntry }): JSX.Element {
  const { kit, preferences, navigation } = useApp()
  const [error, setError] = useState<unknown>()
  const said = SAID.find((one) => one === entry.fields?.[CONSENT])
  const { person } = preferences.value.value
  const by = person === undefined ? {} : { actor: person }
  const say = (value: string): void => {
    setError(undefined)
    kit.records.correct(entry.id, { [CONSENT]: value }, by).catch(setError)
  }
  const erase = (): void => {
    kit.records.erase(entry.id).then(() => navigation.replace({ screen: 'history' }), setError)
  }
  const words = {
    nobody: i18n.t('consent.nobody'),
    agreed: i18n.t('consent.agreed'),
    refused: i18n.t('consent.refused'),
  }
  return (
    <>
      <Choices
        name="consent"
        legend={i18n.t('consent.question')}
        value={said ?? ''}
        choices={SAID.map((value) => ({ value, text: words[value] }))}
        onChoose={say}
      />
      {said === 'refused' && (
        <Notice picture="warning" title={i18n.t('consent.erase.ask')}>
          <button type="button" class="button" data-testid="consent-erase" onClick={erase}>
            {i18n.t('consent.erase')}
          </button>
        </Notice>
      )}
      {error !== undefined && <Failure error={error} />}
    </>
  )
}
