import { type Bytes, concat } from '../../lib/bytes.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import { JikoError } from '../../protocol/error.ts'
import { type BlobStore, checkBlobName, checkOffset } from './blob-store.ts'
import type { S3Client, StoredObject } from './s3-client.ts'

/** Pieces come off a socket in small parts: an object is made of this many bytes, or of what came. */
const OBJECT_BYTES = 256 * 1024
const OFFSET_DIGITS = 10
const RANGE_DIGITS = 2 * OFFSET_DIGITS + 1

/** What came of a blob since the last object was made of it. Lost with the process, as if it had not come. */
interface Arriving {
  end: number
  parts: Bytes[]
  bytes: number
}

/**
 * Attachments in a bucket, so that any hub over one database finds them: `<program>/<first two digits>/<sha256>` when
 * whole, and `partial/<program>/<sha256>/<from>-<to>` for each piece while they arrive. What two hubs write of one blob at
 * once is the same bytes at the same places, and takes nothing from each other; that all of it is right, the hash says in
 * the end.
 */
export function createS3Blobs(client: S3Client): BlobStore {
  const arriving = new Map<string, Arriving>()

  function names(program: string, sha256: string): { whole: string; partial: string } {
    checkBlobName(program, sha256)
    return { whole: `${program}/${sha256.slice(0, 2)}/${sha256}`, partial: `partial/${program}/${sha256}/` }
  }
  const digits = (offset: number): string => String(offset).padStart(OFFSET_DIGITS, '0')
  const keyOf = (partial: string, from: number, to: number): string => `${partial}${digits(from)}-${digits(to)}`
  const rangeOf = ({ key }: StoredObject): [from: number, to: number] => {
    const [from, to] = key.slice(-RANGE_DIGITS).split('-').map(Number)
    return [from ?? 0, to ?? 0]
  }

  async function flush(partial: string): Promise<void> {
    const known = arriving.get(partial)
    if (!known || known.bytes === 0) return
    const { parts, end, bytes } = known
    Object.assign(known, { parts: [], bytes: 0 })
    await client.put(keyOf(partial, end - bytes, end), concat(...parts))
  }

  /** Makes objects of all that came, and gives those that follow each other from 0 on. */
  async function settled(partial: string): Promise<{ objects: StoredObject[]; end: number }> {
    await flush(partial)
    arriving.delete(partial)
    const objects: StoredObject[] = []
    let end = 0
    // By where they begin, and of those that begin alike the longest first.
    const all = (await client.list(partial)).sort((a, b) => rangeOf(a)[0] - rangeOf(b)[0] || b.bytes - a.bytes)
    for (const object of all) {
      if (rangeOf(object)[0] !== end) continue
      objects.push(object)
      end = rangeOf(object)[1]
    }
    return { objects, end }
  }

  async function bytesOf(key: string): Promise<Bytes> {
    const response = await client.get(key)
    if (response) return new Uint8Array(await response.arrayBuffer())
    throw new JikoError('hub/busy', 'the same attachment is being sent through another hub: ask how far it is')
  }

  /** What reaches beyond `upto`. */
  async function dropPartial(partial: string, upto = 0): Promise<void> {
    for (const object of await client.list(partial)) if (rangeOf(object)[1] > upto) await client.remove(object.key)
  }

  return {
    async status(program, sha256) {
      const { whole, partial } = names(program, sha256)
      const bytes = await client.size(whole)
      return bytes === undefined ? { bytes: (await settled(partial)).end, whole: false } : { bytes, whole: true }
    },
    async append(program, sha256, offset, piece) {
      const { partial } = names(program, sha256)
      const known = arriving.get(partial) ?? { end: (await settled(partial)).end, parts: [], bytes: 0 }
      checkOffset(offset, known.end)
      arriving.set(partial, known)
      // A copy: the socket may use its buffer again.
      known.parts.push(piece.slice())
      known.bytes += piece.length
      known.end += piece.length
      if (known.bytes >= OBJECT_BYTES) await flush(partial)
    },
    async flush(program, sha256) {
      const { partial } = names(program, sha256)
      await flush(partial)
      arriving.delete(partial)
    },
    async truncate(program, sha256, bytes) {
      const { partial } = names(program, sha256)
      const { objects } = await settled(partial)
      const cut = objects.find((object) => rangeOf(object)[0] < bytes && rangeOf(object)[1] > bytes)
      if (cut) {
        const [from] = rangeOf(cut)
        await client.put(keyOf(partial, from, bytes), (await bytesOf(cut.key)).slice(0, bytes - from))
      }
      await dropPartial(partial, bytes)
    },
    async finish(program, sha256) {
      const { whole, partial } = names(program, sha256)
      if ((await client.size(whole)) !== undefined) return true
      const { objects } = await settled(partial)
      const parts: Bytes[] = []
      for (const { key } of objects) parts.push(await bytesOf(key))
      const bytes = concat(...parts)
      const isRight = (await sha256Hex(bytes)) === sha256
      // An object is there whole or not at all; the pieces go after it.
      if (isRight) await client.put(whole, bytes)
      await dropPartial(partial)
      return isRight
    },
    async dropPartials(before) {
      const partials = Map.groupBy(await client.list('partial/'), ({ key }) => key.slice(0, -RANGE_DIGITS))
      let dropped = 0
      for (const [partial, objects] of partials) {
        if (arriving.has(partial) || objects.some(({ at }) => at >= before)) continue
        for (const { key } of objects) await client.remove(key)
        dropped += 1
      }
      return dropped
    },
    async remove(program, sha256) {
      const { whole, partial } = names(program, sha256)
      arriving.delete(partial)
      await dropPartial(partial)
      await client.remove(whole)
    },
    async read(program, sha256) {
      const { whole } = names(program, sha256)
      const bytes = await client.size(whole)
      if (bytes === undefined) return undefined
      return {
        bytes,
        stream() {
          const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
          const copy = async (): Promise<void> => {
            const response = await client.get(whole)
            if (!response?.body) throw new JikoError('hub/no-blob', 'this attachment is not here any more')
            await response.body.pipeTo(writable)
          }
          copy().catch((error) => writable.abort(error).catch(() => undefined))
          return readable
        },
      }
    },
  }
}
