import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useApp } from '../context.ts'
import { Failure, Notice } from '../parts/notice.tsx'
import { PinField } from '../parts/pin-field.tsx'
import { PinRefused } from '../parts/pin-refused.tsx'
import { Screen } from '../parts/screen.tsx'

/** A PIN in front of the app, its change and its end. */
export function LockScreen(): JSX.Element {
  const { kit, gate, announce } = useApp()
  const [isSet, setIsSet] = useState<boolean>()
  const [current, setCurrent] = useState('')
  const [next, setNext] = useState('')
  const [error, setError] = useState<unknown>()
  const read = (): Promise<void> => kit.lock.isSet().then(setIsSet, setError)
  useEffect(() => void read(), [])

  async function change(work: () => Promise<void>): Promise<void> {
    setError(undefined)
    try {
      await work()
      await read()
      announce(i18n.t('lock.done'))
    } catch (reason) {
      setError(reason)
    }
    setCurrent('')
    setNext('')
  }

  return (
    <Screen title={i18n.t('lock.title')} inner>
      <Notice
        picture={isSet ? 'check' : 'doubt'}
        title={isSet ? i18n.t('lock.on') : i18n.t('lock.off')}
        text={i18n.t('lock.text')}
      />
      {isSet !== undefined && (
        <form
          class="form"
          data-testid="lock"
          data-set={isSet}
          onSubmit={(event) => {
            event.preventDefault()
            void change(() => gate.lock(next, current))
          }}
        >
          {isSet && (
            <PinField label={i18n.t('lock.current')} value={current} testid="lock-current" onChange={setCurrent} />
          )}
          <PinField label={i18n.t('lock.next')} value={next} testid="lock-next" onChange={setNext} />
          <button type="submit" class="button primary" disabled={next.length < 4} data-testid="lock-set">
            {isSet ? i18n.t('lock.change') : i18n.t('lock.set')}
          </button>
          {isSet && (
            <button
              type="button"
              class="button"
              disabled={current.length < 4}
              data-testid="lock-clear"
              onClick={() => void change(() => kit.lock.clear(current))}
            >
              {i18n.t('lock.clear')}
            </button>
          )}
        </form>
      )}
      {error !== undefined && (isSet === undefined ? <Failure error={error} /> : <PinRefused error={error} />)}
    </Screen>
  )
}
