import { type Bytes, utf8 } from '../../src/lib/bytes.ts'
import type { SyntheticPack } from './synthetic-pack.ts'

/** A static host as a function: whole files, ranges, ETags, 304 and 404. Files can be replaced while it runs. */
export interface StaticSite {
  fetch(url: string, init: RequestInit): Promise<Response>
  put(path: string, contents: Bytes | string): void
  /** Puts manifest and blob of a pack into its folder. */
  publish(folder: string, pack: SyntheticPack): void
  delete(path: string): void
  readonly requests: { path: string; range: string | null; status: number; bytes: number }[]
  /** Bytes of bodies. */
  readonly served: number
}

export function createStaticSite(): StaticSite {
  const files = new Map<string, { bytes: Bytes; etag: string }>()
  const requests: StaticSite['requests'] = []
  let versions = 0

  const site: StaticSite = {
    requests,
    get served() {
      return requests.reduce((sum, { bytes }) => sum + bytes, 0)
    },
    put(path, contents) {
      files.set(path, { bytes: typeof contents === 'string' ? utf8(contents) : contents, etag: `"${++versions}"` })
    },
    publish(folder, pack) {
      site.put(`${folder}manifest.ndjson`, pack.text)
      site.put(`${folder}${pack.manifest.blob.path}`, pack.blob)
    },
    delete: (path) => void files.delete(path),
    async fetch(url, init) {
      init.signal?.throwIfAborted()
      const path = new URL(url, 'https://hub.test').pathname
      const headers = new Headers(init.headers)
      const range = headers.get('range')
      const answer = (status: number, body: Bytes | null, extra: Record<string, string> = {}): Response => {
        requests.push({ path, range, status, bytes: body?.length ?? 0 })
        return new Response(body, { status, headers: extra })
      }
      const file = files.get(path)
      if (!file) return answer(404, null)
      const { bytes, etag } = file
      if (headers.get('if-none-match') === etag) return answer(304, null, { etag })
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? []
      const stale = headers.has('if-range') && headers.get('if-range') !== etag
      if (from === undefined || stale) return answer(200, bytes, { etag, 'content-length': String(bytes.length) })
      if (Number(from) >= bytes.length) return answer(416, null)
      const part = bytes.slice(Number(from), Number(to) + 1)
      const end = Number(from) + part.length - 1
      return answer(206, part, { etag, 'content-range': `bytes ${from}-${end}/${bytes.length}` })
    },
  }
  return site
}
