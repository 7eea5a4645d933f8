import { i18n } from '@lingui/core'
import type { ComponentChildren, JSX } from 'preact'
import { explain } from '../explain.ts'
import { Notice } from './plain-notice.tsx'

export interface FailureProps {
  error: unknown
  children?: ComponentChildren
}

/** An error as a notice that is read out at once, with its code small for whoever helps. */
export function Explained({ error, children }: FailureProps): JSX.Element {
  const { title, advice, code } = explain(error)
  return (
    <div role="alert" data-testid="failure" data-code={code ?? 'unknown'}>
      <Notice picture="warning" title={title} text={advice}>
        {code && <p class="small">{i18n.t('error.code', { code })}</p>}
        {children}
      </Notice>
    </div>
  )
}
