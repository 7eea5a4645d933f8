import { i18n } from '@lingui/core'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { useApp } from '../context.ts'
import { Picture } from '../pictures.tsx'
import { SyncChip } from './sync-chip.tsx'

interface ScreenProps {
  title: string
  /** Inner screens have a way back; those of the navigation bar have the stove. */
  inner?: boolean
  children: ComponentChildren
}

/** The frame of every screen. Its heading takes the focus when a person came here from another screen. */
export function Screen({ title, inner = false, children }: ScreenProps): JSX.Element {
  const { navigation } = useApp()
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (!navigation.moved) return
    window.scrollTo(0, 0)
    heading.current?.focus({ preventScroll: true })
  }, [])
  useEffect(() => {
    document.title = title === i18n.t('app.name') ? title : `${title} · ${i18n.t('app.name')}`
  }, [title])
  return (
    <>
      <header class="top">
        {inner ? (
          <button type="button" class="top-start" aria-label={i18n.t('nav.back')} onClick={() => navigation.back()}>
            <Picture name="back" class="flips" />
          </button>
        ) : (
          <span class="top-start">
            <Picture name="jiko" />
          </span>
        )}
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        <SyncChip />
      </header>
      <main id="main">{children}</main>
    </>
  )
}
