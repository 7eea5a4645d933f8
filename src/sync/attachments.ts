import type { Bytes } from '../lib/bytes.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import {
  blobPath,
  CONTENT_DIGEST_HEADER,
  DEVICE_HEADER,
  formatContentDigest,
  MAX_BLOB_BYTES,
  NO_BYTES_DIGEST,
  SIGNATURE_HEADER,
  UPLOAD_COMPLETE_HEADER,
  UPLOAD_OFFSET_HEADER,
  uploadMessage,
} from '../protocol/hub.ts'
import type { Signer } from '../protocol/sign.ts'
import { refusal } from './answer.ts'
import type { ExchangeDeps } from './exchange.ts'
import { isPassing, type Persist } from './persist.ts'
import { type Reply, send } from './transport.ts'

/** A piece is in memory here and at the hub. */
const MOST_PIECE = 256 * 1024
/** Enough for the pieces to shrink below whatever a proxy between lets through. */
const MAX_REFUSALS = 12

/** How far the hub has an attachment; undefined when no record that it accepted names it. */
type Whereabouts = { offset: number; complete: boolean } | undefined

/** A hub that passes on what it took in sends like a phone, without a phone's store. */
export type UploadDeps = Omit<ExchangeDeps, 'store' | 'app' | 'storage' | 'trust'> & { store: { signer: Signer } }

/** `unwanted`: the hub will not take it (its record is in quarantine, say). It goes on waiting, and holds nobody else up. */
export type Outcome = 'done' | 'unwanted' | 'interrupted'

/**
 * Sends one attachment from where the hub has it, in pieces that fit the link. What arrived is not sent again.
 * @param yields asked between pieces: true stops here, since records go before photos.
 * @throws JikoError `sync/...`
 */
export async function sendAttachment(
  sha256: string,
  photo: Blob,
  yields: () => Promise<boolean>,
  deps: UploadDeps,
  persist: Persist,
  signal?: AbortSignal,
): Promise<Outcome> {
  if (photo.size > MAX_BLOB_BYTES) return 'unwanted'
  let there = await persist.attempt(() => ask(sha256, deps, signal), signal)
  for (let refusals = 0; there && !there.complete; ) {
    if (await yields()) return 'interrupted'
    const { offset }: { offset: number } = there
    if (offset > photo.size) {
      throw new JikoError('sync/hub-error', `the hub has ${offset} bytes of an attachment of ${photo.size}`)
    }
    there = await persist.attempt(() => sendFrom(sha256, photo, offset, deps, signal), signal)
    if (there && (there.complete || there.offset > offset)) persist.progressed()
    else if (++refusals > MAX_REFUSALS) throw new JikoError('sync/hub-error', `the hub takes no more of ${sha256}`)
  }
  return there ? 'done' : 'unwanted'
}

async function ask(sha256: string, deps: UploadDeps, signal?: AbortSignal): Promise<Whereabouts> {
  const path = blobPath(deps.program, sha256)
  const signature = await deps.store.signer.sign(uploadMessage('HEAD', path, 0, false, NO_BYTES_DIGEST))
  const headers = { [DEVICE_HEADER]: deps.store.signer.key, [SIGNATURE_HEADER]: signature }
  const reply = await send(new URL(`.${path}`, deps.hubUrl).href, { method: 'HEAD', headers }, deps, signal)
  if (reply.status === 404) return undefined
  return reply.status === 200 ? whereabouts(reply) : fail(reply)
}

/** One piece. When the connection breaks under it, the hub is asked at once how much of it arrived. */
async function sendFrom(
  sha256: string,
  photo: Blob,
  offset: number,
  deps: UploadDeps,
  signal?: AbortSignal,
): Promise<Whereabouts> {
  const { pace, moment } = deps
  const end = Math.min(photo.size, offset + Math.min(MOST_PIECE, pace.bytes))
  const piece: Bytes = new Uint8Array(await photo.slice(offset, end).arrayBuffer())
  const begun = moment().mono
  try {
    const there = await patch(sha256, piece, offset, end === photo.size, deps, signal)
    if (there && there.offset === end) pace.succeeded(piece.length, moment().mono - begun, 0)
    return there
  } catch (error) {
    if (signal?.aborted || !isPassing(error)) throw error
    const there = await ask(sha256, deps, signal).catch(() => {
      pace.failed()
      throw error
    })
    const arrived = there === undefined || there.complete || there.offset > offset
    // What came of a piece is kept, so a connection that breaks wastes nothing: smaller pieces would only cost more headers.
    // One that falls silent is found out the later the larger the piece.
    if (!arrived || !broke(error)) pace.failed()
    if (!arrived) throw error
    return there
  }
}

const broke = (error: unknown): boolean => error instanceof JikoError && error.code === 'sync/offline'

async function patch(
  sha256: string,
  piece: Bytes,
  offset: number,
  complete: boolean,
  deps: UploadDeps,
  signal?: AbortSignal,
): Promise<Whereabouts> {
  const { signer } = deps.store
  const path = blobPath(deps.program, sha256)
  const digest = await sha256Hex(piece)
  const headers = {
    'content-type': 'application/partial-upload',
    [UPLOAD_OFFSET_HEADER]: String(offset),
    [UPLOAD_COMPLETE_HEADER]: complete ? '?1' : '?0',
    [CONTENT_DIGEST_HEADER]: formatContentDigest(digest),
    [DEVICE_HEADER]: signer.key,
    [SIGNATURE_HEADER]: await signer.sign(uploadMessage('PATCH', path, offset, complete, digest)),
  }
  const url = new URL(`.${path}`, deps.hubUrl).href
  const reply = await send(url, { method: 'PATCH', headers, body: piece }, deps, signal)
  switch (reply.status) {
    case 200:
    case 201:
    case 204:
    case 409:
      return whereabouts(reply)
    // It was damaged on its way: this piece, or some earlier one that only shows at the end.
    case 400:
      return { offset, complete: false }
    case 422:
      return { offset: 0, complete: false }
    case 404:
      return undefined
    case 413:
      deps.pace.failed()
      return { offset, complete: false }
    default:
      return fail(reply)
  }
}

/** The explicit word of a hub: a captive portal answers 204 too, without these headers. */
function whereabouts(reply: Reply): Whereabouts {
  const offset = reply.headers.get(UPLOAD_OFFSET_HEADER) ?? ''
  if (!/^\d{1,15}$/.test(offset)) return fail({ ...reply, status: 200 })
  return { offset: Number(offset), complete: reply.headers.get(UPLOAD_COMPLETE_HEADER) === '?1' }
}

function fail(reply: Reply): never {
  throw refusal(reply)
}
