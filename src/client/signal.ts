/** A value that tells when it changes; small enough that a developer without any framework can use it. */
export interface Signal<T> {
  readonly value: T
  /** Calls back at once and after each change; returns how to stop. */
  subscribe(listener: (value: T) => void): () => void
}

export function createSignal<T>(initial: T): Signal<T> & { set(value: T): void } {
  let value = initial
  const listeners = new Set<(value: T) => void>()
  return {
    get value() {
      return value
    },
    set(next) {
      if (Object.is(next, value)) return
      value = next
      for (const listener of [...listeners]) listener(value)
    },
    subscribe(listener) {
      listeners.add(listener)
      listener(value)
      return () => void listeners.delete(listener)
    },
  }
}
