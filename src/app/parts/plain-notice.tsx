import type { ComponentChildren, JSX } from 'preact'
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
