import { createHash } from 'node:crypto'
import { deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from 'node:zlib'
import { createLightCodec, LightBlob, LightRequest, LightResponse } from './light.ts'
import { createRandom, type Random } from './random.ts'

/**
 * A world in which a seed is a history: keys, epochs, signatures and compressed sizes follow from it, and nothing waits for
 * another thread. Signatures are hashes that hold what they claim to hold as well as ECDSA does here, where nobody forges;
 * the real ones are tried in `test/unit/hub`.
 */
interface FakeKey {
  raw: Uint8Array<ArrayBuffer>
}

type Source = ArrayBuffer | Uint8Array<ArrayBuffer>
const bytesOf = (data: Source): Uint8Array => (data instanceof Uint8Array ? data : new Uint8Array(data))
const buffer = (data: Buffer): ArrayBuffer => new Uint8Array(data).buffer
const signatureOf = (key: FakeKey, message: Source): ArrayBuffer =>
  buffer(createHash('sha512').update(key.raw).update(bytesOf(message)).digest())

function createCrypto(random: Random) {
  const fill = (bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> => {
    for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256)
    return bytes
  }
  const subtle = {
    digest: async (_: string, data: Source) => buffer(createHash('sha256').update(bytesOf(data)).digest()),
    async generateKey() {
      const raw = fill(new Uint8Array(65))
      raw[0] = 4
      return { publicKey: { raw }, privateKey: { raw } }
    },
    exportKey: async (_: string, { raw }: FakeKey) => raw.slice().buffer,
    importKey: async (_: string, raw: Source): Promise<FakeKey> => ({ raw: new Uint8Array(bytesOf(raw)) }),
    sign: async (_: unknown, key: FakeKey, message: Source) => signatureOf(key, message),
    verify: async (_: unknown, key: FakeKey, signature: Source, message: Source) =>
      Buffer.from(signatureOf(key, message)).equals(Buffer.from(bytesOf(signature))),
  }
  return { getRandomValues: fill, subtle }
}

const LEVEL = { level: 6, memLevel: 4, windowBits: 12 }
/** What was made here lately: most of it is taken apart again in the next moment. */
const made = new Map<string, Uint8Array>()

const Compression = createLightCodec((format, data) => {
  const packed = format === 'gzip' ? gzipSync(data, LEVEL) : deflateRawSync(data, LEVEL)
  if (made.size > 100) made.clear()
  made.set(packed.toString('latin1'), data)
  return packed
})
const Decompression = createLightCodec((format, data) => {
  const known = made.get(Buffer.from(data).toString('latin1'))
  return known ?? (format === 'gzip' ? gunzipSync(data) : inflateRawSync(data))
})

/** Runs `job` with all that is random following from `seed`. One at a time in a process. */
export async function withSeed<T>(seed: number, job: () => Promise<T>): Promise<T> {
  const replaced = {
    crypto: createCrypto(createRandom(seed ^ 0x5eed)),
    CompressionStream: Compression,
    DecompressionStream: Decompression,
    Request: LightRequest,
    Response: LightResponse,
    Blob: LightBlob,
  }
  const names = Object.keys(replaced) as (keyof typeof replaced)[]
  const before = names.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  for (const name of names) {
    Object.defineProperty(globalThis, name, { value: replaced[name], configurable: true, writable: true })
  }
  try {
    return await job()
  } finally {
    for (const [name, descriptor] of before) if (descriptor) Object.defineProperty(globalThis, name, descriptor)
  }
}
