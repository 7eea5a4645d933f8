import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { Actor } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { People } from '../parts/people.tsx'
import { PinField } from '../parts/pin-field.tsx'
import { PinRefused } from '../parts/pin-refused.tsx'
import { Screen } from '../parts/screen.tsx'

/** Who uses this phone now: each sees their own answers, and everybody's are sent. */
export function PeopleScreen(): JSX.Element {
  const { kit, preferences, announce } = useApp()
  const [name, setName] = useState('')
  const [pin, setPin] = useState('')
  const [error, setError] = useState<unknown>()
  const [stamp, setStamp] = useState(0)

  function become({ id, name: theirs }: Actor): void {
    preferences.set({ person: id })
    announce(i18n.t('people.now', { name: theirs }))
  }
  async function add(event: Event): Promise<void> {
    event.preventDefault()
    setError(undefined)
    try {
      become(await kit.people.add(name, pin || undefined))
      setName('')
      setPin('')
      setStamp(stamp + 1)
    } catch (reason) {
      setError(reason)
    }
  }

  return (
    <Screen title={i18n.t('people.title')} inner>
      <p class="lead">{i18n.t('people.text')}</p>
      <People onEntered={become} stamp={stamp} />
      <form class="form" onSubmit={(event) => void add(event)}>
        <h2 class="section">{i18n.t('people.add')}</h2>
        <label class="field">
          <span>{i18n.t('people.name')}</span>
          <input
            type="text"
            dir="auto"
            maxLength={64}
            autocomplete="off"
            data-testid="person-name"
            value={name}
            onInput={({ currentTarget }) => setName(currentTarget.value)}
          />
        </label>
        <PinField label={i18n.t('people.pin.own')} value={pin} testid="person-own-pin" onChange={setPin} />
        <button type="submit" class="button" disabled={!name.trim()} data-testid="person-add">
          {i18n.t('people.add')}
        </button>
        {error !== undefined && <PinRefused error={error} />}
      </form>
    </Screen>
  )
}
