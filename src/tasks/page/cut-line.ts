import type { Pixels } from '../../protocol/task.ts'
import { belowOf, type TiltedBox } from './tilted-box.ts'

/**
 * What lies in a box that stands askew, straightened: as many pixels as it covers, blended between their four
 * neighbours; beyond the picture's edge its last pixels go on.
 */
export function cutLine({ width, height, data }: Pixels, box: TiltedBox): Pixels {
  const [across, down] = [Math.max(1, Math.round(box.length)), Math.max(1, Math.round(box.height))]
  const below = belowOf(box.along)
  const cut = new Uint8ClampedArray(across * down * 4)
  for (let row = 0, to = 0; row < down; row++) {
    for (let column = 0; column < across; column++, to += 4) {
      const right = column + 0.5 - across / 2
      const under = row + 0.5 - down / 2
      const x = within(box.x + box.along[0] * right + below[0] * under - 0.5, width)
      const y = within(box.y + box.along[1] * right + below[1] * under - 0.5, height)
      const x0 = Math.floor(x)
      const y0 = Math.floor(y)
      const east = x - x0
      const south = y - y0
      const at = (y0 * width + x0) * 4
      const next = x0 + 1 < width ? 4 : 0
      const beneath = y0 + 1 < height ? width * 4 : 0
      for (let channel = 0; channel < 4; channel++) {
        const a = data[at + channel] as number
        const b = data[at + next + channel] as number
        const c = data[at + beneath + channel] as number
        const d = data[at + beneath + next + channel] as number
        const above = a + (b - a) * east
        cut[to + channel] = Math.floor(above + (c + (d - c) * east - above) * south + 0.5)
      }
    }
  }
  return { width: across, height: down, data: cut }
}

const within = (value: number, size: number): number => Math.min(size - 1, Math.max(0, value))
