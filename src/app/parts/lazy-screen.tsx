import { i18n } from '@lingui/core'
import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useTexts } from '../context.ts'
import type { Texts } from '../language.ts'
import { Notice } from './plain-notice.tsx'

export interface LazyScreen<P> {
  (props: P): JSX.Element | null
  /** Fetches it before it is wanted; a failure shows when it is. */
  preload(texts: Texts): void
}

const addStyles = async (): Promise<void> => (await import('../later-styles.ts')).addLaterStyles(document)

/** Of a part of the app that could not be fetched: with texts that are always here. */
function NotHere(): JSX.Element {
  return (
    <div role="alert" data-testid="failure" data-code="download/screen">
      <Notice picture="warning" title={i18n.t('error.download')} text={i18n.t('error.download.advice')} />
    </div>
  )
}

/** A screen in a file of its own, fetched and read when it is wanted. Once it is here it shows at once. */
export function lazyScreen<P extends object = object>(load: () => Promise<ComponentType<P>>): LazyScreen<P> {
  let Here: ComponentType<P> | undefined
  const fetch = async (texts: Texts): Promise<void> => {
    const [screen] = await Promise.all([Here ?? load(), texts.complete(), addStyles()])
    Here = screen
  }
  function Lazy(props: P): JSX.Element | null {
    const texts = useTexts()
    const [loaded, setLoaded] = useState(Here !== undefined && texts.whole)
    const [missing, setMissing] = useState(false)
    useEffect(() => {
      // It may have come between drawing and here: then too this must be drawn again.
      if (!loaded)
        fetch(texts).then(
          () => setLoaded(true),
          () => setMissing(true),
        )
    }, [])
    if (missing) return <NotHere />
    return Here && texts.whole ? <Here {...props} /> : null
  }
  return Object.assign(Lazy, { preload: (texts: Texts) => void fetch(texts).catch(() => undefined) })
}
