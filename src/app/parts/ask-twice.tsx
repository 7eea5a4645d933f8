import { i18n } from '@lingui/core'
import type { ComponentChildren, JSX } from 'preact'
import { useState } from 'preact/hooks'

interface AskTwiceProps {
  /** What the button says. */
  button: string
  /** What is lost by it. */
  question: string
  testid?: string
  onYes(): void
  /** What else can be done, as long as nobody is asked. */
  children?: ComponentChildren
}

/** Takes away what cannot be had again for nothing, so it is asked twice. */
export function AskTwice({ button, question, testid, onYes, children }: AskTwiceProps): JSX.Element {
  const [asked, setAsked] = useState(false)
  return asked ? (
    <div class="actions">
      <p role="alert">{question}</p>
      <button type="button" class="button" data-testid={testid && `${testid}-yes`} onClick={onYes}>
        {i18n.t('settings.remove.yes')}
      </button>
      <button type="button" class="button quiet" onClick={() => setAsked(false)}>
        {i18n.t('settings.remove.no')}
      </button>
    </div>
  ) : (
    <div class="actions">
      {children}
      <button type="button" class="button quiet" data-testid={testid} onClick={() => setAsked(true)}>
        {button}
      </button>
    </div>
  )
}
