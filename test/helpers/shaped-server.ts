import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Bytes } from '../../src/lib/bytes.ts'
import { seeded } from './synthetic-pack.ts'

/** A link as phones have it. */
export interface LinkShape {
  /** Milliseconds from a question to the first byte of its answer; a new connection costs as much once more. */
  rtt: number
  /** Of the link together, or of each connection where `shared` is false, as behind a proxy that limits those. */
  bytesPerSecond: number
  shared: boolean
  /** Chance of one segment to get lost: it halves the window of its connection, as TCP Reno does. */
  loss?: number
}

const SEGMENT = 1460
const FIRST_WINDOW = 10 * SEGMENT
/** What a receiver lets be on the way. */
const LARGEST_WINDOW = 256 << 10

/**
 * Serves one file by ranges over such a link: each connection sends a window a round trip, which grows as TCP's does (slow
 * start, then a segment a round trip), and waits for the link to be free.
 */
export async function startShapedServer(
  file: Bytes,
  { rtt, bytesPerSecond, shared, loss = 0 }: LinkShape,
  seed: number,
): Promise<{ url: string; close(): Promise<void> }> {
  const random = seeded(seed)
  const known = new WeakSet<Socket>()
  let linkFree = 0

  async function send(response: ServerResponse, body: Bytes): Promise<void> {
    let window = FIRST_WINDOW
    let slowStart = true
    let mineFree = 0
    for (let at = 0; at < body.length && !response.destroyed; ) {
      const part = body.subarray(at, at + window)
      at += part.length
      const now = performance.now()
      const free = Math.max(now, shared ? linkFree : mineFree) + (1000 * part.length) / bytesPerSecond
      if (shared) linkFree = free
      else mineFree = free
      // In small parts, as they arrive, or the last byte of a window would come with its first.
      for (let sent = 0; sent < part.length; sent += SEGMENT) {
        response.write(part.subarray(sent, sent + SEGMENT))
        if (sent % (8 * SEGMENT) === 0) await wait(((free - now) * 8 * SEGMENT) / Math.max(part.length, 8 * SEGMENT))
      }
      const took = performance.now() - now
      // The next window may go when the first acknowledgement of this one is here.
      if (at < body.length && took < rtt) await wait(rtt - took)
      if (random() < 1 - (1 - loss) ** Math.ceil(part.length / SEGMENT)) {
        window = Math.max(2 * SEGMENT, window / 2)
        slowStart = false
      } else window = Math.min(LARGEST_WINDOW, slowStart ? window * 2 : window + SEGMENT)
    }
    response.end()
  }

  const server = createServer(async (message, response) => {
    const fresh = !known.has(message.socket)
    known.add(message.socket)
    await wait(fresh ? 2 * rtt : rtt)
    const [, from = '0', to = String(file.length - 1)] = /^bytes=(\d+)-(\d+)$/.exec(message.headers.range ?? '') ?? []
    const body = file.slice(Number(from), Number(to) + 1)
    response.writeHead(206, {
      etag: '"1"',
      'content-length': body.length,
      'content-range': `bytes ${from}-${to}/${file.length}`,
    })
    send(response, body).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/chunks.bin`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
