/** Remembers the promise of each key; a rejection is forgotten, so that the next call tries again. */
export function createMemo<K, V>(make: (key: K) => Promise<V>): { get(key: K): Promise<V>; forget(key: K): void } {
  const known = new Map<K, Promise<V>>()
  return {
    get(key) {
      let value = known.get(key)
      if (!value) {
        value = make(key)
        known.set(key, value)
        value.catch(() => known.get(key) === value && known.delete(key))
      }
      return value
    },
    forget: (key) => void known.delete(key),
  }
}
