import { JikoError } from '../../protocol/error.ts'
import type { ImageInput } from '../../protocol/input.ts'
import type { OutputOf } from '../../protocol/output.ts'
import type { Pixels } from '../../protocol/task.ts'
import type { Tensor } from '../../protocol/tensor.ts'
import { islandsIn } from '../islands.ts'
import { boxAround, type TiltedBox } from './tilted-box.ts'

/** What is thinner than so many pixels of the map is a scratch, not a line. */
const THIN = 3

/**
 * Lines of text by a map of them, in pixels of the picture; the largest first, at most so many as the pack reads.
 * @param fed what the map was made from.
 * @throws JikoError `task/bad-output` for a map of another size.
 */
export function findLines(
  map: Tensor | undefined,
  { pixel, least, grow, most }: OutputOf<'page'>,
  input: ImageInput,
  picture: Pick<Pixels, 'width' | 'height'>,
  fed: Tensor,
): TiltedBox[] {
  const [height = 0, width = 0] = input.layout === 'nchw' ? fed.dims.slice(-2) : fed.dims.slice(1, 3)
  if (map?.dims.at(-1) !== width || map.dims.at(-2) !== height) {
    throw new JikoError(
      'task/bad-output',
      `the map should be as large as what the model was fed, ${width} x ${height}, got [${map?.dims ?? ''}]`,
    )
  }
  // As `contain` has fitted it.
  const scale = Math.min(input.width / picture.width, input.height / picture.height)
  const centred = input.step === undefined && input.place === undefined
  const left = centred ? Math.floor((width - picture.width * scale) / 2) : 0
  const top = centred ? Math.floor((height - picture.height * scale) / 2) : 0
  const lines: TiltedBox[] = []
  for (const island of islandsIn(map, pixel)) {
    if (island.score < least) continue
    const box = boxAround(island)
    if (box.height < THIN) continue
    const margin = (grow * box.length * box.height) / (2 * (box.length + box.height))
    lines.push({
      x: (box.x - left) / scale,
      y: (box.y - top) / scale,
      along: box.along,
      length: (box.length + 2 * margin) / scale,
      height: (box.height + 2 * margin) / scale,
    })
  }
  return lines.sort((a, b) => b.length * b.height - a.length * a.height).slice(0, most)
}
