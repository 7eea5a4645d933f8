import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Fault } from '../../unit/sync/link.ts'

/** What a byte that passes may set off. */
export interface Watch {
  /** Bytes of bodies that came from the phone, so far. */
  onUpload?: (bytes: number) => void
  /** The hub has answered in full; nothing of it has been passed on. Rejects where the phone shall not hear it. */
  onAnswer?: (nth: number) => Promise<void>
  /** A request is about to reach the hub. */
  onRequest?: (nth: number) => void
}

/** The road between a phone and its hub: carries the page, and every request, as the weather is. */
export interface Gate {
  readonly url: string
  watch: Watch
  /** Faults of the next requests, in order. */
  next(...faults: Fault[]): void
  /** Of every request, when `next` has nothing. */
  weather: Fault | undefined
  clear(): void
  /** To the hub itself. */
  reach(request: Request): Promise<Response>
  close(): Promise<void>
}

const PAGE = '<!doctype html><title>phone</title><script type="module" src="/page.js"></script>'

export async function createGate(script: string, hubUrl: () => string): Promise<Gate> {
  const queue: Fault[] = []
  let uploaded = 0
  let nth = 0
  const gate = { watch: {}, weather: undefined } as { watch: Watch; weather: Fault | undefined }

  const reach = (request: Request): Promise<Response> => {
    const { pathname, search } = new URL(request.url)
    return fetch(new Request(hubUrl() + pathname + search, request))
  }

  /** Bytes pass as they come, so that whoever dies in the middle has sent a half. */
  function pipe(from: IncomingMessage, to: ServerResponse): void {
    const number = nth++
    gate.watch.onRequest?.(number)
    const onward = httpRequest(
      new URL(from.url ?? '/', hubUrl()),
      { method: from.method, headers: from.headers },
      (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('error', () => to.destroy())
        answer.on('end', async () => {
          try {
            await gate.watch.onAnswer?.(number)
            to.writeHead(answer.statusCode ?? 502, answer.headers).end(Buffer.concat(parts))
          } catch {
            to.destroy()
          }
        })
      },
    )
    onward.on('error', () => to.destroy())
    from.on('close', () => from.complete || onward.destroy())
    from.on('data', (part: Buffer) => {
      uploaded += part.length
      onward.write(part)
      gate.watch.onUpload?.(uploaded)
    })
    from.on('end', () => onward.end())
  }

  async function suffer(fault: Fault, from: IncomingMessage, to: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of from) parts.push(part as Buffer)
    const headers = new Headers()
    for (const [name, value] of Object.entries(from.headers)) if (typeof value === 'string') headers.set(name, value)
    for (const name of ['connection', 'content-length', 'host', 'accept-encoding']) headers.delete(name)
    const body = new Uint8Array(Buffer.concat(parts))
    const build = (): Request =>
      new Request(`http://hub.test${from.url}`, {
        method: from.method ?? 'GET',
        headers,
        ...(body.length > 0 && { body }),
      })
    const answer = await fault(async () => reach(build()), build())
    to.writeHead(answer.status, Object.fromEntries(answer.headers))
    const reader = answer.body?.getReader()
    while (reader) {
      const { done, value } = await reader.read()
      if (done) break
      to.write(value)
    }
    to.end()
  }

  const server = createServer((from, to) => {
    const { url = '/' } = from
    if (!url.startsWith('/v1/')) {
      const isScript = url === '/page.js'
      to.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' }).end(isScript ? script : PAGE)
      return
    }
    const fault = queue.shift() ?? gate.weather
    if (fault) suffer(fault, from, to).catch(() => to.destroy())
    else pipe(from, to)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return Object.assign(gate, {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    next: (...faults: Fault[]) => void queue.push(...faults),
    clear() {
      queue.splice(0)
      gate.weather = undefined
      gate.watch = {}
      uploaded = 0
      nth = 0
    },
    reach,
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  })
}
