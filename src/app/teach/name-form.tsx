import type { JSX } from 'preact'
import { useState } from 'preact/hooks'

interface NameFormProps {
  label: string
  action: string
  testid: string
  primary?: boolean
  onName(name: string): void
}

/** A name and the one thing to do with it. */
export function NameForm({ label, action, testid, primary = false, onName }: NameFormProps): JSX.Element {
  const [name, setName] = useState('')
  const send = (event: Event): void => {
    event.preventDefault()
    if (!name.trim()) return
    onName(name)
    setName('')
  }
  return (
    <form class="actions" onSubmit={send}>
      <label class="field">
        <span>{label}</span>
        <input
          type="text"
          dir="auto"
          maxLength={80}
          autocomplete="off"
          value={name}
          data-testid={`${testid}-name`}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </label>
      <button
        type="submit"
        class={primary ? 'button primary' : 'button'}
        disabled={!name.trim()}
        data-testid={`${testid}-add`}
      >
        {action}
      </button>
    </form>
  )
}
