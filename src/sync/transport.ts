import { raceAbort, watchdog as realWatchdog } from '../lib/abort.ts'
import { type Bytes, concat } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'

/** No phone needs a longer answer than this from a hub. */
const MAX_ANSWER_BYTES = 4 << 20
const PATIENCE = 30_000
/** Below this many bytes a millisecond (250 B/s) a link counts as dead. `fetch` does not tell how an upload gets on. */
const SLOWEST = 0.25

export interface Transport {
  fetch(url: string, init: RequestInit): Promise<Response>
  watchdog?: typeof realWatchdog
}

export interface Outgoing {
  method: 'GET' | 'HEAD' | 'PATCH' | 'POST'
  headers: Record<string, string>
  body?: Bytes
}

/** An answer that came whole; whether it is our hub's is for others to say. */
export interface Reply {
  /** 0 for a redirect, which a hub never sends and a captive portal does. */
  status: number
  headers: Headers
  body: Bytes
}

/**
 * One request, whole answer. Redirects are not followed.
 * @throws JikoError `sync/offline` when the connection fails, `sync/stalled` when nothing moves any more.
 */
export async function send(
  url: string,
  { method, headers, body }: Outgoing,
  { fetch, watchdog = realWatchdog }: Transport,
  signal?: AbortSignal,
): Promise<Reply> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const cancel = (): void => controller.abort(signal?.reason)
  signal?.addEventListener('abort', cancel, { once: true })
  let stalled = false
  const dog = watchdog(PATIENCE + (body?.length ?? 0) / SLOWEST, () => {
    stalled = true
    controller.abort()
  })
  try {
    const response = await raceAbort(
      fetch(url, {
        method,
        headers,
        ...(body && { body }),
        redirect: 'manual',
        cache: 'no-store',
        credentials: 'omit',
        signal: controller.signal,
      }),
      controller.signal,
    )
    const redirected = response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)
    return {
      status: redirected ? 0 : response.status,
      headers: response.headers,
      body: await readAll(response, dog.touch, controller.signal),
    }
  } catch (cause) {
    signal?.throwIfAborted()
    if (cause instanceof JikoError) throw cause
    if (stalled) throw new JikoError('sync/stalled', `${new URL(url).host} does not go on answering`, { cause })
    throw new JikoError('sync/offline', `no connection to ${new URL(url).host}, or it broke`, { cause })
  } finally {
    dog.stop()
    signal?.removeEventListener('abort', cancel)
    // A body that was not read to its end would keep the connection. With a reason: making an AbortError is not cheap.
    controller.abort('over')
  }
}

async function readAll(response: Response, touch: () => void, signal: AbortSignal): Promise<Bytes> {
  const parts: Uint8Array[] = []
  let total = 0
  const reader = response.body?.getReader()
  try {
    while (reader) {
      const { done, value } = await raceAbort(reader.read(), signal)
      if (done) break
      touch()
      total += value.length
      if (total > MAX_ANSWER_BYTES) throw new JikoError('sync/bad-answer', 'the answer is too long to be from a hub')
      parts.push(value)
    }
  } finally {
    reader?.cancel().catch(() => undefined)
  }
  return concat(...parts)
}
