import { gzipSync } from 'node:zlib'
import { type Bytes, randomBytes, toBase64Url } from '../../src/lib/bytes.ts'
import { sha256, sha256Hex } from '../../src/lib/sha256.ts'
import {
  blobPath,
  CONTENT_DIGEST_HEADER,
  DEVICE_HEADER,
  formatContentDigest,
  NO_BYTES_DIGEST,
  SIGNATURE_HEADER,
  type SyncRequest,
  UPLOAD_COMPLETE_HEADER,
  UPLOAD_OFFSET_HEADER,
  uploadMessage,
} from '../../src/protocol/hub.ts'
import { EMPTY_HASH, headMessage, nextHash, streamId } from '../../src/protocol/log.ts'
import type { Attachment, ResultBody } from '../../src/protocol/record.ts'
import { createSigner, generateKeyPair, type Signer } from '../../src/protocol/sign.ts'

const moment = { wall: 1_790_000_000_000, mono: 1, session: 's', zone: 180 }

/** A line as the app writes one. */
export function resultLine(label: string, change: Partial<ResultBody> = {}): string {
  return JSON.stringify({
    v: 1,
    kind: 'result',
    at: moment,
    task: 'image-classification',
    pack: { name: 'coffee-leaf', version: '1.0.0', digest: 'a'.repeat(64) },
    variant: 'int8',
    backend: 'nano 1',
    prep: '1',
    answer: { kind: 'classes', label, score: 0.93, sure: true },
    scores: [
      [label, 0.93],
      ['healthy', 0.07],
    ],
    threshold: 0.6,
    ms: 40,
    attachments: [],
    ...change,
  } satisfies ResultBody)
}

export const photoOf = async (bytes: Bytes, role: Attachment['role'] = 'input'): Promise<Attachment> => ({
  sha256: await sha256Hex(bytes),
  type: 'image/jpeg',
  bytes: bytes.length,
  role,
})

/** What is wrong with a request on purpose. */
export interface Tampering {
  signature?: string | null
  encoding?: string | null
  body?: Bytes
}

export interface UploadOptions {
  offset?: number
  complete?: boolean
  /** What the digest header says; the piece's own when left out. */
  digest?: string
  signature?: string
}

/** A phone without a screen: one key, one log, and requests as the protocol wants them. */
export interface FakePhone {
  readonly key: string
  readonly stream: string
  readonly epoch: string
  readonly lines: readonly string[]
  append(...lines: string[]): Promise<void>
  /** H(seq). */
  hashAt(seq: number): string
  head(seq?: number): Promise<[number, string, string]>
  /** A request that announces the whole log and sends lines `from..to` of it; nothing when `from` is left out. */
  request(push?: { from: number; to?: number }): Promise<SyncRequest>
  /** Compresses and signs anything as a request to `origin`. */
  seal(body: unknown, origin: string, tampering?: Tampering): Promise<Request>
  blobHead(sha256: string, origin: string): Promise<Request>
  patch(sha256: string, piece: Bytes, origin: string, options?: UploadOptions): Promise<Request>
  /** The same key and log, going its own way from here: a restored backup, a copied profile. */
  clone(): FakePhone
}

export async function createFakePhone(program = 'default'): Promise<FakePhone> {
  const signer = await createSigner(await generateKeyPair(false))
  const epoch = toBase64Url(randomBytes(16))
  return makePhone(program, signer, epoch, await streamId(signer.key, epoch), [], [EMPTY_HASH])
}

function makePhone(
  program: string,
  signer: Signer,
  epoch: string,
  stream: string,
  lines: string[],
  hashes: string[],
): FakePhone {
  const hashAt = (seq: number): string => hashes[seq] ?? 'no such line'

  async function head(seq = lines.length): Promise<[number, string, string]> {
    return [seq, hashAt(seq), await signer.sign(headMessage(program, stream, seq, hashAt(seq)))]
  }

  return {
    key: signer.key,
    stream,
    epoch,
    lines,
    hashAt,
    head,
    async append(...added) {
      for (const line of added) {
        hashes.push(await nextHash(hashAt(lines.length), line))
        lines.push(line)
      }
    },
    async request(push) {
      return {
        v: 1,
        device: { key: signer.key, epochs: { [stream]: epoch } },
        heads: { [stream]: await head() },
        clock: { wall: moment.wall, mono: 5, session: 's' },
        ...(push && { push: { stream, from: push.from, lines: lines.slice(push.from - 1, push.to) } }),
        app: 'fake 1',
      }
    },
    async seal(body, origin, { signature, encoding = 'gzip', body: forced } = {}) {
      const bytes = forced ?? new Uint8Array(gzipSync(JSON.stringify(body)))
      const signed = signature === undefined ? await signer.sign(await sha256(bytes)) : signature
      return new Request(new URL(`/v1/${program}/sync`, origin), {
        method: 'POST',
        body: bytes,
        headers: {
          ...(encoding !== null && { 'content-encoding': encoding }),
          ...(signed !== null && { [SIGNATURE_HEADER]: signed }),
        },
      })
    },
    async blobHead(sha256Name, origin) {
      const path = blobPath(program, sha256Name)
      const signature = await signer.sign(uploadMessage('HEAD', path, 0, false, NO_BYTES_DIGEST))
      const headers = { [DEVICE_HEADER]: signer.key, [SIGNATURE_HEADER]: signature }
      return new Request(new URL(path, origin), { method: 'HEAD', headers })
    },
    async patch(sha256Name, piece, origin, { offset = 0, complete = true, digest, signature } = {}) {
      const path = blobPath(program, sha256Name)
      const said = digest ?? (await sha256Hex(piece))
      return new Request(new URL(path, origin), {
        method: 'PATCH',
        body: piece,
        headers: {
          [DEVICE_HEADER]: signer.key,
          [SIGNATURE_HEADER]: signature ?? (await signer.sign(uploadMessage('PATCH', path, offset, complete, said))),
          [UPLOAD_OFFSET_HEADER]: String(offset),
          [UPLOAD_COMPLETE_HEADER]: complete ? '?1' : '?0',
          [CONTENT_DIGEST_HEADER]: formatContentDigest(said),
        },
      })
    },
    clone: () => makePhone(program, signer, epoch, stream, [...lines], [...hashes]),
  }
}
