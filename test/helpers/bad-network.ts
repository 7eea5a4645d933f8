import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type Weather = 'fine' | 'error-500' | 'captive-portal'

export interface BadNetwork {
  readonly url: string
  weather: Weather
  /** Changes the bytes of matching answers, once each time it returns something. */
  corrupt?: ((path: string, body: Buffer) => Buffer | undefined) | undefined
  /** Bytes a second at which packs' blobs come; undefined for as fast as it goes. */
  blobPace: number | undefined
  /** Paths asked for since the start, in order, with the bytes that were sent for each. */
  readonly seen: { path: string; bytes: number }[]
  /** Nobody answers at this address any more, as when a hub is switched off. */
  cut(): Promise<void>
  /** As before, at the same address. @throws when somebody else has taken it meanwhile. */
  restore(): Promise<void>
  close(): Promise<void>
}

/** Stands between a browser and a hub at an address of its own, and can make the weather bad. */
export async function createBadNetwork(hubUrl: () => string): Promise<BadNetwork> {
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let port = 0

  const network: BadNetwork = {
    get url() {
      return `http://localhost:${port}`
    },
    weather: 'fine',
    blobPace: undefined,
    seen: [],
    async cut() {
      const closing = server
      server = undefined
      if (!closing) return
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => closing.close(resolve))
    },
    async restore() {
      // A step before may have failed in the middle, and left it as it was.
      if (server) return
      const opening = createServer(answer)
      opening.on('connection', (socket) => {
        sockets.add(socket)
        socket.once('close', () => sockets.delete(socket))
      })
      await new Promise<void>((resolve, reject) => {
        opening.once('error', (cause) => reject(new Error(`port ${port} cannot be listened on again`, { cause })))
        opening.listen(port, 'localhost', resolve)
      })
      server = opening
      port = (opening.address() as AddressInfo).port
    },
    close: () => network.cut(),
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/'
    if (network.weather === 'error-500') {
      request.resume()
      response.writeHead(500, { 'content-type': 'text/plain' }).end('Internal Server Error')
      return
    }
    if (network.weather === 'captive-portal') {
      request.resume()
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><title>Hotel Wi-Fi</title>Please log in')
      return
    }
    const target = new URL(path, hubUrl())
    const headers = { ...request.headers }
    if (network.corrupt) {
      // Bytes can be changed sensibly only where they are neither compressed nor left out.
      delete headers['accept-encoding']
      delete headers['if-none-match']
    }
    const onward = httpRequest(target, { method: request.method, headers }, (from) => {
      if (network.blobPace !== undefined && path.endsWith('.bin')) {
        const entry = { path, bytes: 0 }
        network.seen.push(entry)
        response.writeHead(from.statusCode ?? 502, from.headers)
        pour(from, response, entry).catch(() => response.destroy())
        return
      }
      const parts: Buffer[] = []
      from.on('data', (part: Buffer) => parts.push(part))
      from.on('end', () => {
        const whole = Buffer.concat(parts)
        const body = network.corrupt?.(path, whole) ?? whole
        network.seen.push({ path, bytes: body.length })
        const changed = body !== whole
        response
          .writeHead(from.statusCode ?? 502, { ...from.headers, ...(changed && { 'content-length': body.length }) })
          .end(body)
      })
      from.on('error', () => response.destroy())
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  }

  /** Little by little, and counted, as long as somebody is there to take it. */
  async function pour(from: IncomingMessage, to: ServerResponse, entry: { bytes: number }): Promise<void> {
    const drop = 2048
    for await (const part of from) {
      const piece = part as Buffer
      for (let at = 0; at < piece.length && !to.destroyed; at += drop) {
        const some = piece.subarray(at, at + drop)
        to.write(some)
        entry.bytes += some.length
        const pace = network.blobPace
        if (pace !== undefined) await new Promise((resolve) => setTimeout(resolve, (1000 * some.length) / pace))
      }
      if (to.destroyed) break
    }
    to.end()
  }

  await network.restore()
  return network
}
