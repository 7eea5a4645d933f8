import { isAbort, sleep as realSleep } from '../lib/abort.ts'
import { backoff } from '../lib/backoff.ts'
import type { Bytes } from '../lib/bytes.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import type { Chunk } from '../protocol/manifest.ts'
import type { OnProgress } from '../protocol/worker.ts'
import { offsetsOf, type Run, runFrom } from './layout.ts'
import { type Incoming, type Link, looksLikePage, openStream, portalError } from './link.ts'
import { createMirrors, isFinal, judge, type Mirror, nextAlive, pause, verdict } from './mirrors.ts'
import { type PartialFile, restorePartial } from './partial.ts'
import { type Asked, bodyStart, looksEncoded, rangeHeaders, strongEtag } from './range.ts'
import type { PackStore } from './store.ts'

export interface DownloadDeps extends Link {
  store: Pick<PackStore, 'listChunks' | 'putChunk'>
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
  /** In [0, 1): jitter. */
  random?: () => number
  /** Rounds over the mirrors, one after the other without progress, before giving up. */
  maxTries?: number
  /** Times that one chunk may arrive damaged before the file itself is called damaged. */
  maxCorrupt?: number
  /** Where the bytes of a chunk are kept as they come; without it a kill costs the chunk that was coming. */
  openPartial?: () => Promise<PartialFile | undefined>
  /** Held bytes between missing ones that are asked for again rather than with a request of their own. */
  gap?: number
}

export interface DownloadJob {
  /** All chunks of the blob, in order. */
  chunks: readonly Chunk[]
  /** Indexes of those needed. */
  wanted: readonly number[]
  /** Addresses of the blob, best first. */
  mirrors: readonly string[]
}

export interface DownloadResult {
  /** Bytes of chunks fetched and stored. */
  stored: number
  /** Bytes that came over the network, also those that were thrown away. */
  received: number
}

/** Less than this in one connection does not count as progress, or a server that sends one byte a time would be asked for ever. */
const LEAST_PROGRESS = 1024
/** A connection that brought so much may be followed by the next one without a pause. */
const BRISK = 16_384
/**
 * Chromium fails a request for a range that is answered compressed, without a word why. After so many requests without
 * an answer one asks for the whole file, to see whether that is what happens.
 */
const PROBE_AFTER = 3
/** So many damaged chunks one after the other mean that this is not the file. */
const MAX_CORRUPT_IN_A_ROW = 3

/**
 * Fetches the wanted chunks that the store lacks, in one stream per run of missing ones; verifies and stores each as it
 * arrives. May be aborted or killed at any moment and called again: nothing stored is fetched twice.
 * @throws JikoError `pack/corrupt`, `storage/quota`, `download/...` after the last try; the signal's reason when aborted.
 */
export async function download(
  job: DownloadJob,
  deps: DownloadDeps,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: OnProgress } = {},
): Promise<DownloadResult> {
  signal?.throwIfAborted()
  const file = await deps.openPartial?.()
  try {
    return await downloadInto(file, job, deps, { ...(signal && { signal }), ...(onProgress && { onProgress }) })
  } finally {
    file?.close()
  }
}

