import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
}

/** The hub's own policy, so that a style attribute or an inline script fails here too. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; media-src 'self' blob:"

export interface FolderServer {
  readonly origin: string
  /** Paths asked for so far, in order. */
  readonly asked: string[]
  /** Answers something else than is in the file, where it answers at all. */
  change: (path: string, body: Buffer) => Buffer | undefined
  /** Stops answering, as if the network were gone; `open` goes on at the same address. */
  close(): Promise<void>
  open(): Promise<void>
}

/**
 * Serves files for a test. Folders are mounted at path prefixes; the longest that fits wins. @param options.kept browsers may
 * keep them: none is asked for twice.
 */
export async function serveFolders(
  mounts: Readonly<Record<string, string>>,
  { policy = CONTENT_SECURITY_POLICY, kept = false }: { policy?: string; kept?: boolean } = {},
): Promise<FolderServer> {
  const prefixes = Object.keys(mounts).sort((a, b) => b.length - a.length)
  const asked: string[] = []
  let listening: Server
  let port = 0

  async function answer(path: string): Promise<{ body: Buffer; type: string } | undefined> {
    const prefix = prefixes.find((candidate) => path.startsWith(candidate))
    const folder = prefix && mounts[prefix]
    if (!folder) return undefined
    const rest = path.slice(prefix.length)
    const file = rest === '' || rest.endsWith('/') ? `${rest}index.html` : rest
    const body = await readFile(join(folder, file)).catch(() => undefined)
    return body && { body, type: TYPES[extname(file)] ?? 'application/octet-stream' }
  }

  async function open(): Promise<void> {
    listening = createServer((request, response) => {
      const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
      asked.push(path)
      void answer(path).then((found) => {
        if (!found) return response.writeHead(404).end()
        response.setHeader('content-type', found.type)
        response.setHeader('content-security-policy', policy)
        if (kept) response.setHeader('cache-control', 'max-age=3600, immutable')
        response.end(server.change(path, found.body) ?? found.body)
      })
    })
    await new Promise<void>((done, fail) => {
      listening.once('error', fail)
      listening.listen(port, '127.0.0.1', done)
    })
    port = (listening.address() as AddressInfo).port
  }

  const server: FolderServer = {
    get origin() {
      return `http://localhost:${port}`
    },
    asked,
    change: () => undefined,
    open,
    close: () =>
      new Promise((done) => {
        listening.close(() => done())
        listening.closeAllConnections()
      }),
  }
  await open()
  return server
}
