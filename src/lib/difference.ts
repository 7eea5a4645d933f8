import { type Bytes, concat } from './bytes.ts'

/**
 * The difference of bytes to older ones, made to deflate well where few of them moved:
 *
 *     uint32 (little-endian)   count of gaps
 *     gaps                     equal bytes before each byte that differs; 255 stands for 255 equal bytes and none that differs
 *     values                   new - old (mod 256) of each byte that differs, in order
 *
 * Equal bytes at the end are not told. Where the older bytes end, they count as 0.
 */
export function encodeDifference(old: Bytes, next: Bytes): Bytes {
  const gaps: number[] = []
  const values: number[] = []
  let gap = 0
  for (let i = 0; i < next.length; i++) {
    const value = ((next[i] ?? 0) - (old[i] ?? 0)) & 255
    if (value !== 0) {
      gaps.push(gap)
      values.push(value)
      gap = 0
    } else if (++gap === LONG) {
      gaps.push(LONG)
      gap = 0
    }
  }
  while (gaps.at(-1) === LONG) gaps.pop()
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, gaps.length, true)
  return concat(head, Uint8Array.from(gaps), Uint8Array.from(values))
}

const LONG = 255

/**
 * @param size bytes that come out.
 * @throws RangeError when the difference is not one: what is right is for a hash to tell.
 */
export function applyDifference(old: Bytes, difference: Bytes, size: number): Bytes {
  const next = new Uint8Array(size)
  next.set(old.subarray(0, size))
  const count = difference.length < 4 ? -1 : new DataView(difference.buffer, difference.byteOffset).getUint32(0, true)
  if (count < 0 || count > difference.length - 4) throw new RangeError('not a difference: its gaps are cut off')
  let at = 0
  let value = 4 + count
  for (const gap of difference.subarray(4, 4 + count)) {
    at += gap
    if (gap === LONG) continue
    if (at >= size || value >= difference.length) throw new RangeError('not a difference: it goes on past the end')
    next[at] = (next[at] ?? 0) + (difference[value++] ?? 0)
    at++
  }
  return next
}
