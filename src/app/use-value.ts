import { useEffect, useState } from 'preact/hooks'
import type { Signal } from '../client/signal.ts'
import { useApp } from './context.ts'

/** The value of a signal; the component is drawn anew when it changes. */
export function useValue<T>(source: Signal<T>): T {
  const [, redraw] = useState(source.value)
  // Subscribing calls back at once, which catches a change between drawing and here.
  useEffect(() => source.subscribe((value) => redraw(() => value)), [source])
  return source.value
}

/** False until something has come: for what is drawn after the rest. */
export function useCome(coming: () => Promise<unknown>, already = false): boolean {
  const [come, setCome] = useState(already)
  useEffect(() => {
    let gone = false
    void coming().then(() => gone || setCome(true))
    return () => {
      gone = true
    }
  }, [])
  return come
}

/** The language of the app, for what is formatted rather than translated. */
export const useLanguage = (): string => useValue(useApp().preferences.value).language
