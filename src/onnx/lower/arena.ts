/** A span of steps during which a buffer's bytes must not be anybody else's. */
export interface Lifetime {
  readonly bytes: number
  readonly first: number
  readonly last: number
}

/**
 * Gives every buffer a place in one arena so that those alive at the same step do not overlap: the largest first,
 * each as low as it fits. For chains of layers this is within a few percent of the best there is.
 */
export function placeBuffers<B extends Lifetime>(buffers: readonly B[]): { addresses: Map<B, number>; bytes: number } {
  const placed: { buffer: B; at: number }[] = []
  let bytes = 0
  for (const buffer of [...buffers].sort((a, b) => b.bytes - a.bytes)) {
    let at = 0
    for (const other of placed) {
      const apart = other.buffer.last < buffer.first || other.buffer.first > buffer.last
      if (apart || other.at + other.buffer.bytes <= at) continue
      if (at + buffer.bytes <= other.at) break
      at = other.at + other.buffer.bytes
    }
    placed.push({ buffer, at })
    placed.sort((a, b) => a.at - b.at)
    bytes = Math.max(bytes, at + buffer.bytes)
  }
  return { addresses: new Map(placed.map(({ buffer, at }) => [buffer, at])), bytes }
}
