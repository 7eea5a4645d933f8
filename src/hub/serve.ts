import { once } from 'node:events'
import type { Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer, type HttpBindings } from '@hono/node-server'
import { JikoError } from '../protocol/error.ts'
import type { Hub } from './app.ts'
import type { Certificate } from './certificate.ts'

/** A socket on which nothing moves: a phone that left. A slow one moves. */
const IDLE_TIMEOUT = 120_000
const HEADERS_TIMEOUT = 30_000
/** One megabyte at 1 KB a second, and room to spare. */
const REQUEST_TIMEOUT = 30 * 60_000
/** How long requests may take to finish once the hub is asked to stop. */
const GRACE = 5_000
const SWEEP = 50
/** Connections that may wait to be taken: thousands of phones come back in one moment. The system may allow fewer. */
const BACKLOG = 8192

export interface ServeOptions {
  /** 0: any free port. */
  port: number
  /** All addresses when left out. */
  host?: string
  /** Speaks HTTPS with it, and nothing else on this port. */
  certificate?: Certificate
  /** A proxy of one's own stands in front, and says last in `X-Forwarded-For` who asks. */
  isBehindProxy?: boolean
}

export interface RunningHub {
  port: number
  /** Finishes what is under way, at most for some seconds. */
  close(): Promise<void>
}

function describeListenError(error: unknown, { port, host }: ServeOptions): JikoError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const messages: Record<string, string> = {
    EADDRINUSE: `the port ${port} is already in use: stop what uses it, or choose another with --port or PORT`,
    EACCES: `the port ${port} is not free for everybody: choose one above 1023 with --port or PORT`,
    EADDRNOTAVAIL: `this machine has no address ${host}`,
    ENOTFOUND: `this machine has no address ${host}`,
  }
  return new JikoError('hub/cannot-listen', messages[code] ?? `the hub cannot listen on port ${port}: ${error}`, {
    cause: error,
  })
}

function addressOf({ headers }: Request, { incoming }: HttpBindings, isBehindProxy: boolean): string | undefined {
  const said = isBehindProxy ? headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined
  return said || incoming.socket.remoteAddress
}

/** Puts a hub on a socket. @throws JikoError `hub/cannot-listen` saying why. */
export async function serve(hub: Hub, options: ServeOptions): Promise<RunningHub> {
  const { port, host, certificate, isBehindProxy = false } = options
  const server = createAdaptorServer({
    fetch: (request, env) =>
      hub.fetch(request, { remoteAddress: addressOf(request, env as HttpBindings, isBehindProxy) }),
    overrideGlobalObjects: false,
    ...(certificate && { createServer: createTlsServer }),
    serverOptions: { headersTimeout: HEADERS_TIMEOUT, requestTimeout: REQUEST_TIMEOUT, ...certificate },
  }) as Server
  server.setTimeout(IDLE_TIMEOUT)
  server.listen({ port, host, backlog: BACKLOG })
  try {
    await once(server, 'listening')
  } catch (error) {
    throw describeListenError(error, options)
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // A connection that is kept alive is idle only once its last answer is out, which nothing tells.
      const sweep = setInterval(() => server.closeIdleConnections(), SWEEP)
      const impatience = setTimeout(() => server.closeAllConnections(), GRACE)
      await closed
      clearInterval(sweep)
      clearTimeout(impatience)
    },
  }
}
