import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createMemo } from '../../lib/memo.ts'
import { acceptedEncodings, ENCODINGS } from './encoding.ts'
import { innerPath, type LocatedFile, locate } from './locate.ts'
import { mediaType } from './media-type.ts'
import { parseRange } from './range.ts'

export interface FilesOptions {
  root: string
  /** Answer `Range`: for what is fetched in pieces. */
  ranges: boolean
  /** True when the bytes under this inner path can never change. */
  isImmutable: (inner: string) => boolean
}

const IMMUTABLE = 'public, max-age=31536000, immutable'
/** Kept by the browser, asked for each time: costs a 304. */
const REVALIDATED = 'no-cache'

/** The content's own hash: two hubs, or one after a rebuild, give the same tag for the same bytes, so no byte goes twice. */
async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('base64url').slice(0, 32)
}

const isNamedIn = (header: string | null, etag: string): boolean =>
  header !== null && (header.trim() === '*' || header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag))

/** Serves the files of a folder: precompressed where there is such a file, by `Range`, with strong ETags. */
export function createFiles({ root, ranges, isImmutable }: FilesOptions) {
  const hashes = createMemo<string, string>()
  const tagOf = ({ stamp, path }: LocatedFile): Promise<string> => hashes.get(`${stamp} ${path}`, () => hashOf(path))

  function bodyOf(request: Request, { path }: LocatedFile, range?: { start: number; end: number }) {
    if (request.method === 'HEAD') return null
    return Readable.toWeb(createReadStream(path, range ?? {})) as ReadableStream<Uint8Array>
  }

  /** The answer for a path below the folder; undefined when there is no such file. */
  return async (request: Request, pathname: string): Promise<Response | undefined> => {
    const inner = innerPath(pathname)
    const plain = inner && (await locate(root, inner))
    if (!inner || !plain) return undefined

    const wantsPart = ranges && request.headers.has('range')
    const variants = await Promise.all(ENCODINGS.map(({ suffix }) => locate(root, inner + suffix)))
    const accepted = wantsPart ? [] : acceptedEncodings(request.headers.get('accept-encoding'))
    const encoding = accepted.find((candidate) => variants[ENCODINGS.indexOf(candidate)])
    const file = (encoding && variants[ENCODINGS.indexOf(encoding)]) ?? plain

    const etag = `"${await tagOf(plain)}${encoding ? `-${encoding.name}` : ''}"`
    const headers = new Headers({ etag, 'cache-control': isImmutable(inner) ? IMMUTABLE : REVALIDATED })
    if (variants.some(Boolean)) headers.set('vary', 'accept-encoding')
    if (isNamedIn(request.headers.get('if-none-match'), etag)) return new Response(null, { status: 304, headers })

    headers.set('content-type', mediaType(inner))
    if (ranges) headers.set('accept-ranges', 'bytes')
    if (encoding) headers.set('content-encoding', encoding.name)
    const ifRange = request.headers.get('if-range')
    const range =
      wantsPart && (ifRange === null || ifRange === etag)
        ? parseRange(request.headers.get('range'), file.size)
        : undefined
    if (range === 'unsatisfiable') {
      headers.set('content-range', `bytes */${file.size}`)
      return new Response(null, { status: 416, headers })
    }
    if (range) {
      headers.set('content-range', `bytes ${range.start}-${range.end}/${file.size}`)
      headers.set('content-length', String(range.end - range.start + 1))
      return new Response(bodyOf(request, file, range), { status: 206, headers })
    }
    headers.set('content-length', String(file.size))
    return new Response(bodyOf(request, file), { headers })
  }
}
