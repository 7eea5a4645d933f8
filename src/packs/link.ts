import { raceAbort, watchdog as realWatchdog } from '../lib/abort.ts'
import { concat } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'

/** What a download needs of its surroundings; injected, so that the state machine runs in Node without a network or a clock. */
export interface Link {
  fetch: (url: string, init: RequestInit) => Promise<Response>
  /** Milliseconds without a byte that count as a stall. A stall is no progress, not a total time. */
  stallMs?: number
  watchdog?: typeof realWatchdog
  /** Told the bytes of every piece as it comes in; throws to stop, as a data budget does. */
  spend?: (bytes: number) => void
}

const STALL_MS = 30_000

/** A response whose body is read piece by piece. Every way in which it can fail is a JikoError or the caller's abort. */
export interface Incoming {
  readonly response: Response
  /** The next bytes, undefined at the end. */
  read(): Promise<Uint8Array | undefined>
  close(): void
}

/**
 * Starts a GET and watches it for stalls.
 * @throws JikoError `download/network`, `download/stalled`; the signal's reason when aborted.
 */
export async function openStream(
  url: string,
  init: RequestInit,
  { fetch, stallMs = STALL_MS, watchdog = realWatchdog, spend }: Link,
  signal?: AbortSignal,
): Promise<Incoming> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const forward = (): void => controller.abort(signal?.reason)
  signal?.addEventListener('abort', forward, { once: true })

  /** One await on the network, under the watchdog; turns whatever the platform throws into one of ours. */
  async function watched<T>(work: () => Promise<T>): Promise<T> {
    const stall = (): void =>
      controller.abort(
        new JikoError('download/stalled', `Nothing came from ${url} for ${stallMs / 1000} s: the link may be down.`, {
          detail: { seconds: stallMs / 1000 },
        }),
      )
    const watch = watchdog(stallMs, stall)
    try {
      return await raceAbort(work(), controller.signal)
    } catch (cause) {
      if (controller.signal.aborted) throw controller.signal.reason
      throw new JikoError('download/network', `The connection to ${url} failed (${describe(cause)}).`, { cause })
    } finally {
      watch.stop()
    }
  }

  const release = (): void => signal?.removeEventListener('abort', forward)
  let response: Response
  try {
    response = await watched(() => fetch(url, { ...init, signal: controller.signal }))
  } catch (error) {
    release()
    throw error
  }
  const reader = response.body?.getReader()
  async function next(): Promise<Uint8Array | undefined> {
    controller.signal.throwIfAborted()
    if (!reader) return undefined
    const { done, value } = await watched(() => reader.read())
    if (done) return undefined
    spend?.(value.length)
    return value
  }
  let ahead: Promise<Uint8Array | undefined> | undefined
  return {
    response,
    async read() {
      const piece = await (ahead ?? next())
      // One piece ahead of the caller: when a connection dies, the stream throws away what has come but was not read.
      ahead = piece && next()
      ahead?.catch(() => undefined)
      return piece
    },
    close() {
      release()
      // Aborting frees the connection at once; cancelling alone lets some platforms drain the rest of the body.
      controller.abort(new DOMException('closed', 'AbortError'))
      reader?.cancel().catch(() => undefined)
    },
  }
}

/**
 * Reads a small response whole.
 * @throws JikoError `download/too-large` over `limit` bytes, and what `openStream` throws.
 */
export async function readWhole(incoming: Incoming, limit: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  let length = 0
  for (;;) {
    const piece = await incoming.read()
    if (!piece) break
    length += piece.length
    if (length > limit) {
      throw new JikoError(
        'download/too-large',
        `${incoming.response.url} is longer than the limit of ${limit} bytes.`,
        {
          detail: { limit },
        },
      )
    }
    parts.push(piece)
  }
  return concat(...parts)
}

/** The error of a status that carries none of what was asked for. */
export function statusError(url: string, response: Response): JikoError {
  const { status } = response
  const detail = { status }
  if (status === 511) return portalError(url)
  if (status === 404 || status === 410) {
    return new JikoError('download/not-found', `${url} is not there (HTTP ${status}): check the address.`, { detail })
  }
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    return new JikoError('download/refused', `${url} was refused (HTTP ${status}).`, { detail })
  }
  const wait = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new JikoError('download/server', `The server of ${url} cannot answer now (HTTP ${status}).`, {
    detail: { ...detail, ...(Number.isFinite(wait) && wait >= 0 && { retryAfter: wait }) },
  })
}

/** A login page, or any other page, where bytes of a pack should be. */
export const portalError = (url: string): JikoError =>
  new JikoError(
    'download/captive-portal',
    `Got a web page instead of ${url}: sign in to this network in the browser, or check the address.`,
  )

export const isPage = (response: Response): boolean =>
  /^\s*(text\/html|application\/xhtml)/i.test(response.headers.get('content-type') ?? '')

/** Do these first bytes begin a web page? Some portals send one under any content type. */
export function looksLikePage(bytes: Uint8Array): boolean {
  const head = String.fromCharCode(...bytes.subarray(0, 256))
  return /^(\u00ef\u00bb\u00bf)?\s*<(!doctype|html|head|body|meta|script|\?xml|!--)/i.test(head)
}

const describe = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
