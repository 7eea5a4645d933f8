import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { JikoError } from '../../protocol/error.ts'
import { useApp } from '../context.ts'
import type { Texts } from '../language.ts'
import { Failure } from './notice.tsx'

export interface LazyScreen<P> {
  (props: P): JSX.Element | null
  /** Fetches it before it is wanted; a failure shows when it is. */
  preload(texts: Texts): void
}

const addStyles = async (): Promise<void> => (await import('../later-styles.ts')).addLaterStyles(document)

/** A screen in a file of its own, fetched and read when it is wanted. Once it is here it shows at once. */
export function lazyScreen<P extends object = object>(load: () => Promise<ComponentType<P>>): LazyScreen<P> {
  let Here: ComponentType<P> | undefined
  const fetch = async (texts: Texts): Promise<void> => {
    try {
      const [screen] = await Promise.all([Here ?? load(), texts.complete(), addStyles()])
      Here = screen
    } catch (cause) {
      throw new JikoError('download/screen', 'this part of the app is not here yet and could not be fetched', { cause })
    }
  }
  function Lazy(props: P): JSX.Element | null {
    const { texts } = useApp()
    const [loaded, setLoaded] = useState(Here !== undefined && texts.whole)
    const [error, setError] = useState<unknown>()
    useEffect(() => {
      // It may have come between drawing and here: then too this must be drawn again.
      if (!loaded) fetch(texts).then(() => setLoaded(true), setError)
    }, [])
    if (error !== undefined) return <Failure error={error} />
    return Here && texts.whole ? <Here {...props} /> : null
  }
  return Object.assign(Lazy, { preload: (texts: Texts) => void fetch(texts).catch(() => undefined) })
}
