import { createHash } from 'node:crypto'
import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import {
  blobPath,
  CONTENT_DIGEST_HEADER,
  DEVICE_HEADER,
  MAX_BLOB_BYTES,
  NO_BYTES_DIGEST,
  parseContentDigest,
  SIGNATURE_HEADER,
  UPLOAD_COMPLETE_HEADER,
  UPLOAD_OFFSET_HEADER,
  uploadMessage,
} from '../protocol/hub.ts'
import { verify } from '../protocol/sign.ts'
import type { BlobStore } from './blob-store/blob-store.ts'
import { cutOff } from './body.ts'
import type { HubStore } from './store/store.ts'

/** What a signed request says of the piece it carries. */
export interface Piece {
  offset: number
  /** The last one. */
  complete: boolean
  /** SHA-256 of the piece, hex. */
  digest: string
}

/** A `HEAD` carries no piece. */
const NO_PIECE: Piece = { offset: 0, complete: false, digest: NO_BYTES_DIGEST }

/** @throws JikoError `hub/bad-request`. */
function readPiece({ headers }: Request): Piece {
  const offset = headers.get(UPLOAD_OFFSET_HEADER) ?? ''
  const complete = headers.get(UPLOAD_COMPLETE_HEADER) ?? ''
  const digest = parseContentDigest(headers.get(CONTENT_DIGEST_HEADER) ?? '')
  if (!/^\d{1,15}$/.test(offset))
    throw new JikoError('hub/bad-request', `expected ${UPLOAD_OFFSET_HEADER}: a number of bytes`)
  if (!/^\?[01]$/.test(complete)) throw new JikoError('hub/bad-request', `expected ${UPLOAD_COMPLETE_HEADER}: ?0 or ?1`)
  if (!digest)
    throw new JikoError('hub/bad-request', `expected ${CONTENT_DIGEST_HEADER}: sha-256=:<base64>: of this piece`)
  return { offset: Number(offset), complete: complete === '?1', digest }
}

/**
 * Believes the headers of a `HEAD` or `PATCH`: a device that has synced before has signed them.
 * @throws JikoError `hub/unsigned`, `hub/bad-signature`, `hub/unknown-device`, `hub/revoked`, `hub/bad-request`.
 */
export async function checkUpload(
  store: HubStore,
  request: Request,
  program: string,
  sha256: string,
): Promise<{ device: string; piece: Piece }> {
  const method = request.method === 'HEAD' ? 'HEAD' : 'PATCH'
  const piece = method === 'HEAD' ? NO_PIECE : readPiece(request)
  const device = request.headers.get(DEVICE_HEADER)
  const signature = request.headers.get(SIGNATURE_HEADER)
  if (device === null || signature === null) {
    throw new JikoError(
      'hub/unsigned',
      `attachments are sent with the headers ${DEVICE_HEADER} and ${SIGNATURE_HEADER}`,
    )
  }
  const message = uploadMessage(method, blobPath(program, sha256), piece.offset, piece.complete, piece.digest)
  if (!(await verify(device, message, signature))) {
    throw new JikoError('hub/bad-signature', 'the signature is not of this upload by this device')
  }
  const known = await store.device(program, device)
  if (!known) throw new JikoError('hub/unknown-device', 'this device has not synced here yet: sync first')
  if (known.revokedAt !== undefined) throw new JikoError('hub/revoked', 'this device was revoked')
  return { device, piece }
}

/**
 * Writes a piece as it arrives. What came before a connection broke stays; a piece that is not what its digest says is
 * taken back. `signal` stops it when the same blob is asked for anew.
 * @throws JikoError `hub/bad-request`, `hub/too-large`, `hub/busy`.
 */
export async function receivePiece(
  blobs: BlobStore,
  program: string,
  sha256: string,
  piece: Piece,
  body: ReadableStream<Uint8Array> | null,
  signal: AbortSignal,
): Promise<number> {
  const hash = createHash('sha256')
  let offset = piece.offset
  const reader = body?.getReader()
  const stop = (): void => void reader?.cancel().catch(() => undefined)
  signal.addEventListener('abort', stop, { once: true })
  try {
    for (;;) {
      const { done, value } = (await reader?.read().catch(cutOff)) ?? { done: true, value: undefined }
      if (signal.aborted) throw new JikoError('hub/busy', 'the same attachment is being sent anew: ask how far it is')
      if (done) break
      if (offset + value.length > MAX_BLOB_BYTES) {
        await blobs.truncate(program, sha256, 0)
        throw new JikoError('hub/too-large', `an attachment has at most ${MAX_BLOB_BYTES} bytes`)
      }
      hash.update(value)
      await blobs.append(program, sha256, offset, value as Bytes)
      offset += value.length
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
    await blobs.flush(program, sha256)
  }
  if (hash.digest('hex') === piece.digest) return offset
  await blobs.truncate(program, sha256, piece.offset)
  throw new JikoError('hub/bad-request', `the piece at ${piece.offset} is not what its ${CONTENT_DIGEST_HEADER} says`)
}
