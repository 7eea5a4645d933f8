import { sha256Hex } from '../../src/lib/sha256.ts'
import { createInstaller } from '../../src/packs/install.ts'
import { webLocks } from '../../src/packs/locks.ts'
import { openPack } from '../../src/packs/open.ts'
import { openPartialFile, type SyncFile } from '../../src/packs/partial.ts'
import { createCacheStore } from '../../src/packs/store-cache.ts'
import { JikoError } from '../../src/protocol/error.ts'

/**
 * A page with nothing but the packs room over the browser's own Cache Storage, Web Locks and fetch. Bundled by the test
 * that opens it, which calls these by `page.evaluate`; bytes cross as arrays of numbers.
 */
const store = createCacheStore({ caches, estimate: () => navigator.storage.estimate() })
let stop = new AbortController()
let received = 0

/** Only workers may open it. */
async function openPrivateFile(): Promise<SyncFile> {
  const file = await (await navigator.storage.getDirectory()).getFileHandle('partial', { create: true })
  return (file as unknown as { createSyncAccessHandle(): Promise<SyncFile> }).createSyncAccessHandle()
}

type Outcome = { value?: unknown; error?: { name: string; code?: string; detail?: unknown } }

async function outcome(work: () => Promise<unknown>): Promise<Outcome> {
  try {
    const value = await work()
    return { value: value instanceof Uint8Array ? { bytes: [...value] } : value }
  } catch (error) {
    if (error instanceof JikoError) return { error: { name: error.name, code: error.code, detail: error.detail } }
    return { error: { name: error instanceof Error ? error.name : String(error) } }
  }
}

const room = {
  /** Any method of the store. */
  call: (method: keyof typeof store, args: readonly (string | { bytes: number[] } | object)[]): Promise<Outcome> =>
    outcome(() => {
      const given = args.map((arg) =>
        typeof arg === 'object' && 'bytes' in arg ? Uint8Array.from(arg.bytes as number[]) : arg,
      )
      return (store[method] as (...all: unknown[]) => Promise<unknown>)(...given)
    }),
  install(urls: readonly string[], trusted: readonly string[], stallMs = 3000): Promise<Outcome> {
    stop = new AbortController()
    const installer = createInstaller({
      store,
      exclusive: webLocks(navigator.locks),
      trusted,
      fetch: (url, init) => fetch(url, init),
      stallMs,
      spend(bytes) {
        received += bytes
      },
      openPartial: () => openPartialFile(openPrivateFile),
    })
    return outcome(() => installer.install(urls, { signal: stop.signal }))
  },
  /** Bytes of bodies that have come since the page was opened. */
  received: () => received,
  stop: () => stop.abort(),
  /** SHA-256 of a file of an installed pack. */
  hash: (name: string, path: string): Promise<Outcome> =>
    outcome(async () => sha256Hex(await (await openPack(store, name)).readFile(path))),
}
export type PacksPage = typeof room

Object.assign(globalThis, { room })

/** In a worker, as the app has it, the page asks by message. */
if (!('document' in globalThis)) {
  const scope = globalThis as unknown as { onmessage: unknown; postMessage(message: unknown): void }
  scope.onmessage = async ({ data: [id, method, args] }: MessageEvent<[number, keyof PacksPage, never[]]>) => {
    scope.postMessage([id, await (room[method] as (...all: never[]) => unknown)(...args)])
  }
}
