import { isAbort } from '../../src/lib/abort.ts'
import { equal } from '../../src/lib/bytes.ts'
import { type DownloadDeps, download } from '../../src/packs/download.ts'
import { openPartialFile } from '../../src/packs/partial.ts'
import { createMemoryStore } from '../../src/packs/store-memory.ts'
import { JikoError } from '../../src/protocol/error.ts'
import { createMemoryFile } from './memory-file.ts'
import { createScriptedServer, FAULTS, type Fault, seededScript } from './scripted-fetch.ts'
import { noise, type SyntheticPack, seeded, syntheticPack } from './synthetic-pack.ts'

export const simulationPack = (): Promise<SyntheticPack> =>
  syntheticPack({ files: { 'model.plan': noise(12_000, 5), 'card.md': noise(1500, 6) }, chunkSize: 1024 })

/** Faults after which no byte may come twice: the connection ends, nothing more. */
const CUTS: readonly Fault[] = ['none', 'cut', 'clean-cut', 'stall', 'stall-before-headers', 'refused-connection']

export interface SimulationResult {
  ending: 'complete' | 'error'
  code?: string
  kills: number
  received: number
}

/**
 * One life of a download under the faults of a seed: it is killed and started again at random, and every try must end
 * in the exact chunks or in a JikoError, with steady progress and nothing wrong in the store.
 * @throws Error that names the seed and what did not hold.
 */
export async function simulate(pack: SyntheticPack, seed: number): Promise<SimulationResult> {
  const random = seeded(seed ^ 0x5eed)
  const { chunks, length } = pack.manifest.blob
  const gentle = random() < 0.4
  const faults = gentle ? CUTS : FAULTS
  const hopeless = random() < 0.05
  const server = createScriptedServer(pack.blob, {
    ...seededScript(seed, faults, hopeless ? Number.POSITIVE_INFINITY : Math.floor(random() * 20)),
    piece: 1 + Math.floor(random() * 3000),
  })
  const tight = !gentle && random() < 0.1
  const store = createMemoryStore(tight ? { quota: Math.floor(random() * length) } : {})
  const partial = random() < 0.5 ? createMemoryFile() : undefined
  const wanted = chunks.map((_, index) => index).filter(() => random() < 0.8)
  const mirrors = ['https://a.test/x', 'https://b.test/x'].slice(0, random() < 0.3 ? 2 : 1)
  const fail = (what: string): never => {
    throw new Error(`seed ${seed}: ${what}`)
  }

  let kills = 0
  let received = 0
  let code: string | undefined
  for (let life = 0; life < 60; life++) {
    const controller = new AbortController()
    const mortal = random() < 0.5
    let left = mortal ? Math.floor(random() * 30) : Number.POSITIVE_INFINITY
    /** Counts the moments at which a tab can be closed. */
    const tick = (): void => {
      if (left-- === 0) controller.abort()
    }
    let last = -1
    partial?.release()
    if (!gentle && random() < 0.1) partial?.damage(Math.floor(random() * 200))
    const deps: DownloadDeps = {
      ...(partial && { openPartial: () => openPartialFile(partial.open) }),
      store: {
        listChunks: store.listChunks,
        async putChunk(sha256, bytes) {
          tick()
          await store.putChunk(sha256, bytes)
          tick()
        },
      },
      async fetch(url, init) {
        tick()
        return server.fetch(url, init)
      },
      watchdog: server.watchdog,
      async sleep(_ms, signal) {
        tick()
        signal?.throwIfAborted()
      },
      random,
      spend(bytes) {
        received += bytes
        tick()
      },
    }
    try {
      await download({ chunks, wanted, mirrors }, deps, {
        signal: controller.signal,
        onProgress({ done, total }) {
          if (done <= last || done > total) fail(`progress went from ${last} to ${done} of ${total}`)
          last = done
        },
      })
      code = undefined
    } catch (error) {
      if (isAbort(error)) {
        if (!controller.signal.aborted) fail('an abort that nobody asked for')
        kills++
        continue
      }
      if (!(error instanceof JikoError)) throw new Error(`seed ${seed}: not a JikoError: ${error}`, { cause: error })
      if (gentle && !['download/network', 'download/stalled', 'download/cut'].includes(error.code)) {
        fail(`a link that only cuts ended in ${error.code}`)
      }
      code = error.code
    }
    for (const sha256 of await store.listChunks()) {
      const index = chunks.findIndex((chunk) => chunk.sha256 === sha256)
      const bytes = await store.getChunk(sha256)
      if (!bytes || !equal(bytes, pack.chunkBytes[index] ?? new Uint8Array())) fail(`chunk ${index} is stored wrong`)
    }
    break
  }
  const here = new Set(await store.listChunks())
  const complete = wanted.every((index) => here.has(chunks[index]?.sha256 ?? ''))
  if (!code && !complete && kills < 60) fail('said complete, but chunks are missing')
  if (gentle && complete) {
    const largest = Math.max(...chunks.map((chunk) => chunk.length))
    const stored = wanted.reduce((sum, index) => sum + (chunks[index]?.length ?? 0), 0)
    // Unwanted chunks inside a gap may come along; count them once a life. A kill loses what was in flight, and the chunk
    // that was coming where nothing keeps it.
    const lost = partial ? 2 * 3000 : largest + 3000
    const bound = stored + gapBytes(wanted, chunks) * (1 + kills) + kills * lost
    if (received > bound) fail(`${received} bytes came, at most ${bound} may`)
  }
  return { ending: code ? 'error' : 'complete', ...(code && { code }), kills, received }
}

function gapBytes(wanted: readonly number[], chunks: readonly { length: number }[]): number {
  const first = wanted[0] ?? 0
  const last = wanted.at(-1) ?? 0
  const want = new Set(wanted)
  return chunks.reduce((sum, { length }, i) => sum + (i > first && i < last && !want.has(i) ? length : 0), 0)
}
