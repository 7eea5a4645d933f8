import * as v from 'valibot'
import { Chunk } from './manifest.ts'
import { parseJson, parseWith } from './parse.ts'
import { Count, InnerPath, PositiveCount, Sha256 } from './primitives.ts'

/**
 * Line 3 of a manifest file, which may be missing: versions from which an update may be had as differences. Not signed,
 * and need not be: whatever a difference makes must have the hash that the signed manifest names.
 */
const Updates = v.object({
  updates: v.pipe(
    v.array(
      v.object({
        /** Digest of the manifest that the device has now. */
        from: Sha256,
        /** The table (`Delta`), beside the manifest, with its length and SHA-256. */
        path: InnerPath,
        length: PositiveCount,
        sha256: Sha256,
        /** Bytes of the table and of all differences: what such an update costs at most. */
        bytes: v.optional(PositiveCount),
      }),
    ),
    v.maxLength(64),
  ),
})
export type Update = v.InferOutput<typeof Updates>['updates'][number]

/** What line 3 of a manifest file offers. Nothing when it is missing or wrong: it is only a hint. */
export function updatesOf(manifestText: string): readonly Update[] {
  const line = manifestText.split('\n')[2]
  if (!line) return []
  try {
    const parsed = v.safeParse(Updates, JSON.parse(line))
    return parsed.success ? parsed.output.updates : []
  } catch {
    return []
  }
}

/** Adds line 3 to a manifest file. */
export const withUpdates = (manifestText: string, updates: readonly Update[]): string =>
  updates.length === 0 ? manifestText : `${manifestText}${JSON.stringify({ updates })}\n`

export const DELTA_FORMAT = 'jiko-delta/1'

/**
 * How to make chunks of one version out of what a device has of an older one. Chunk `pieces[i].chunk` of the new blob is:
 * `blob.chunks[i]`, inflated to a difference (`lib/difference.ts`), applied to the bytes of the old file `path` from
 * `offset` on, deflated (`lib/deflate.ts`). Its SHA-256 must then be the one in the new manifest.
 */
export const Delta = v.pipe(
  v.strictObject({
    format: v.literal(DELTA_FORMAT),
    /** Digests of the old and the new manifest. */
    from: Sha256,
    to: Sha256,
    /** One file beside the manifest with all differences in order, deflated; `size` is that of a difference. */
    blob: v.strictObject({ path: InnerPath, length: PositiveCount, chunks: v.pipe(v.array(Chunk), v.minLength(1)) }),
    pieces: v.array(
      v.strictObject({
        /** Index in the new manifest's `blob.chunks`. Those that are missing here are fetched whole. */
        chunk: Count,
        /** A file of the old pack, and where in it (decompressed) to begin; bytes before or after it count as 0. */
        path: InnerPath,
        offset: v.pipe(v.number(), v.safeInteger()),
      }),
    ),
  }),
  v.check(
    ({ blob, pieces }) => pieces.length === blob.chunks.length,
    'pieces: expected one for each chunk of the blob',
  ),
  v.check(
    ({ blob }) => blob.chunks.reduce((sum, { length }) => sum + length, 0) === blob.length,
    'blob: the chunk lengths do not add up to its length',
  ),
)
export type Delta = v.InferOutput<typeof Delta>

/** @throws JikoError `pack/bad-delta` naming the field. */
export const parseDelta = (text: string): Delta =>
  parseWith(
    Delta,
    parseJson(text, 'pack/bad-delta', 'the list of differences'),
    'pack/bad-delta',
    'the list of differences',
  )
