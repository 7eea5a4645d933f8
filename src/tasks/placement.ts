import { hasOpenSize, type ImageInput } from '../protocol/input.ts'
import type { FoundBox, Pixels } from '../protocol/task.ts'

type Rectangle = Pick<FoundBox, 'x' | 'y' | 'width' | 'height'>
type Size = Pick<Pixels, 'width' | 'height'>

/**
 * The way back from the tensor to the picture that `fitImage` made it from: pixels of the tensor in, parts of the
 * picture's width and height out, cut off at its edges.
 */
export function createPlacement(picture: Size, input: ImageInput): (box: Rectangle) => Rectangle {
  const turned =
    (input.orient === 'landscape' && picture.height > picture.width) ||
    (input.orient === 'portrait' && picture.width > picture.height)
  const [width, height] = turned ? [picture.height, picture.width] : [picture.width, picture.height]
  const [across, down] = [input.width / width, input.height / height]
  const scales: Record<ImageInput['fit'], readonly [number, number]> = {
    stretch: [across, down],
    cover: [Math.max(across, down), Math.max(across, down)],
    contain: [Math.min(across, down), Math.min(across, down)],
    line: [Math.min(across, down), down],
  }
  const [scaleX, scaleY] = scales[input.fit]
  const corner = hasOpenSize(input) || input.place === 'top-left'
  const left = corner ? 0 : Math.floor((input.width - width * scaleX) / 2)
  const top = corner ? 0 : Math.floor((input.height - height * scaleY) / 2)
  const part = (value: number, offset: number, scale: number, size: number): number =>
    Math.min(1, Math.max(0, (value - offset) / scale / size))

  return (box) => {
    const x = part(box.x, left, scaleX, width)
    const y = part(box.y, top, scaleY, height)
    const right = part(box.x + box.width, left, scaleX, width)
    const bottom = part(box.y + box.height, top, scaleY, height)
    const upright = { x, y, width: right - x, height: bottom - y }
    // A quarter turn back: what was turned clockwise to the right side was at the top.
    return turned ? { x: y, y: 1 - right, width: bottom - y, height: right - x } : upright
  }
}
