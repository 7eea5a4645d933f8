import { type Bytes, toHex } from './bytes.ts'

/** SHA-256 by WebCrypto (off the calling thread in browsers); needs a secure context. 32 bytes. */
export async function sha256(data: Bytes | ArrayBuffer): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', data))
}

export const sha256Hex = async (data: Bytes | ArrayBuffer): Promise<string> => toHex(await sha256(data))
