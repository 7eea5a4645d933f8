import * as v from 'valibot'
import { parseJson, parseWith } from './parse.ts'
import { Count, Language, LocalText, Sha256, Slug } from './primitives.ts'

/** `index.json` beside the packs: what is on offer, small enough to ask for every day. */
export const PackIndex = v.object({
  packs: v.pipe(
    v.array(
      v.object({
        name: Slug,
        version: v.pipe(v.string(), v.regex(/^\d+\.\d+\.\d+$/, 'expected a version like 1.2.3')),
        /** SHA-256 of line 1 of the manifest: the pack's identity. */
        digest: Sha256,
        /** Address of the manifest, relative to this file. */
        url: v.pipe(v.string(), v.maxLength(500)),
        /** What a phone downloads for it. */
        bytes: Count,
        /** And for what it has recorded in a language, where the phone has no voice that speaks it. */
        clips: v.optional(v.record(Language, Count)),
        title: LocalText,
        description: LocalText,
        /** Another pack of this list that it needs to hide faces: the two are installed together. */
        finder: v.optional(Slug),
      }),
    ),
    v.maxLength(1000),
  ),
})
export type PackIndex = v.InferOutput<typeof PackIndex>

/** @throws JikoError `pack/bad-index`; a captive portal's page is one. */
export function parsePackIndex(text: string): PackIndex {
  return parseWith(
    PackIndex,
    parseJson(text, 'pack/bad-index', 'the list of packs'),
    'pack/bad-index',
    'the list of packs',
  )
}
