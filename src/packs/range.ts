import { JikoError } from '../protocol/error.ts'
import { isPage, portalError, statusError } from './link.ts'

/** What was asked of a server: bytes `start` to `end` (exclusive) of a file that is `length` bytes long. */
export interface Asked {
  start: number
  end: number
  length: number
}

export function rangeHeaders({ start, end }: Asked, etag: string | undefined): Record<string, string> {
  const headers: Record<string, string> = { range: `bytes=${start}-${end - 1}` }
  // A server whose file has changed answers 200 with the new one, instead of bytes that fit nothing.
  if (etag) headers['if-range'] = etag
  return headers
}

/** An ETag that promises the same bytes; a weak one does not. Across origins `If-Range` would cost a preflight that few servers answer. */
export function strongEtag(response: Response): string | undefined {
  const etag = response.headers.get('etag')
  return etag?.startsWith('"') && response.type !== 'cors' ? etag : undefined
}

/**
 * Where in the file the body of this response begins. Trusts nothing that can be checked later: the hash of each
 * chunk decides, this only tells early what cannot be right.
 * @throws JikoError `download/captive-portal`, `download/changed` (another file than the manifest describes),
 * `download/bad-range`, `download/encoded` (compressed on the way, offsets mean nothing), `download/not-found`, `download/server`, ...
 */
export function bodyStart(url: string, response: Response, { start, length }: Asked): number {
  if (response.ok && isPage(response)) throw portalError(url)
  const encoding = encodingOf(response)
  const encoded = encoding !== undefined
  if (response.status === 206) {
    // Not readable across origins unless exposed; then the hashes alone must do.
    const range = response.headers.get('content-range')
    if (range === null) return start
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(range.trim()) ?? []
    if (total !== undefined && total !== '*' && Number(total) !== length) {
      throw encoded ? encodedError(url, encoding) : changedError(url, length, Number(total))
    }
    if (from === undefined || Number(from) !== start) {
      throw new JikoError('download/bad-range', `Asked ${url} for bytes from ${start}, got "${range}".`, {
        detail: { start, got: range },
      })
    }
    return start
  }
  if (response.status === 200) {
    const size = Number(response.headers.get('content-length') ?? Number.NaN)
    // Across origins `Content-Encoding` cannot be read, so the length may be that of the compressed body.
    if (!encoded && response.type !== 'cors' && Number.isFinite(size) && size !== length) {
      throw changedError(url, length, size)
    }
    return 0
  }
  if (response.status === 416) throw changedError(url, length, 0)
  throw statusError(url, response)
}

/** Does this answer to a request for the whole file come compressed on the way, as far as can be seen? */
export function looksEncoded(response: Response, length: number): boolean {
  if (response.status !== 200) return false
  if (encodingOf(response) !== undefined) return true
  // Across origins only the length can be read, and that is the one of the compressed body.
  const size = response.headers.get('content-length')
  return response.type === 'cors' && size !== null && Number(size) !== length
}

const encodingOf = (response: Response): string | undefined => {
  const encoding = response.headers.get('content-encoding')
  return encoding && encoding !== 'identity' ? encoding : undefined
}

const changedError = (url: string, expected: number, got: number): JikoError =>
  new JikoError('download/changed', `${url} is not the file of this manifest (${got} bytes, expected ${expected}).`, {
    detail: { expected, got },
  })

const encodedError = (url: string, encoding: string): JikoError =>
  new JikoError(
    'download/encoded',
    `${url} comes compressed (${encoding}) on the way, so parts of it cannot be asked for.`,
    {
      detail: { encoding },
    },
  )
