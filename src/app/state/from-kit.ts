import { type ReadonlySignal, signal } from '@preact/signals'
import type { Signal } from '../../client/signal.ts'

/** A value of the kit as a signal that screens can read. It lives as long as the page. */
export function fromKit<T>(source: Signal<T>): ReadonlySignal<T> {
  const value = signal(source.value)
  source.subscribe((next) => {
    value.value = next
  })
  return value
}
