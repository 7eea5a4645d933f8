import type { ComponentType, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { createMemo } from '../../lib/memo.ts'
import { Failure } from './notice.tsx'

/** A screen in a chunk of its own, fetched when first shown. A chunk that an update took away is an error with words. */
export function lazy(load: () => Promise<ComponentType>): () => JSX.Element {
  const memo = createMemo<'screen', ComponentType>()
  return function Lazy() {
    const [Loaded, setLoaded] = useState<{ Screen: ComponentType }>()
    const [error, setError] = useState<unknown>()
    useEffect(() => {
      memo.get('screen', load).then((Screen) => setLoaded({ Screen }), setError)
    }, [])
    if (Loaded) return <Loaded.Screen />
    return <main id="main">{error !== undefined && <Failure error={error} />}</main>
  }
}
