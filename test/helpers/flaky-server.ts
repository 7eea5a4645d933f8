import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Bytes } from '../../src/lib/bytes.ts'

/** What is wrong with one answer; an empty one is honest. */
export interface Behaviour {
  /** Milliseconds before the headers. */
  delayMs?: number
  bytesPerSecond?: number
  /** The connection is destroyed after so many bytes of body. */
  cutAfter?: number
  /** Waited for before that: what is on its way then is taken away by the cut too. */
  beforeCut?: () => Promise<unknown>
  /** After so many bytes of body nothing more comes, and the connection stays open. */
  stallAfter?: number
  /** Changes the bytes on the way; `at` is their place in the file. */
  damage?: (bytes: Bytes, at: number) => void
  ignoreRange?: boolean
  /** Answers a range that begins so many bytes later than asked. */
  shiftRange?: number
  /** Added to the true `Content-Length`. */
  lengthLie?: number
  gzip?: 'whole' | 'range'
  /** Redirects to a login page, as a captive portal does. */
  login?: boolean
  status?: number
  /** Lets pages of other origins read it. */
  cors?: boolean
}

export interface FlakyRequest {
  /** 0-based, over all requests. */
  number: number
  path: string
  range: string | undefined
}

export interface FlakyServer {
  /** Address without a slash at the end. */
  readonly origin: string
  /** Changes, or adds, a file while it runs; its ETag changes with its bytes. */
  put(path: string, bytes: Bytes): void
  readonly requests: FlakyRequest[]
  /** Bytes of bodies handed to the sockets. */
  readonly sent: number
  /** The same of one file. */
  sentOf(path: string): number
  /** Bytes on the wire of all connections, headers included: to the server and from it. */
  wire(): { up: number; down: number }
  close(): Promise<void>
}

const LOGIN = '<!doctype html><title>Sign in</title><p>Buy 100 MB for 500'

/** A server on loopback whose every answer is as bad as `behave` says. */
export async function startFlakyServer(
  behave: (request: FlakyRequest) => Behaviour = () => ({}),
): Promise<FlakyServer> {
  const files = new Map<string, Bytes>()
  const requests: FlakyRequest[] = []
  const sockets = new Set<Socket>()
  const closed = { up: 0, down: 0 }
  const sentOf = new Map<string, number>()
  let sent = 0

  async function answer(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(message.url ?? '/', 'http://localhost').pathname
    const request = { number: requests.length, path, range: message.headers.range }
    requests.push(request)
    const how = behave(request)
    if (how.delayMs) await wait(how.delayMs)
    if (path === '/login') return void response.writeHead(200, { 'content-type': 'text/html' }).end(LOGIN)
    if (how.login) return void response.writeHead(302, { location: '/login' }).end()
    if (how.status) return void response.writeHead(how.status).end()
    const file = files.get(path)
    if (!file) return void response.writeHead(404).end()

    const etag = `"${createHash('sha256').update(file).digest('hex').slice(0, 16)}"`
    if (message.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end()
    const condition = message.headers['if-range']
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(message.headers.range ?? '') ?? []
    const partial = from !== undefined && !how.ignoreRange && (condition === undefined || condition === etag)
    const start = partial ? Number(from) + (how.shiftRange ?? 0) : 0
    if (start >= file.length) return void response.writeHead(416, { 'content-range': `bytes */${file.length}` }).end()
    const end = partial && to ? Math.min(Number(to) + 1, file.length) : file.length
    let body = file.slice(start, end)
    how.damage?.(body, start)
    const headers: Record<string, string | number> = { etag, 'accept-ranges': 'bytes', 'content-type': typeOf(path) }
    if (how.cors) headers['access-control-allow-origin'] = '*'
    if (partial) headers['content-range'] = `bytes ${start}-${end - 1}/${file.length}`
    if (how.gzip === 'whole' || (how.gzip === 'range' && partial)) {
      body = new Uint8Array(gzipSync(body))
      headers['content-encoding'] = 'gzip'
    }
    headers['content-length'] = body.length + (how.lengthLie ?? 0)
    response.writeHead(partial ? 206 : 200, headers)
    await send(response, body, how, (bytes) => void sentOf.set(path, (sentOf.get(path) ?? 0) + bytes))
  }

  async function send(
    response: ServerResponse,
    body: Bytes,
    how: Behaviour,
    count: (bytes: number) => void,
  ): Promise<void> {
    const stop = Math.min(how.cutAfter ?? body.length, how.stallAfter ?? body.length, body.length)
    const piece = how.bytesPerSecond ? Math.min(8192, Math.max(256, Math.ceil(how.bytesPerSecond / 20))) : 16_384
    for (let at = 0; at < stop; ) {
      const part = body.subarray(at, Math.min(stop, at + piece))
      at += part.length
      sent += part.length
      count(part.length)
      const full = !response.write(part)
      if (response.destroyed) return
      if (how.bytesPerSecond) await wait((part.length / how.bytesPerSecond) * 1000)
      else if (full) await drained(response)
    }
    if (stop === body.length) response.end()
    else if (how.stallAfter === undefined || (how.cutAfter ?? Number.POSITIVE_INFINITY) <= how.stallAfter) {
      // What was written has to leave first, or a cut would take more away than it says.
      await new Promise<void>((resolve) => response.write('', () => resolve()))
      await how.beforeCut?.()
      response.socket?.destroySoon()
    }
  }

  const server = createServer((message, response) => {
    answer(message, response).catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      closed.up += socket.bytesRead
      closed.down += socket.bytesWritten
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  return {
    origin: `http://127.0.0.1:${port}`,
    put: (path, bytes) => void files.set(path, bytes),
    requests,
    get sent() {
      return sent
    },
    sentOf: (path) => sentOf.get(path) ?? 0,
    wire() {
      let { up, down } = closed
      for (const socket of sockets) {
        up += socket.bytesRead
        down += socket.bytesWritten
      }
      return { up, down }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Module scripts are refused under any other type. */
function typeOf(path: string): string {
  if (/\.m?js$/.test(path)) return 'text/javascript'
  if (path.endsWith('.wasm')) return 'application/wasm'
  return path.endsWith('.html') ? 'text/html' : 'application/octet-stream'
}

/** Until more can be written, or nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
