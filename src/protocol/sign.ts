import { type Bytes, fromBase64Url, toBase64Url } from '../lib/bytes.ts'

/**
 * ECDSA P-256 with SHA-256 (ES256): the one signature of the project, since every WebCrypto of the last ten years has it.
 * Public keys are raw uncompressed points (65 bytes), signatures r‖s (64 bytes), both as base64url.
 */
const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const

export interface Signer {
  /** The public key. */
  readonly key: string
  sign(message: Bytes): Promise<string>
}

/** @param extractable false on a phone, so that no script can read the private key. */
export function generateKeyPair(extractable: boolean): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(KEY, extractable, ['sign', 'verify'])
}

export async function createSigner({ publicKey, privateKey }: CryptoKeyPair): Promise<Signer> {
  return {
    key: toBase64Url(new Uint8Array(await crypto.subtle.exportKey('raw', publicKey))),
    sign: async (message) => toBase64Url(new Uint8Array(await crypto.subtle.sign(SIGNATURE, privateKey, message))),
  }
}

/** @throws DataError for text that is no key. */
export const importPublicKey = (key: string): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', fromBase64Url(key), KEY, false, ['verify'])

/** False for a wrong signature and for a key or signature that cannot be read. */
export async function verify(key: string, message: Bytes, signature: string): Promise<boolean> {
  try {
    return await crypto.subtle.verify(SIGNATURE, await importPublicKey(key), fromBase64Url(signature), message)
  } catch {
    return false
  }
}
