import { fromBase64Url, toBase64Url } from '../lib/bytes.ts'
import type { Pixels } from '../protocol/task.ts'

const COLUMNS = 9
const ROWS = 8
/** Points looked at in each direction of a cell: a photo of two megapixels costs no more than a small one. */
const POINTS = 16

/**
 * What a picture looks like in 64 bits (a difference hash): of each two neighbours in a grid of 9x8, whether it gets
 * darker. The same photo saved again, smaller or brighter, has nearly the same.
 */
export function likenessOf({ width, height, data }: Pixels): string {
  const greys = Array.from({ length: ROWS }, (_, row) =>
    Array.from({ length: COLUMNS }, (_, column) => {
      let sum = 0
      for (let i = 0; i < POINTS; i++) {
        const y = Math.floor(((row + (i + 0.5) / POINTS) * height) / ROWS)
        for (let j = 0; j < POINTS; j++) {
          const x = Math.floor(((column + (j + 0.5) / POINTS) * width) / COLUMNS)
          const at = 4 * (y * width + x)
          sum += 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0)
        }
      }
      return sum
    }),
  )
  const bits = new Uint8Array(ROWS)
  for (const [row, cells] of greys.entries()) {
    for (let column = 1; column < COLUMNS; column++) {
      const darker = (cells[column - 1] ?? 0) > (cells[column] ?? 0)
      bits[row] = ((bits[row] ?? 0) << 1) | Number(darker)
    }
  }
  return toBase64Url(bits)
}

/** How many of the 64 bits differ. */
export function likenessDistance(one: string, other: string): number {
  const [a, b] = [fromBase64Url(one), fromBase64Url(other)]
  let bits = 0
  for (const [i, byte] of a.entries()) {
    for (let rest = byte ^ (b[i] ?? 0); rest > 0; rest >>= 1) bits += rest & 1
  }
  return bits
}
