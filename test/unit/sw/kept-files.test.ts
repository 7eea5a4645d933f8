import { describe, expect, it } from 'vitest'
import { RUNTIME_CACHE } from '../../../src/protocol/service-worker.ts'
import { createKeptFiles } from '../../../sw/kept-files.ts'

const scope = new URL('https://hub.test/app/')
const OLD = 'https://hub.test/app/runtime/ort-1/a.wasm'
const NEW = ['runtime/ort-2/a.wasm', 'runtime/ort-2/b.js']
const newUrls = NEW.map((file) => new URL(file, scope).href)

/** One cache of names, and a network that can be off. */
function fakeCaches(kept: string[]) {
  const urls = new Set(kept)
  const state = { online: true, fetched: [] as string[], urls }
  const cache = {
    keys: async () => [...urls].map((url) => ({ url })),
    match: async (url: string) => (urls.has(url) ? new Response() : undefined),
    add: async (url: string) => {
      if (!state.online) throw new TypeError('Failed to fetch')
      state.fetched.push(url)
      urls.add(url)
    },
    delete: async ({ url }: { url: string }) => urls.delete(url),
  }
  const open = async (name: string) => {
    expect(name).toBe(RUNTIME_CACHE)
    return cache
  }
  return { state, caches: { open } as unknown as CacheStorage }
}

describe('files kept apart, over an update of the app', () => {
  it('cost nothing on a phone that never used one', async () => {
    const { state, caches } = fakeCaches([])
    await createKeptFiles(RUNTIME_CACHE, NEW, scope, caches).fetchUsed()
    expect(state.fetched).toEqual([])
  })

  it('are complete before the new version takes over, and only then is the old one dropped', async () => {
    const { state, caches } = fakeCaches([OLD, newUrls[0] as string])
    const runtimes = createKeptFiles(RUNTIME_CACHE, NEW, scope, caches)
    await runtimes.fetchUsed()
    expect(state.fetched).toEqual([newUrls[1]])
    expect(state.urls.has(OLD)).toBe(true)
    await runtimes.dropOld()
    expect([...state.urls].sort()).toEqual([...newUrls].sort())
  })

  it('fail the install where they cannot be fetched: the version in use stays, with its runtime', async () => {
    const { state, caches } = fakeCaches([OLD])
    state.online = false
    await expect(createKeptFiles(RUNTIME_CACHE, NEW, scope, caches).fetchUsed()).rejects.toThrow('Failed to fetch')
    expect([...state.urls]).toEqual([OLD])
  })
})
