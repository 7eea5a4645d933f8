import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Actor } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { Picture } from '../pictures.tsx'
import { useValue } from '../use-value.ts'
import { Failure } from './notice.tsx'
import { PinField } from './pin-field.tsx'
import { PinRefused } from './pin-refused.tsx'

interface PeopleProps {
  /** Somebody chose themselves, with the right PIN where they have one. */
  onEntered(person: Actor): void | Promise<void>
  /** Says when the list is to be read again. */
  stamp?: number
}

/** Everybody who uses this phone; whoever has a PIN is asked for it. */
export function People({ onEntered, stamp = 0 }: PeopleProps): JSX.Element {
  const { kit, preferences } = useApp()
  const { person: current } = useValue(preferences.value)
  const [people, setPeople] = useState<readonly Actor[]>([])
  const [asked, setAsked] = useState<Actor>()
  const [pin, setPin] = useState('')
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    kit.people.list().then(setPeople, setError)
  }, [stamp])

  async function enter(person: Actor, given?: string): Promise<void> {
    setError(undefined)
    try {
      await onEntered(await kit.people.enter(person.id, given))
      setAsked(undefined)
    } catch (reason) {
      setError(reason)
    }
    setPin('')
  }

  return (
    <div class="form">
      <ul class="rows" data-testid="people">
        {people.map((person) => (
          <li key={person.id}>
            <button
              type="button"
              class="choice person"
              aria-pressed={person.id === current}
              data-testid={`person-${person.name}`}
              onClick={() => (person.guarded && person.id !== current ? setAsked(person) : void enter(person))}
            >
              <Picture name="person" />
              <span dir="auto">{person.name}</span>
              {person.id === current && <Picture name="check" />}
            </button>
          </li>
        ))}
      </ul>
      {asked && (
        <form
          class="form"
          onSubmit={(event) => {
            event.preventDefault()
            void enter(asked, pin)
          }}
        >
          <PinField
            label={i18n.t('people.pin', { name: asked.name })}
            value={pin}
            testid="person-pin"
            onChange={setPin}
          />
          <button type="submit" class="button primary" disabled={pin.length < 4} data-testid="person-enter">
            {i18n.t('gate.open')}
          </button>
        </form>
      )}
      {error !== undefined && (asked ? <PinRefused error={error} /> : <Failure error={error} />)}
    </div>
  )
}
