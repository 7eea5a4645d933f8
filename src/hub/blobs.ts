import { JikoError } from '../protocol/error.ts'
import { MAX_BLOB_BYTES, UPLOAD_COMPLETE_HEADER, UPLOAD_OFFSET_HEADER } from '../protocol/hub.ts'
import { type BlobStore, checkOffset } from './blob-store/blob-store.ts'
import type { HubStore } from './store/store.ts'
import { createTurns } from './turns.ts'
import { checkUpload, receivePiece } from './upload.ts'

/** Types that a browser shows without running anything; all else is handed over as bytes. */
const SHOWN = new Set(['image/jpeg', 'image/png', 'image/webp', 'audio/wav', 'audio/mpeg', 'audio/ogg', 'audio/webm'])

export interface BlobDeps {
  store: HubStore
  blobs: BlobStore
  now: () => number
  /** Called once the device has proven who it is. @throws JikoError `hub/too-often`. */
  admit: (device: string) => void
  /** Called after an attachment became whole. */
  onNews?: () => void
}

function answer(status: number, offset: number, whole: boolean): Response {
  return new Response(null, {
    status,
    headers: {
      [UPLOAD_OFFSET_HEADER]: String(offset),
      [UPLOAD_COMPLETE_HEADER]: whole ? '?1' : '?0',
      'upload-limit': `max-size=${MAX_BLOB_BYTES}`,
      'cache-control': 'no-store',
    },
  })
}

/** Attachments over HTTP, as `blobPath` in `protocol/hub.ts` says. */
export function createBlobs({ store, blobs, now, admit, onNews }: BlobDeps) {
  const takeTurn = createTurns()

  /** A hub killed between the file and its note in the database finds the file, and notes it now. */
  async function note(program: string, sha256: string, bytes: number): Promise<void> {
    await store.addBlob(program, { sha256, bytes, at: now() })
    onNews?.()
  }

  async function checkNamed(program: string, sha256: string): Promise<{ type: string; whole: boolean }> {
    const named = await store.namedBlob(program, sha256)
    if (!named) throw new JikoError('hub/no-blob', 'no record here names this attachment: send its record first')
    return named
  }

  return {
    async head(program: string, sha256: string, request: Request): Promise<Response> {
      const { device } = await checkUpload(store, request, program, sha256)
      admit(device)
      const named = await checkNamed(program, sha256)
      const { bytes, whole } = await takeTurn(`${program}/${sha256}`, () => blobs.status(program, sha256))
      if (whole && !named.whole) await note(program, sha256, bytes)
      return answer(200, bytes, whole)
    },

    async patch(program: string, sha256: string, request: Request): Promise<Response> {
      const { device, piece } = await checkUpload(store, request, program, sha256)
      admit(device)
      await checkNamed(program, sha256)
      return await takeTurn(`${program}/${sha256}`, async (signal) => {
        const there = await blobs.status(program, sha256)
        if (!there.whole) {
          // All of it in one piece, as from a bundle: better than the part that is here and cannot be continued with it.
          if (piece.offset === 0 && piece.complete && piece.digest === sha256 && there.bytes > 0) {
            await blobs.truncate(program, sha256, 0)
            there.bytes = 0
          }
          checkOffset(piece.offset, there.bytes)
          const offset = await receivePiece(blobs, program, sha256, piece, request.body, signal)
          if (!piece.complete) return answer(204, offset, false)
          if (!(await blobs.finish(program, sha256))) {
            throw new JikoError(
              'hub/hash-mismatch',
              'the attachment has another SHA-256 than its name: send it anew from 0',
            )
          }
        }
        const { bytes } = await blobs.status(program, sha256)
        await note(program, sha256, bytes)
        return answer(201, bytes, true)
      })
    },

    async get(program: string, sha256: string, request: Request): Promise<Response> {
      const { type } = await checkNamed(program, sha256)
      const blob = await blobs.read(program, sha256)
      if (!blob) throw new JikoError('hub/no-blob', 'this attachment is not whole here yet')
      const etag = `"${sha256}"`
      const headers = { etag, 'cache-control': 'private, max-age=31536000, immutable' }
      if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers })
      const shown = SHOWN.has(type)
      return new Response(blob.stream(), {
        headers: {
          ...headers,
          'content-type': shown ? type : 'application/octet-stream',
          'content-length': String(blob.bytes),
          ...(!shown && { 'content-disposition': 'attachment' }),
          'content-security-policy': "default-src 'none'; sandbox",
        },
      })
    },
  }
}
