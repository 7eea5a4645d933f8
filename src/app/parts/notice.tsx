import { i18n } from '@lingui/core'
import type { ComponentChildren, JSX } from 'preact'
import { explain } from '../explain.ts'
import { Picture, type PictureName } from '../pictures.tsx'

interface NoticeProps {
  picture: PictureName
  title: string
  text?: string | undefined
  children?: ComponentChildren
}

/** One thing to know, and what to do about it. */
export function Notice({ picture, title, text, children }: NoticeProps): JSX.Element {
  return (
    <section class="notice">
      <Picture name={picture} />
      <div>
        <h2>{title}</h2>
        {text && <p>{text}</p>}
        {children}
      </div>
    </section>
  )
}

interface FailureProps {
  error: unknown
  children?: ComponentChildren
}

/** An error as a notice that is read out at once, with its code small for whoever helps. */
export function Failure({ error, children }: FailureProps): JSX.Element {
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
