import type { Manifest } from '../protocol/manifest.ts'
import { type LinkFacts, secondsFor } from './cost.ts'
import { missingBytes } from './layout.ts'

/** Seconds that a person waits for the better model rather than have a first answer sooner. */
const PATIENCE = 15

/**
 * Is the link so slow that the smaller variant should come first? Where nothing is known about it, no: the bytes of two
 * variants are paid for then, and most links would have brought the full one soon.
 */
export function firstIsWorthIt(
  manifest: Manifest,
  { small, full }: { small: readonly string[]; full: readonly string[] },
  here: ReadonlySet<string>,
  link: LinkFacts,
): boolean {
  const rest = missingBytes(manifest, full, here)
  return missingBytes(manifest, small, here) < rest && (secondsFor(rest, link) ?? 0) > PATIENCE
}
