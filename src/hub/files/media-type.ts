/** What a phone's browser insists on: a module that is not `text/javascript` does not run, wasm of another type compiles late. */
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  mjs: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  ndjson: 'application/x-ndjson',
  webmanifest: 'application/manifest+json',
  wasm: 'application/wasm',
  svg: 'image/svg+xml',
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  txt: 'text/plain; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
}

export function mediaType(path: string): string {
  const [, extension = ''] = /\.([a-z0-9]+)$/i.exec(path) ?? []
  return TYPES[extension.toLowerCase()] ?? 'application/octet-stream'
}