async function downloadInto(
  file: PartialFile | undefined,
  { chunks, wanted, mirrors: urls }: DownloadJob,
  { store, sleep = realSleep, random = Math.random, maxTries = 8, maxCorrupt = 4, gap = 8192, ...link }: DownloadDeps,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: OnProgress },
): Promise<DownloadResult> {
  const offsets = offsetsOf(chunks)
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  const mirrors = createMirrors(urls)
  const corrupt = new Map<number, number>()
  const result: DownloadResult = { stored: 0, received: 0 }
  const here = new Set(await store.listChunks())
  const missing = new Set(wanted.filter((index) => !here.has(chunks[index]?.sha256 ?? '')))
  const sizeOf = (indexes: Iterable<number>): number =>
    [...indexes].reduce((sum, index) => sum + (chunks[index]?.length ?? 0), 0)
  const total = sizeOf(wanted)
  let verified = total - sizeOf(missing)
  let partial = restorePartial(file?.left(), chunks, missing)
  let reported = -1

  /** Never goes back, though a damaged chunk does; never says all before all is verified. */
  function report(): void {
    const now = missing.size === 0 ? total : Math.min(total - 1, verified + (partial?.filled ?? 0))
    if (now <= reported) return
    reported = now
    onProgress?.({ phase: 'download', done: now, total })
  }

  /** Verifies a whole chunk. True when it is right and stored. */
  async function keep(index: number, bytes: Bytes, url: string): Promise<boolean> {
    const chunk = chunks[index] as Chunk
    if ((await sha256Hex(bytes)) !== chunk.sha256) {
      const times = (corrupt.get(index) ?? 0) + 1
      corrupt.set(index, times)
      if (times >= maxCorrupt * mirrors.length) {
        throw new JikoError(
          'pack/corrupt',
          `Chunk ${index} of ${url} came damaged ${times} times: the file there is damaged.`,
          {
            detail: { chunk: index, times },
          },
        )
      }
      return false
    }
    await store.putChunk(chunk.sha256, bytes)
    missing.delete(index)
    verified += chunk.length
    result.stored += chunk.length
    return true
  }

  /** Reads one body from byte `start` of the blob on, and keeps what is missing of it up to chunk `last`. */
  async function take(incoming: Incoming, start: number, last: number, url: string): Promise<void> {
    let index = start === 0 ? 0 : offsets.findLastIndex((offset) => offset <= start)
    let within = start - (offsets[index] ?? 0)
    const before = partial && { ...partial }
    let inARow = 0
    let page: boolean | undefined
    while (index <= last) {
      const piece = await incoming.read()
      if (!piece) {
        if (page) {
          partial = before
          throw portalError(url)
        }
        throw new JikoError('download/cut', `${url} ended before all that was asked for had come.`)
      }
      result.received += piece.length
      // Only a suspicion, which a right hash clears: weights may begin with anything.
      page ??= looksLikePage(piece)
      let at = 0
      while (at < piece.length && index <= last) {
        const chunk = chunks[index] as Chunk
        const part = piece.subarray(at, at + chunk.length - within)
        if (missing.has(index)) {
          if (within === 0) partial = { index, buffer: new Uint8Array(chunk.length), filled: 0 }
          if (partial?.index === index && partial.filled === within) {
            partial.buffer.set(part, within)
            file?.add(chunk.sha256, within, part)
            partial.filled += part.length
          }
        }
        at += part.length
        within += part.length
        if (within === chunk.length) {
          const whole = partial?.index === index ? partial.buffer : undefined
          partial = whole ? undefined : partial
          const right = whole ? await keep(index, whole, url) : true
          inARow = right ? 0 : inARow + 1
          if (!right && page) throw portalError(url)
          page = false
          if (inARow >= MAX_CORRUPT_IN_A_ROW) {
            throw new JikoError('download/wrong-bytes', `${inARow} chunks in a row of ${url} came damaged.`)
          }
          index++
          within = 0
          signal?.throwIfAborted()
        }
      }
      report()
    }
  }

  /** One connection: asks a mirror for one run of missing chunks. */
  async function connect(mirror: Mirror, run: Run): Promise<void> {
    const { url } = mirror
    const end = (offsets[run.last] ?? 0) + (chunks[run.last]?.length ?? 0)
    const asked: Asked = { start: (offsets[run.first] ?? 0) + (partial?.filled ?? 0), end, length }
    const etag = mirror.etags ? mirror.etag : undefined
    const probing = mirror.ranges && mirror.deaf > 0 && mirror.deaf % PROBE_AFTER === 0
    const ranged = mirror.ranges && !probing
    // Until there is an answer; an honest one takes it back.
    mirror.deaf++
    // The HTTP cache would keep a second copy of every byte, and some get ranges wrong.
    const init: RequestInit = { headers: ranged ? rangeHeaders(asked, etag) : {}, cache: 'no-store' }
    const incoming = await openStream(url, init, link, signal)
    mirror.deaf = 0
    try {
      const { response } = incoming
      const start = bodyStart(url, response, asked)
      if (probing) {
        mirror.ranges = !looksEncoded(response, length)
        // The link was down, that is all: nothing is fetched from 0 on for that.
        if (mirror.ranges) return await again(incoming, mirror, run)
      }
      if (response.status === 200 && asked.start > 0 && etag && ranged) {
        // Another ETag but the same length is most often the same file behind another machine. The hashes will tell;
        // asking once more without the condition is cheaper than all the bytes from 0 on.
        mirror.etags = false
        return await again(incoming, mirror, run)
      }
      mirror.etag = strongEtag(response)
      if (response.status === 200) {
        partial = undefined
        await take(
          incoming,
          start,
          [...missing].reduce((last, index) => Math.max(last, index), 0),
          url,
        )
      } else {
        await take(incoming, start, run.last, url)
      }
    } finally {
      incoming.close()
    }
  }

  function again(incoming: Incoming, mirror: Mirror, run: Run): Promise<void> {
    incoming.close()
    return connect(mirror, run)
  }

  report()
  let turn = 0
  let idle = 0
  while (missing.size > 0) {
    const mirror = mirrors[turn]
    if (!mirror || mirror.dead) throw verdict(mirrors)
    const todo = [...missing].sort((a, b) => a - b)
    const before = verified + (partial?.filled ?? 0)
    const damaged = corrupt.size
    const run = runFrom(partial?.index ?? (todo[0] as number), todo, chunks, gap)
    let failure: JikoError | undefined
    try {
      await connect(mirror, run)
    } catch (error) {
      if (signal?.aborted || isAbort(error) || !(error instanceof JikoError) || isFinal(error)) throw error
      failure = error
    }
    const gained = verified + (partial?.filled ?? 0) - before
    if (gained > 0) mirror.strikes = 0
    if (failure) judge(mirror, failure)
    if (!failure && gained > 0) {
      idle = 0
      if (corrupt.size > damaged) turn = nextAlive(mirrors, turn)
      continue
    }
    // A connection that died but brought something is normal here: carry on at once, at the same mirror.
    if (gained >= Math.min(LEAST_PROGRESS, total - before)) {
      idle = 0
      if (gained < BRISK) await sleep(backoff(0, { base: 100, random }), signal)
      continue
    }
    const next = nextAlive(mirrors, turn)
    // The next mirror may be fine: only a whole round without progress counts, and is worth a wait.
    if (next <= turn && !mirrors[next]?.dead) {
      idle++
      if (idle >= maxTries) {
        throw failure ?? new JikoError('pack/corrupt', `${mirror.url} sends damaged bytes again and again.`)
      }
      await sleep(pause(failure, idle - 1, random), signal)
    }
    turn = next
  }
  report()
  return result
}
