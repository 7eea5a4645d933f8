import { i18n } from '@lingui/core'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { Actor } from '../../client/kit.ts'
import { useApp } from '../context.ts'
import { handOn } from '../parts/hand-on.ts'
import { Failure } from '../parts/notice.tsx'
import { People } from '../parts/people.tsx'
import { PinField } from '../parts/pin-field.tsx'
import { PinRefused } from '../parts/pin-refused.tsx'
import { Picture } from '../pictures.tsx'
import type { Closed } from '../state/gate.ts'
import { syncSummary } from '../sync-words.ts'
import { useValue } from '../use-value.ts'

/** In place of the whole app while it is closed. What is unsent can be sent and carried away all the same. */
export function GateScreen({ closed }: { closed: Closed }): JSX.Element {
  const { kit, gate, preferences } = useApp()
  const [pin, setPin] = useState('')
  const [error, setError] = useState<unknown>()
  const [others, setOthers] = useState(false)
  const [trying, setTrying] = useState(false)
  // What was on the screen before is nobody's business now.
  useEffect(() => {
    document.title = i18n.t('app.name')
  }, [])

  async function open(event: Event): Promise<void> {
    event.preventDefault()
    setTrying(true)
    setError(undefined)
    try {
      if (closed.by === 'lock') await kit.lock.open(pin)
      else await kit.people.enter(closed.id, pin)
      await gate.pass()
    } catch (reason) {
      setError(reason)
    }
    setPin('')
    setTrying(false)
  }
  const become = async ({ id }: Actor): Promise<void> => {
    preferences.set({ person: id })
    await gate.pass()
  }

  return (
    <main id="main" class="gate">
      <Picture name="jiko" class="sign" />
      <h1 tabIndex={-1}>
        {closed.by === 'lock' ? i18n.t('gate.locked') : i18n.t('gate.hello', { name: closed.name })}
      </h1>
      <form class="form" onSubmit={(event) => void open(event)}>
        <PinField label={i18n.t('pin.label')} value={pin} testid="gate-pin" onChange={setPin} />
        <button type="submit" class="button primary" disabled={pin.length < 4 || trying} data-testid="gate-open">
          {i18n.t('gate.open')}
        </button>
      </form>
      {error !== undefined && <PinRefused error={error} />}
      {closed.by === 'person' && (
        <button type="button" class="button" aria-expanded={others} onClick={() => setOthers(!others)}>
          {i18n.t('people.other')}
        </button>
      )}
      {others && <People onEntered={become} />}
      <Forgotten />
    </main>
  )
}

function Forgotten(): JSX.Element {
  const { kit, announce } = useApp()
  const status = useValue(kit.sync.status)
  const [error, setError] = useState<unknown>()
  const { text } = syncSummary(status)
  const send = (): void => {
    setError(undefined)
    kit.sync.now({ photos: true }).then((now) => announce(syncSummary(now).text()), setError)
  }
  const carry = (): void => {
    setError(undefined)
    kit.sync.exportFile().then(handOn).catch(setError)
  }
  return (
    <details class="more">
      <summary data-testid="gate-forgotten">{i18n.t('gate.forgotten')}</summary>
      <div class="actions">
        <p>{i18n.t('gate.forgotten.text')}</p>
        <p class="cost">{text()}</p>
        <button type="button" class="button" disabled={status.running} data-testid="gate-send" onClick={send}>
          <Picture name="send" />
          <span>{status.running ? i18n.t('sync.sending') : i18n.t('sync.send')}</span>
        </button>
        <button type="button" class="button" data-testid="gate-carry" onClick={carry}>
          <Picture name="file" />
          <span>{i18n.t('sync.carry')}</span>
        </button>
      </div>
      {error !== undefined && <Failure error={error} />}
    </details>
  )
}
