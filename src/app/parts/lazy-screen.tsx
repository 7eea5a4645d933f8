import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Failure } from './notice.tsx'

/** A screen in a file of its own. It is precached, so that it opens offline; it is just not read before it is wanted. */
export function LazyScreen({ load }: { load: () => Promise<() => JSX.Element> }): JSX.Element | null {
  const [loaded, setLoaded] = useState<{ Screen: () => JSX.Element }>()
  const [error, setError] = useState<unknown>()
  useEffect(() => {
    load().then((Screen) => setLoaded({ Screen }), setError)
  }, [load])
  if (error !== undefined) return <Failure error={error} />
  return loaded ? <loaded.Screen /> : null
}
