import * as v from 'valibot'
import { utf8 } from '../lib/bytes.ts'
import { parseWith } from './parse.ts'
import { PublicKey, Signature } from './primitives.ts'
import { type Signer, verify } from './sign.ts'

/** A key that signed packs before, and its word for the one that came after it. */
export const FormerKey = v.strictObject({
  key: PublicKey,
  /** Over `jiko-key-succession/1`, a line feed, and the next key: ES256 as everywhere. */
  signature: Signature,
})
export type FormerKey = v.InferOutput<typeof FormerKey>

/** So many times a key may have been changed since a phone was last told whom to trust. */
export const MOST_FORMER = 8

/** @throws JikoError `cli/bad-release-key` */
export const parseFormerKeys = (data: unknown): FormerKey[] =>
  parseWith(v.array(FormerKey), data, 'cli/bad-release-key', 'the list of former keys')

const word = (next: string) => utf8(`jiko-key-succession/1\n${next}`)

/** An older key vouches for a newer one. */
export const vouchFor = async (older: Signer, next: string): Promise<FormerKey> => ({
  key: older.key,
  signature: await older.sign(word(next)),
})

/**
 * Whether a key is trusted, or is the successor of one that is.
 * @param former oldest first: each vouches for the next, the last one for `key`.
 */
export async function isTrusted(
  key: string,
  former: readonly FormerKey[],
  trusted: readonly string[],
): Promise<boolean> {
  let next = key
  for (const older of former.toReversed()) {
    if (trusted.includes(next)) break
    if (!(await verify(older.key, word(next), older.signature))) return false
    next = older.key
  }
  return trusted.includes(next)
}
