import { isAbort } from '../../src/lib/abort.ts'
import { type DownloadDeps, download } from '../../src/packs/download.ts'
import { createMemoryStore } from '../../src/packs/store-memory.ts'
import { startFlakyServer } from './flaky-server.ts'
import { type LinkShape, startShapedServer } from './shaped-server.ts'
import type { SyntheticPack } from './synthetic-pack.ts'

/** The chunks in so many stretches of about the same length, each for a connection of its own. */
function stretches({ manifest: { blob } }: SyntheticPack, count: number): number[][] {
  const parts: number[][] = Array.from({ length: count }, () => [])
  let before = 0
  for (const [index, { length }] of blob.chunks.entries()) {
    parts[Math.min(count - 1, Math.floor((before * count) / blob.length))]?.push(index)
    before += length
  }
  return parts.filter((part) => part.length > 0)
}

async function fetchAll(
  pack: SyntheticPack,
  connections: number,
  url: string,
  deps: DownloadDeps,
  signal?: AbortSignal,
) {
  const { chunks } = pack.manifest.blob
  const parts = stretches(pack, connections).map((wanted) =>
    download({ chunks, wanted, mirrors: [url] }, deps, { ...(signal && { signal }) }),
  )
  await Promise.all(parts)
}

/** Seconds that a pack takes over such a link with so many connections at once. */
export async function secondsOver(
  shape: LinkShape,
  connections: number,
  pack: SyntheticPack,
  seed: number,
): Promise<number> {
  const { url, close } = await startShapedServer(pack.blob, shape, seed)
  try {
    const begun = performance.now()
    const deps = { store: createMemoryStore(), fetch: (to: string, init: RequestInit) => fetch(to, init) }
    await fetchAll(pack, connections, url, deps)
    return (performance.now() - begun) / 1000
  } finally {
    await close()
  }
}

/** Bytes received over those of the pack when it is killed at these places of what has come. */
export async function wastedByKills(
  connections: number,
  pack: SyntheticPack,
  kills: readonly number[],
  bytesPerSecond: number,
): Promise<number> {
  const server = await startFlakyServer(() => ({ bytesPerSecond: bytesPerSecond / connections }))
  server.put('/chunks.bin', pack.blob)
  const store = createMemoryStore()
  let received = 0
  let killed = 0
  try {
    for (;;) {
      const controller = new AbortController()
      const spend = (bytes: number): void => {
        received += bytes
        if (received < (kills[killed] ?? Number.POSITIVE_INFINITY)) return
        killed++
        controller.abort()
      }
      const deps = { store, spend, fetch: (to: string, init: RequestInit) => fetch(to, init) }
      try {
        await fetchAll(pack, connections, `${server.origin}/chunks.bin`, deps, controller.signal)
        return received - pack.blob.length
      } catch (error) {
        if (!isAbort(error)) throw error
      }
    }
  } finally {
    await server.close()
  }
}
