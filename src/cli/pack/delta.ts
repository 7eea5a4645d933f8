import { type Bytes, concat, utf8 } from '../../lib/bytes.ts'
import { deflate } from '../../lib/deflate.ts'
import { encodeDifference } from '../../lib/difference.ts'
import { sha256Hex } from '../../lib/sha256.ts'
import { DELTA_FORMAT, type Delta, parseDelta, type Update } from '../../protocol/delta.ts'
import { type Chunk, MAX_CHUNK_BYTES, type Manifest } from '../../protocol/manifest.ts'
import type { ReadFile } from '../../runtime/backend.ts'
import { createAlignment, type FindPlace } from './alignment.ts'

/** A pack that can be read: the older or the newer one. */
export interface ReadablePack {
  readonly manifest: Manifest
  readonly digest: string
  readonly read: ReadFile
}

/** Two files to put beside a manifest, and the entry of its line 3 that names them. */
export interface BuiltDelta {
  readonly update: Update
  readonly delta: Delta
  readonly table: Bytes
  readonly blob: Bytes
}

/** What the entry in the table costs: a difference must save more than that. */
const ENTRY_BYTES = 200

/**
 * The differences from an older version, for each changed chunk where that is smaller than the chunk itself; undefined
 * when it never is.
 */
export async function buildDelta(old: ReadablePack, next: ReadablePack): Promise<BuiltDelta | undefined> {
  const here = new Set(old.manifest.blob.chunks.map(({ sha256 }) => sha256))
  const done = new Set<number>()
  const pieces: Delta['pieces'] = []
  const chunks: Chunk[] = []
  const parts: Bytes[] = []
  for (const { path, chunks: indexes } of next.manifest.files) {
    const changed = indexes.some((index) => !here.has(next.manifest.blob.chunks[index]?.sha256 ?? ''))
    if (!changed || !old.manifest.files.some((file) => file.path === path)) continue
    const [before, after] = [await old.read(path), await next.read(path)]
    const findPlace = createAlignment(before)
    let at = 0
    for (const index of indexes) {
      const { size = 0, length = 0, sha256 = '' } = next.manifest.blob.chunks[index] ?? {}
      const plain = after.subarray(at, at + size)
      if (!here.has(sha256) && !done.has(index)) {
        const { offset, difference, packed } = smallest(before, plain, at, findPlace)
        if (packed.length + ENTRY_BYTES < length && difference.length <= MAX_CHUNK_BYTES) {
          pieces.push({ chunk: index, path, offset })
          chunks.push({ length: packed.length, size: difference.length, sha256: await sha256Hex(packed) })
          parts.push(packed)
        }
        done.add(index)
      }
      at += size
    }
  }
  if (parts.length === 0) return undefined
  const blob = concat(...parts)
  const path = `${await sha256Hex(blob)}.bin`
  const text = JSON.stringify({
    format: DELTA_FORMAT,
    from: old.digest,
    to: next.digest,
    blob: { path, length: blob.length, chunks },
    pieces,
  } satisfies Delta)
  const table = utf8(text)
  const sha256 = await sha256Hex(table)
  const bytes = table.length + blob.length
  const update = { from: old.digest, path: `${sha256}.json`, length: table.length, sha256, bytes }
  return { update, delta: parseDelta(text), table, blob }
}

/** The same place in the old file, or where the bytes seem to come from, whichever tells more. */
function smallest(before: Bytes, plain: Bytes, at: number, findPlace: FindPlace) {
  const candidates = new Set([at, findPlace(plain) ?? at])
  const tried = [...candidates].map((offset) => {
    const difference = encodeDifference(bytesAt(before, offset, plain.length), plain)
    return { offset, difference, packed: deflate(difference) }
  })
  return tried.reduce((best, one) => (one.packed.length < best.packed.length ? one : best))
}

/** Bytes outside of the file count as 0. */
function bytesAt(file: Bytes, offset: number, length: number): Bytes {
  const out = new Uint8Array(length)
  out.set(file.subarray(Math.max(0, offset), Math.max(0, offset + length)), Math.max(0, -offset))
  return out
}
