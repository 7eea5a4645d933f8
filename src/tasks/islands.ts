import { JikoError } from '../protocol/error.ts'
import type { Tensor } from '../protocol/tensor.ts'
import type { Candidate } from './candidate.ts'

/** Islands of fewer pixels are specks. */
const SPECK = 9

/** Pixels of a map that touch, also at corners: its outermost edges, and how likely its pixels are. */
export interface Island {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
  /** Of each row from `top` on where it begins and ends. */
  readonly rows: readonly (readonly [number, number])[]
  /** The mean of its pixels. */
  readonly score: number
}

/**
 * Islands of a map of probabilities, [1, 1, height, width]: pixels over `pixel` that touch; specks are left out.
 * @throws JikoError `task/bad-output`
 */
export function* islandsIn(map: Tensor | undefined, pixel: number): Generator<Island> {
  const [height = 0, width = 0] = map?.dims.slice(-2) ?? []
  if (map?.type !== 'float32' || map.data.length !== width * height) {
    throw new JikoError('task/bad-output', `the map should be float32 [1, 1, height, width], got [${map?.dims ?? ''}]`)
  }
  const values = map.data
  const fill = createFill(values, width, height, pixel)
  for (let start = 0; start < values.length; start++) {
    if ((values[start] as number) <= pixel) continue
    const island = fill(start)
    if (island) yield island
  }
}

function createFill(values: Float32Array, width: number, height: number, pixel: number) {
  const seen = new Uint8Array(values.length)
  // Of the rows of the island at hand; one pair of arrays serves all.
  const begins = new Int32Array(height).fill(width)
  const ends = new Int32Array(height)

  return (start: number): Island | undefined => {
    if (seen[start]) return undefined
    let [top, bottom, sum, count] = [height, 0, 0, 0]
    const stack = [start]
    seen[start] = 1
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const [x, y] = [at % width, Math.floor(at / width)]
      top = Math.min(top, y)
      bottom = Math.max(bottom, y + 1)
      begins[y] = Math.min(begins[y] as number, x)
      ends[y] = Math.max(ends[y] as number, x + 1)
      sum += values[at] as number
      count += 1
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
        for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
          const next = row * width + column
          if (seen[next] || (values[next] as number) <= pixel) continue
          seen[next] = 1
          stack.push(next)
        }
      }
    }
    const rows = Array.from({ length: bottom - top }, (_, i): [number, number] => [
      begins[top + i] as number,
      ends[top + i] as number,
    ])
    begins.fill(width, top, bottom)
    ends.fill(0, top, bottom)
    if (count < SPECK) return undefined
    const left = rows.reduce((least, [begin]) => Math.min(least, begin), width)
    const right = rows.reduce((most, [, end]) => Math.max(most, end), 0)
    return { left, top, right, bottom, rows, score: sum / count }
  }
}

/**
 * Boxes around the islands of a map. A box is made larger to all sides by `grow` times its area over its outline, since
 * the map shows the core of a line of text.
 * @throws JikoError `task/bad-output`
 */
export function islandsOf(map: Tensor | undefined, { pixel, grow }: { pixel: number; grow: number }): Candidate[] {
  return Array.from(islandsIn(map, pixel), ({ left, top, right, bottom, score }): Candidate => {
    const [across, down] = [right - left, bottom - top]
    const margin = (grow * across * down) / (2 * (across + down))
    return {
      left: left - margin,
      top: top - margin,
      right: right + margin,
      bottom: bottom + margin,
      label: 0,
      score,
    }
  })
}
