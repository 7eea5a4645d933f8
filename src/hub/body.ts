import { type Bytes, concat, fromUtf8 } from '../lib/bytes.ts'
import { decompress } from '../lib/compress.ts'
import { JikoError } from '../protocol/error.ts'

/** Turns the error of a connection that broke while its body was read into one of ours. */
export function cutOff(cause: unknown): never {
  throw new JikoError('hub/cut-off', 'the connection broke before the whole body was here: send it again', { cause })
}

/** Reads a body, and stops reading at `limit`. @throws JikoError `hub/too-large`. */
export async function readBody(request: Request, limit: number): Promise<Bytes> {
  const tooLarge = (): JikoError => new JikoError('hub/too-large', `the body is longer than ${limit} bytes: send less`)
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLarge()
  if (!request.body) return new Uint8Array(0)
  const parts: Uint8Array[] = []
  let total = 0
  const reader = request.body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(cutOff)
      if (done) return concat(...parts)
      total += value.length
      if (total > limit) throw tooLarge()
      parts.push(value)
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

/** Text out of gzip, at most `limit` bytes of it. @throws JikoError `hub/too-large`, `hub/not-gzip`, `hub/bad-request`. */
export async function gunzipText(body: Bytes, limit: number): Promise<string> {
  let bytes: Bytes
  try {
    bytes = await decompress(body, 'gzip', limit)
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new JikoError('hub/too-large', `the body is longer than ${limit} bytes after gunzip: send less`, { cause })
    }
    throw new JikoError('hub/not-gzip', 'the body is not whole gzip: compress it and send it again', { cause })
  }
  try {
    return fromUtf8(bytes)
  } catch (cause) {
    throw new JikoError('hub/bad-request', 'the body is not UTF-8 text', { cause })
  }
}
