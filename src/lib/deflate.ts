import { deflateSync } from 'fflate'
import type { Bytes } from './bytes.ts'

/**
 * Raw deflate in JavaScript: the same bytes on every machine and in every browser, which the platform's own compressor
 * does not promise. A patched chunk is packed by it again and so is the very chunk that others download.
 */
export const deflate = (plain: Bytes): Bytes => deflateSync(plain, { level: 9 })
