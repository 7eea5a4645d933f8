import type { Output, OutputOf } from './output.ts'

/**
 * How the vector is read that classes can be taught from: an embedding's own, or the one before the classifier.
 * Undefined for a pack that nothing can be taught from.
 */
export function featuresOf(output: Output): OutputOf<'embedding'> | undefined {
  if (output.kind === 'embedding') return output
  if (output.kind !== 'classes' || output.features === undefined) return undefined
  return { kind: 'embedding', tensor: output.features, unit: true }
}
