import { type Bytes, concat } from './bytes.ts'

type Format = 'gzip' | 'deflate-raw'

async function pump(
  data: Bytes,
  through: ReadableWritablePair<Uint8Array, BufferSource>,
  limit: number,
): Promise<Bytes> {
  const writer = through.writable.getWriter()
  // The reader below sees the same failure; without a handler here it would also be an unhandled rejection.
  const written = writer.write(data).then(() => writer.close())
  written.catch(() => undefined)
  const parts: Uint8Array[] = []
  let total = 0
  const reader = through.readable.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      total += value.length
      if (total > limit) throw new RangeError(`more than ${limit} bytes after decompression`)
      parts.push(value)
    }
    await written
  } finally {
    await reader.cancel().catch(() => undefined)
  }
  return concat(...parts)
}

export const compress = (data: Bytes, format: Format): Promise<Bytes> =>
  pump(data, new CompressionStream(format), Number.POSITIVE_INFINITY)

/**
 * @param limit the most bytes that may come out; a bomb is stopped there.
 * @throws RangeError over the limit, TypeError when the data is not in the format.
 */
export const decompress = (data: Bytes, format: Format, limit: number): Promise<Bytes> =>
  pump(data, new DecompressionStream(format), limit)
