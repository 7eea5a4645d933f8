import { JikoError } from '../protocol/error.ts'
import type { Tensor } from '../protocol/tensor.ts'
import type { Candidate } from './candidate.ts'

/** Islands of fewer pixels are specks. */
const SPECK = 9

/**
 * Boxes around the islands of a map of probabilities, [1, 1, height, width]: pixels over `pixel` that touch, also at
 * corners. An island's score is the mean of its pixels. A box is made larger to all sides by `grow` times its area over
 * its outline, since the map shows the core of a line of text.
 * @throws JikoError `task/bad-output`
 */
export function islandsOf(map: Tensor | undefined, { pixel, grow }: { pixel: number; grow: number }): Candidate[] {
  const [height = 0, width = 0] = map?.dims.slice(-2) ?? []
  if (map?.type !== 'float32' || map.data.length !== width * height) {
    throw new JikoError('task/bad-output', `the map should be float32 [1, 1, height, width], got [${map?.dims ?? ''}]`)
  }
  const values = map.data
  const seen = new Uint8Array(values.length)
  const found: Candidate[] = []
  for (let start = 0; start < values.length; start++) {
    if (seen[start] || (values[start] as number) <= pixel) continue
    const island = fill(values, seen, start, width, height, pixel)
    if (island.count < SPECK) continue
    const [across, down] = [island.right - island.left, island.bottom - island.top]
    const margin = (grow * across * down) / (2 * (across + down))
    found.push({
      left: island.left - margin,
      top: island.top - margin,
      right: island.right + margin,
      bottom: island.bottom + margin,
      label: 0,
      score: island.sum / island.count,
    })
  }
  return found
}

function fill(values: Float32Array, seen: Uint8Array, start: number, width: number, height: number, pixel: number) {
  const island = { left: width, top: height, right: 0, bottom: 0, sum: 0, count: 0 }
  const stack = [start]
  seen[start] = 1
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const [x, y] = [at % width, Math.floor(at / width)]
    island.left = Math.min(island.left, x)
    island.right = Math.max(island.right, x + 1)
    island.top = Math.min(island.top, y)
    island.bottom = Math.max(island.bottom, y + 1)
    island.sum += values[at] as number
    island.count += 1
    for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
      for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
        const next = row * width + column
        if (seen[next] || (values[next] as number) <= pixel) continue
        seen[next] = 1
        stack.push(next)
      }
    }
  }
  return island
}
