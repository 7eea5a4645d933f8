import * as v from 'valibot'
import { parseJson, parseWith } from './parse.ts'

/** One request of a bundle, without its body: only what a device may ask of a hub, with only the headers that belong to it. */
const BundledRequest = v.variant('method', [
  v.strictObject({
    method: v.literal('POST'),
    path: v.pipe(v.string(), v.regex(/^\/v1\/[a-z0-9][a-z0-9-]{0,63}\/sync$/, 'expected the path of a sync')),
    headers: v.strictObject({
      'content-type': v.literal('application/json'),
      'content-encoding': v.literal('gzip'),
      'jiko-signature': v.pipe(v.string(), v.maxLength(200)),
    }),
  }),
  v.strictObject({
    method: v.literal('PATCH'),
    path: v.pipe(
      v.string(),
      v.regex(/^\/v1\/[a-z0-9][a-z0-9-]{0,63}\/blobs\/sha256-[0-9a-f]{64}$/, 'expected the path of an attachment'),
    ),
    headers: v.strictObject({
      'content-type': v.literal('application/partial-upload'),
      'upload-offset': v.literal('0'),
      'upload-complete': v.literal('?1'),
      'content-digest': v.pipe(v.string(), v.maxLength(200)),
      'jiko-device': v.pipe(v.string(), v.maxLength(200)),
      'jiko-signature': v.pipe(v.string(), v.maxLength(200)),
    }),
  }),
])
export type BundledRequest = v.InferOutput<typeof BundledRequest>

/** @throws JikoError `sync/bad-bundle`. */
export const parseBundledRequest = (text: string): BundledRequest =>
  parseWith(
    BundledRequest,
    parseJson(text, 'sync/bad-bundle', 'a request of the bundle'),
    'sync/bad-bundle',
    'a request of the bundle',
  )
