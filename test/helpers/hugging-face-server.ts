import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What is wrong with one answer; an empty one is honest. */
export interface HubFault {
  status?: number
  headers?: Record<string, string>
  /** The connection dies after so many bytes of body; who reads may have got fewer by then. */
  cutAfter?: number
  /** After so many bytes nothing more comes, until `cut` ends the connection. */
  holdAfter?: number
  /** Added to the true `Content-Length`. */
  lengthLie?: number
  /** Other bytes of the same length. */
  damage?: boolean
}

export interface HubRequest {
  readonly method: string
  readonly path: string
  readonly range: string | undefined
}

export interface HuggingFaceServer {
  readonly origin: string
  readonly requests: HubRequest[]
  /** Ends the connections that are held. */
  cut(): void
  close(): Promise<void>
}

export interface HubContents {
  id: string
  files: Readonly<Record<string, Uint8Array | string>>
  /** Of the files in `siblings`, when they are not those that are there. */
  listed?: readonly string[]
  facts?: object
}

export const COMMIT = '0123456789abcdef0123456789abcdef01234567'
const FAR = '/cdn-lfs/'

/**
 * A hub of one repository with the addresses of Hugging Face on loopback: the API, `resolve` (small files from a relative
 * redirect, large ones in LFS by an absolute one to storage with other ETags), ETag and Range.
 */
export async function startHuggingFaceServer(
  { id, files, listed = Object.keys(files), facts = {} }: HubContents,
  faultOf: (request: HubRequest, number: number) => HubFault = () => ({}),
): Promise<HuggingFaceServer> {
  const requests: HubRequest[] = []
  const held = new Set<ServerResponse>()
  const bytesOf = (name: string): Buffer | undefined => {
    const content = Object.hasOwn(files, name) ? files[name] : undefined
    return content === undefined ? undefined : Buffer.from(content as Uint8Array)
  }

  function answer(message: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(new URL(message.url ?? '/', 'http://localhost').pathname)
    const request = { method: message.method ?? 'GET', path, range: message.headers.range }
    const fault = faultOf(request, requests.push(request) - 1)
    if (fault.status) return void response.writeHead(fault.status, fault.headers).end()
    if (path === `/api/models/${id}/revision/main`) {
      const siblings = listed.map((rfilename) => ({ rfilename }))
      return void response.end(JSON.stringify({ id, sha: COMMIT, siblings, ...facts }))
    }
    const resolve = `/${id}/resolve/${COMMIT}/`
    const small = `/api/resolve-cache/models/${id}/${COMMIT}/`
    const prefix = [resolve, small, FAR].find((start) => path.startsWith(start))
    const name = path.slice(prefix?.length)
    const body = prefix && bytesOf(name)
    if (!body) return void response.writeHead(404).end()
    const sha256 = createHash('sha256').update(body).digest('hex')
    const git = createHash('sha1').update(`blob ${body.length}\0`).update(body).digest('hex')
    if (prefix === resolve && name.endsWith('.onnx')) {
      const headers = { 'x-linked-etag': `"${sha256}"`, 'x-linked-size': body.length, etag: '"of-the-redirect"' }
      return void response.writeHead(302, { ...headers, location: `http://127.0.0.1:${port()}${FAR}${name}` }).end()
    }
    if (prefix === resolve) return void response.writeHead(307, { location: `${small}${name}` }).end()
    send(response, request, fault, body, prefix === FAR ? '"of-the-storage"' : `"${git}"`)
  }

  function send(
    response: ServerResponse,
    { method, range }: HubRequest,
    fault: HubFault,
    all: Buffer,
    etag: string,
  ): void {
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
    const body = Buffer.from(all.subarray(from))
    if (fault.damage) body.reverse()
    const headers: Record<string, string | number> = { etag, 'content-length': body.length + (fault.lengthLie ?? 0) }
    if (from > 0) headers['content-range'] = `bytes ${from}-${all.length - 1}/${all.length}`
    response.strictContentLength = false
    response.writeHead(from > 0 ? 206 : 200, headers)
    if (method === 'HEAD') return void response.end()
    if (fault.holdAfter !== undefined) {
      held.add(response)
      return void response.write(body.subarray(0, fault.holdAfter))
    }
    if (fault.cutAfter === undefined && !fault.lengthLie) return void response.end(body)
    response.write(body.subarray(0, fault.cutAfter ?? body.length), () => response.socket?.destroySoon())
  }

  const server = createServer(answer)
  const port = (): number => (server.address() as AddressInfo).port
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return {
    origin: `http://127.0.0.1:${port()}`,
    requests,
    cut() {
      for (const response of held) response.destroy()
      held.clear()
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
