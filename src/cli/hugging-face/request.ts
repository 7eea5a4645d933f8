import { sleep as realSleep } from '../../lib/abort.ts'
import { backoff } from '../../lib/backoff.ts'
import { JikoError } from '../../protocol/error.ts'

export interface HubDeps {
  /** Address of the hub, without a slash at the end. */
  endpoint: string
  fetch?: typeof globalThis.fetch
  sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
  signal?: AbortSignal
}

export type Ask = (url: string, init?: RequestInit) => Promise<Response>

/** Requests without a usable answer, one after the other, before giving up. */
export const MOST_TRIES = 6
/** A hub that wants longer patience than this, in milliseconds, is better asked later. */
const LONGEST_WAIT = 300_000

/** Milliseconds that the answer asks to wait. */
function retryAfter(response: Response): number | undefined {
  const header = response.headers.get('retry-after')
  if (header === null) return undefined
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

/**
 * Asks until there is an answer that is not "later". What is an error of the request itself is told at once.
 * @throws JikoError `download/private`, `download/not-found`, `download/busy`, `download/refused`, `download/unreachable`
 */
export function createAsk({ fetch = globalThis.fetch, sleep = realSleep, signal }: HubDeps): Ask {
  return async (url, init = {}) => {
    for (let attempt = 0; ; attempt++) {
      const last = attempt + 1 >= MOST_TRIES
      let wait = backoff(attempt)
      try {
        const response = await fetch(url, { ...init, ...(signal && { signal }) })
        if (response.status < 400) return response
        await response.body?.cancel()
        const later = response.status === 429 || response.status >= 500
        wait = retryAfter(response) ?? wait
        if (!later || last || wait > LONGEST_WAIT) throw refusal(url, response.status, wait)
      } catch (cause) {
        signal?.throwIfAborted()
        if (cause instanceof JikoError) throw cause
        if (last) {
          const why =
            (cause as Error).cause instanceof Error ? ((cause as Error).cause as Error).message : String(cause)
          throw new JikoError('download/unreachable', `${url} gave no answer (${why}); try again with a network.`, {
            cause,
          })
        }
      }
      await sleep(wait, signal)
    }
  }
}

function refusal(url: string, status: number, wait: number): JikoError {
  if (status === 401 || status === 403) {
    return new JikoError(
      'download/private',
      `${url} answered ${status}: the repository is private, wants its terms accepted, or does not exist; download it by hand and give the .onnx file.`,
    )
  }
  if (status === 404)
    return new JikoError('download/not-found', `${url} is not there (404); check name and --revision.`)
  if (status === 429) {
    return new JikoError(
      'download/busy',
      `${url} wants fewer requests (429); try again in ${Math.ceil(wait / 1000)} s.`,
    )
  }
  return new JikoError('download/refused', `${url} answered ${status}; try again later.`)
}
