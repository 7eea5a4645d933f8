import { type Bytes, concat, fromBase64Url, fromHex, toBase32, toHex, utf8 } from '../lib/bytes.ts'
import { sha256 } from '../lib/sha256.ts'

/** `H(0)` of every stream, as hex. */
export const EMPTY_HASH = '0'.repeat(64)

/** `stream = base32(SHA-256(public key ‖ epoch))[:16]`. Key: raw P-256 point, 65 bytes; epoch: 16 bytes; both base64url. */
export async function streamId(key: string, epoch: string): Promise<string> {
  return toBase32(await sha256(concat(fromBase64Url(key), fromBase64Url(epoch)))).slice(0, 16)
}

/** `H(q) = SHA-256(H(q-1) ‖ SHA-256(line q))`, hex. The line's exact UTF-8 bytes count, without a newline. */
export async function nextHash(previous: string, line: string): Promise<string> {
  return nextHashOf(previous, await sha256(utf8(line)))
}

/** As `nextHash`, for a line of which only the hash is left (it was erased). */
export async function nextHashOf(previous: string, lineHash: Bytes): Promise<string> {
  return toHex(await sha256(concat(fromHex(previous), lineHash)))
}

/** What a device signs to announce how far its log goes. */
export const headMessage = (program: string, stream: string, seq: number, hash: string): Bytes =>
  utf8(`jiko-head/1\n${program}\n${stream}\n${seq}\n${hash}`)

/** What a hub signs to say how far it has a stream. */
export const receiptMessage = (
  program: string,
  stream: string,
  upto: number,
  hash: string,
  level: 'held' | 'final',
): Bytes => utf8(`jiko-receipt/1\n${program}\n${stream}\n${upto}\n${hash}\n${level}`)

/** What a hub signs to say which attachments the root has whole. */
export const photosMessage = (program: string, sha256s: readonly string[]): Bytes =>
  utf8(`jiko-photos/1\n${program}\n${sha256s.join()}`)

/** What a hub signs of the lines of others that it hands down. */
export const downMessage = (program: string, ops: readonly (readonly [string, number, string])[]): Bytes =>
  utf8(`jiko-down/1\n${program}\n${JSON.stringify(ops)}`)

export const recordId = (stream: string, seq: number): string => `${stream}/${seq}`
