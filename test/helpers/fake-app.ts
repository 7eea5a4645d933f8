import { createReadStream } from 'node:fs'
import { access } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, resolve } from 'node:path'
import { build } from 'vite'
import { appConfig } from '../../vite.config.ts'
import type { FakePageOptions } from './fake-app/main.ts'

const FOLDER = resolve('dist/fake-app')
const SAMPLES = resolve('models/coffee-leaf/samples')
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.jpg': 'image/jpeg',
  '.svg': 'image/svg+xml',
}
/** The hub's own policy, so that a style attribute or an inline script fails here too. */
export const CONTENT_SECURITY_POLICY =
  "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:"

export interface FakeApp {
  /** @param hash where in the app, like `#/history`. */
  url(options?: FakePageOptions, hash?: string): string
  close(): Promise<void>
}

/** Builds the real app on the fake kit and serves it, with the sample photos under `/samples/`. */
export async function serveFakeApp(): Promise<FakeApp> {
  const config = appConfig([])
  await build({
    ...config,
    configFile: false,
    logLevel: 'warn',
    root: 'test/helpers/fake-app',
    publicDir: resolve('src/app/public'),
    build: { ...config.build, outDir: FOLDER, minify: false, license: false },
  })
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    const file = path.startsWith('/samples/')
      ? join(SAMPLES, path.slice('/samples'.length))
      : join(FOLDER, path === '/' ? 'index.html' : path)
    access(file).then(
      () => {
        response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream')
        response.setHeader('content-security-policy', CONTENT_SECURITY_POLICY)
        createReadStream(file).pipe(response)
      },
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: (options = {}, hash = '') =>
      `http://localhost:${port}/?kit=${encodeURIComponent(JSON.stringify(options))}${hash}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
