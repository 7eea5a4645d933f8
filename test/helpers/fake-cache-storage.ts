/**
 * Cache Storage for Node, as far as the pack store uses it and honest about what the real one refuses: a 206, a
 * request that is not GET, a used body, a full device. Bodies are copied; addresses resolve against `origin`.
 */
export interface FakeCacheStorage extends CacheStorage {
  /** Bytes held in all caches. */
  readonly used: number
  /** Bytes that fit; can be changed while a test runs. */
  quota: number
  /** Makes the next operations fail like a broken profile. */
  broken: boolean
}

interface Entry {
  body: ArrayBuffer
  headers: [string, string][]
  status: number
}

const unsupported = (): never => {
  throw new Error('not part of the fake')
}

export function createFakeCacheStorage({
  quota = Number.POSITIVE_INFINITY,
  origin = 'https://phone.test',
} = {}): FakeCacheStorage {
  const boxes = new Map<string, Map<string, Entry>>()
  const state = { quota, broken: false }

  const address = (request: RequestInfo | URL): string => {
    const url = new URL(request instanceof Request ? request.url : request, origin)
    url.hash = ''
    return url.href
  }
  const usage = (): number =>
    [...boxes.values()].reduce(
      (sum, box) => [...box.values()].reduce((inner, { body }) => inner + body.byteLength, sum),
      0,
    )
  const check = (): void => {
    if (state.broken) throw new DOMException('Unexpected internal error.', 'UnknownError')
  }

  const cache = (name: string): Cache => {
    const box = (): Map<string, Entry> => boxes.get(name) ?? new Map()
    return {
      async match(request) {
        check()
        const entry = box().get(address(request))
        return entry && new Response(entry.body.slice(0), { headers: entry.headers, status: entry.status })
      },
      async put(request, response) {
        check()
        if (request instanceof Request && request.method !== 'GET') throw new TypeError('Request method is not GET')
        if (response.status === 206) throw new TypeError('Partial response (status code 206) is unsupported')
        if (response.headers.get('vary') === '*') throw new TypeError('Vary header contains *')
        if (response.bodyUsed) throw new TypeError('Response body is already used')
        const body = await response.arrayBuffer()
        const key = address(request)
        if (usage() - (box().get(key)?.body.byteLength ?? 0) + body.byteLength > state.quota) {
          throw new DOMException('Quota exceeded.', 'QuotaExceededError')
        }
        box().set(key, { body, headers: [...response.headers], status: response.status })
      },
      async delete(request) {
        check()
        return box().delete(address(request))
      },
      async keys() {
        check()
        return [...box().keys()].map((url) => new Request(url))
      },
      add: unsupported,
      addAll: unsupported,
      matchAll: unsupported,
    }
  }

  return {
    get used() {
      return usage()
    },
    get quota() {
      return state.quota
    },
    set quota(bytes) {
      state.quota = bytes
    },
    get broken() {
      return state.broken
    },
    set broken(yes) {
      state.broken = yes
    },
    async open(name) {
      check()
      if (!boxes.has(name)) boxes.set(name, new Map())
      return cache(name)
    },
    has: async (name) => boxes.has(name),
    delete: async (name) => boxes.delete(name),
    keys: async () => [...boxes.keys()],
    async match(request, { cacheName } = {}) {
      check()
      return cacheName === undefined ? unsupported() : cache(cacheName).match(request)
    },
  }
}
