export interface Memo<K, V> {
  /** The remembered promise, or that of `make`, which is called only when there is none. */
  get(key: K, make: () => Promise<V>): Promise<V>
  peek(key: K): Promise<V> | undefined
  forget(key: K): void
}

/** Remembers one promise a key; a rejection is forgotten, so that the next call tries again. */
export function createMemo<K, V>(): Memo<K, V> {
  const known = new Map<K, Promise<V>>()
  return {
    get(key, make) {
      const remembered = known.get(key)
      if (remembered) return remembered
      const value = make()
      known.set(key, value)
      value.catch(() => known.get(key) === value && known.delete(key))
      return value
    },
    peek: (key) => known.get(key),
    forget: (key) => void known.delete(key),
  }
}

/** The same for one thing that is made when first asked for. */
export function createOnce<V>(make: () => Promise<V>): () => Promise<V> {
  const memo = createMemo<'', V>()
  return () => memo.get('', make)
}
