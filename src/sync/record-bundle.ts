import { type Bytes, concat, fromUtf8, utf8 } from '../lib/bytes.ts'
import { sha256Hex } from '../lib/sha256.ts'
import { JikoError } from '../protocol/error.ts'
import {
  blobPath,
  CONTENT_DIGEST_HEADER,
  DEVICE_HEADER,
  formatContentDigest,
  MAX_BLOB_BYTES,
  MAX_SYNC_BYTES,
  SIGNATURE_HEADER,
  UPLOAD_COMPLETE_HEADER,
  UPLOAD_OFFSET_HEADER,
  uploadMessage,
} from '../protocol/hub.ts'
import { parseBundledRequest } from '../protocol/record-bundle.ts'
import type { StreamState } from '../store/store.ts'
import { composeRequest, type ExchangeDeps } from './exchange.ts'
import type { Outgoing } from './transport.ts'

/**
 * A bundle is the very requests that a sync would send, in a file: to be carried by hand, by Bluetooth, on a stick. Each
 * is signed by the device, so whoever carries it can neither read a key out of it nor change a byte, and a hub takes it in
 * by the code that takes in a sync. Replayed any number of times it has the effect of one.
 *
 * `JIKOREC1`, then for each request: the length of a head and of a body (4 bytes each, big-endian), the head as JSON
 * `{ method, path, headers }`, the body.
 */
const MAGIC = utf8('JIKOREC1')
const MAX_HEAD = 16 * 1024
/** Compressed bytes of one push. */
const BATCH = MAX_SYNC_BYTES / 2

function frame(path: string, { method, headers, body = new Uint8Array(0) }: Outgoing): Bytes {
  const head = utf8(JSON.stringify({ method, path, headers }))
  const lengths = new DataView(new ArrayBuffer(8))
  lengths.setUint32(0, head.length)
  lengths.setUint32(4, body.length)
  return concat(new Uint8Array(lengths.buffer), head, body)
}

type BundleDeps = Omit<ExchangeDeps, 'hubUrl' | 'trust' | 'pace' | 'fetch' | 'storage'>

async function photoRequest(sha256: string, bytes: Bytes, { program, store }: BundleDeps): Promise<Outgoing> {
  const { signer } = store
  const digest = await sha256Hex(bytes)
  return {
    method: 'PATCH',
    headers: {
      'content-type': 'application/partial-upload',
      [UPLOAD_OFFSET_HEADER]: '0',
      [UPLOAD_COMPLETE_HEADER]: '?1',
      [CONTENT_DIGEST_HEADER]: formatContentDigest(digest),
      [DEVICE_HEADER]: signer.key,
      [SIGNATURE_HEADER]: await signer.sign(uploadMessage('PATCH', blobPath(program, sha256), 0, true, digest)),
    },
    body: bytes,
  }
}

async function* pushesOf(stream: StreamState, heads: readonly StreamState[], deps: BundleDeps) {
  const pace = { bytes: BATCH, perLine: 60 }
  for (let from = stream.final + 1; from <= stream.tip; ) {
    const { outgoing, lines } = await composeRequest(heads, { stream: stream.stream, from }, {}, { ...deps, pace })
    yield outgoing
    from += lines
  }
}

/**
 * What is not final yet, records before photos, as parts of a file, without the photos that somebody is to look at first.
 * Photos are read one at a time.
 * @param most attachments, at most.
 */
export async function* writeRecordBundle(deps: BundleDeps, most = 10_000): AsyncGenerator<Bytes> {
  const { store, program, moment } = deps
  await store.attachmentsDue(moment())
  yield MAGIC
  const streams = await store.streams()
  for (const stream of streams) {
    for await (const outgoing of pushesOf(stream, streams, deps)) yield frame(`/v1/${program}/sync`, outgoing)
  }
  const waiting = (await store.waitingAttachments(most)).map(({ sha256 }) => sha256)
  for (const sha256 of [...waiting, ...(await store.heldAttachments(most))]) {
    const photo = await store.attachment(sha256)
    if (!photo || photo.size > MAX_BLOB_BYTES) continue
    const bytes = new Uint8Array(await photo.arrayBuffer())
    yield frame(blobPath(program, sha256), await photoRequest(sha256, bytes, deps))
  }
}

export interface Replayed {
  /** Requests that the hub took, and those it refused: a photo whose record is in quarantine, say. */
  taken: number
  refused: number
}

/**
 * Sends the requests of a bundle, in order. It can be broken off and begun again at any place.
 * @param send to the hub: its answer's status counts, what it says is the device's to believe at its next sync.
 * @throws JikoError `sync/bad-bundle` at the first byte that is not of one; what came before was sent.
 */
export async function replayRecordBundle(
  file: Blob,
  send: (request: { method: string; path: string; headers: Record<string, string>; body: Bytes }) => Promise<Response>,
  signal?: AbortSignal,
): Promise<Replayed> {
  const bad = (what: string): JikoError => new JikoError('sync/bad-bundle', `not a bundle of records: ${what}`)
  let at = 0
  async function take(length: number, what: string): Promise<Bytes> {
    const bytes = new Uint8Array(await file.slice(at, at + length).arrayBuffer())
    if (bytes.length < length) throw bad(`it ends in the middle of ${what}, at byte ${file.size}`)
    at += length
    return bytes
  }
  const magic = await take(MAGIC.length, 'its first word')
  if (fromLatin(magic) !== fromLatin(MAGIC)) throw bad('it begins with something else')
  const replayed = { taken: 0, refused: 0 }
  while (at < file.size) {
    signal?.throwIfAborted()
    const lengths = new DataView((await take(8, 'a length')).buffer)
    const [head, body] = [lengths.getUint32(0), lengths.getUint32(4)]
    if (head > MAX_HEAD || body > MAX_BLOB_BYTES) throw bad(`a request of ${head} and ${body} bytes at byte ${at}`)
    const text = await take(head, 'a head')
    const { ok } = await send({ ...parseBundledRequest(decode(text, bad)), body: await take(body, 'a body') })
    replayed[ok ? 'taken' : 'refused'] += 1
  }
  return replayed
}

const fromLatin = (bytes: Bytes): string => String.fromCharCode(...bytes)

function decode(bytes: Bytes, bad: (what: string) => JikoError): string {
  try {
    return fromUtf8(bytes)
  } catch {
    throw bad('a head that is no text')
  }
}
