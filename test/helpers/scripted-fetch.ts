import type { watchdog as realWatchdog } from '../../src/lib/abort.ts'
import type { Bytes } from '../../src/lib/bytes.ts'
import { seeded } from './synthetic-pack.ts'

/** What can go wrong with one answer. `none` is an honest server. */
export const FAULTS = [
  'none',
  'refused-connection',
  'cut',
  'clean-cut',
  'stall',
  'stall-before-headers',
  'corrupt',
  'error-503',
  'portal',
  'portal-as-bytes',
  'ignores-range',
  'gzip-whole',
  'gzip-range',
  'gzip-fails-range',
  'wrong-range',
  'wrong-total',
  'too-long',
  'other-etag',
  'other-file',
  'other-file-same-length',
  'not-found',
] as const
export type Fault = (typeof FAULTS)[number]

export interface Script {
  /** What happens to request number `request` (0-based). */
  fault(request: number): Fault
  random: () => number
  /** Most bytes in one piece. */
  piece?: number
}

export interface ScriptedServer {
  fetch(url: string, init: RequestInit): Promise<Response>
  /** A watchdog without a clock: a scripted stall is what makes it bark. */
  watchdog: typeof realWatchdog
  readonly requests: { range: string | null; fault: Fault }[]
  /** Bytes of bodies handed out. */
  readonly served: number
}

/** A server of one file as a pure function of a script: no network, no clock. */
export function createScriptedServer(file: Bytes, { fault, random, piece = 4096 }: Script): ScriptedServer {
  const requests: { range: string | null; fault: Fault }[] = []
  let served = 0
  let bark: (() => void) | undefined

  function body(bytes: Bytes, what: { end: 'close' | 'cut' | 'stall'; at: number }): ReadableStream<Uint8Array> {
    let at = 0
    const stop = what.end === 'close' && what.at < 0 ? bytes.length : Math.max(0, Math.min(what.at, bytes.length))
    return new ReadableStream(
      {
        pull(controller) {
          if (at < stop) {
            const next = bytes.slice(at, Math.min(stop, at + 1 + Math.floor(random() * piece)))
            at += next.length
            served += next.length
            controller.enqueue(next)
          } else if (what.end === 'close') controller.close()
          else if (what.end === 'cut') controller.error(new TypeError('terminated'))
          else {
            bark?.()
            return new Promise<void>(() => undefined)
          }
        },
      },
      { highWaterMark: 0 },
    )
  }

  return {
    requests,
    get served() {
      return served
    },
    watchdog(_ms, onStall) {
      bark = onStall
      return {
        touch: () => undefined,
        stop() {
          if (bark === onStall) bark = undefined
        },
      }
    },
    async fetch(_url, init) {
      const headers = new Headers(init.headers)
      const range = headers.get('range')
      const kind = fault(requests.length)
      requests.push({ range, fault: kind })
      init.signal?.throwIfAborted()
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
      let source = file
      let etag = '"one"'
      if (kind === 'other-etag') etag = `"two${requests.length}"`
      if (kind === 'other-file') {
        source = file.map((byte) => byte ^ 255).slice(0, file.length - 7)
        etag = '"other"'
      }
      if (kind === 'other-file-same-length') {
        source = file.map((byte) => byte ^ 255)
        etag = '"other"'
      }
      const stale = headers.has('if-range') && headers.get('if-range') !== etag
      const whole = from === undefined || kind === 'ignores-range' || kind === 'gzip-whole' || stale
      const start = whole ? 0 : Number(from)
      const end = whole ? source.length : Math.min(Number(to) + 1, source.length)
      const bytes = source.slice(start, end)
      const at = Math.floor(random() * (bytes.length + 1))
      const right: Record<string, string> = {
        etag,
        'content-type': 'application/octet-stream',
        ...(!whole && { 'content-range': `bytes ${start}-${end - 1}/${source.length}` }),
        'content-length': String(bytes.length),
      }
      const answer = (content: Bytes, what: Parameters<typeof body>[1], extra: Record<string, string> = {}): Response =>
        new Response(body(content, what), { status: whole ? 200 : 206, headers: { ...right, ...extra } })
      const close = { end: 'close', at: -1 } as const
      switch (kind) {
        case 'refused-connection':
          throw new TypeError('fetch failed')
        case 'stall-before-headers':
          bark?.()
          return new Promise<Response>(() => undefined)
        case 'cut':
          return answer(bytes, { end: 'cut', at })
        case 'clean-cut':
          return answer(bytes, { end: 'close', at })
        case 'stall':
          return answer(bytes, { end: 'stall', at })
        case 'corrupt': {
          const position = Math.min(at, bytes.length - 1)
          if (position >= 0) bytes[position] = (bytes[position] ?? 0) ^ (1 << Math.floor(random() * 8))
          return answer(bytes, close)
        }
        case 'error-503':
          return new Response('busy', { status: 503, headers: { 'retry-after': '1' } })
        case 'portal':
          return new Response('<html>Sign in</html>', { headers: { 'content-type': 'text/html' } })
        case 'portal-as-bytes':
          return new Response('<!DOCTYPE html><html>Sign in, friend</html>', {
            headers: { 'content-type': 'application/octet-stream' },
          })
        case 'gzip-whole':
          return answer(bytes, close, { 'content-encoding': 'gzip', 'content-length': '77' })
        case 'gzip-fails-range':
          // What Chromium makes of a compressed answer to a request for a range.
          if (range) throw new TypeError('Failed to fetch')
          return answer(bytes, close, { 'content-encoding': 'gzip', 'content-length': '77' })
        case 'gzip-range':
          return answer(bytes, close, { 'content-encoding': 'gzip', 'content-range': `bytes ${start}-${end - 1}/77` })
        case 'wrong-range':
          return answer(bytes, close, { 'content-range': `bytes ${start + 1}-${end}/${source.length}` })
        case 'wrong-total':
          return answer(bytes, close, { 'content-range': `bytes ${start}-${end - 1}/${source.length + 1}` })
        case 'too-long': {
          const more = new Uint8Array(bytes.length + 500)
          more.set(bytes)
          return answer(more, close)
        }
        case 'not-found':
          return new Response('gone', { status: 404 })
        default:
          return answer(bytes, close)
      }
    },
  }
}

/** A script that draws a fault for each of the first `bad` requests, and is honest afterwards. */
export function seededScript(seed: number, faults: readonly Fault[], bad: number): Script {
  const random = seeded(seed)
  return {
    random,
    fault: (request) => (request < bad ? (faults[Math.floor(random() * faults.length)] ?? 'none') : 'none'),
  }
}
