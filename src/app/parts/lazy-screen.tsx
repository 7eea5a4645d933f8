import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { JikoError } from '../../protocol/error.ts'
import { Failure } from './notice.tsx'

export interface LazyScreen<P> {
  (props: P): JSX.Element | null
  /** Fetches it before it is wanted; a failure shows when it is. */
  preload(): void
}

/** A screen in a file of its own, fetched and read when it is wanted. Once it is here it shows at once. */
export function lazyScreen<P extends object = object>(load: () => Promise<ComponentType<P>>): LazyScreen<P> {
  let Here: ComponentType<P> | undefined
  const fetch = async (): Promise<void> => {
    Here ??= await load().catch((cause) => {
      throw new JikoError('download/screen', 'this part of the app is not here yet and could not be fetched', { cause })
    })
  }
  function Lazy(props: P): JSX.Element | null {
    const [loaded, setLoaded] = useState(Here !== undefined)
    const [error, setError] = useState<unknown>()
    useEffect(() => {
      // It may have come between drawing and here: then too this must be drawn again.
      if (!loaded) fetch().then(() => setLoaded(true), setError)
    }, [])
    if (error !== undefined) return <Failure error={error} />
    return Here ? <Here {...props} /> : null
  }
  return Object.assign(Lazy, { preload: () => void fetch().catch(() => undefined) })
}
