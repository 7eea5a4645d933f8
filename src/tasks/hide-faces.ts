import type { FoundBox, Pixels } from '../protocol/task.ts'

/** Whole pixels of a picture. */
export interface Area {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}
type Size = Pick<Pixels, 'width' | 'height'>
type Place = Pick<FoundBox, 'x' | 'y' | 'width' | 'height'>

/** Detectors draw their boxes from brow to chin: of its size so much more is hidden on each side, for hair, ears and neck. */
const MARGIN = 0.35

/** So much of a view is in the next one too: no face is cut in two in both. */
const SHARED = 0.25

/** A view is at most so many times as large as what the finder looks at: larger, and faces that people know are too small for it. */
const SHRUNK = 2.5

/**
 * The views in which faces are looked for: the whole picture, and where a finder would see that much smaller than it is
 * kept, parts of it. By `npm run bench -- faces`.
 * @param side pixels of the finder's shorter side
 */
export function viewsOf({ width, height }: Size, side: number): Area[] {
  const whole = { x: 0, y: 0, width, height }
  const part = Math.ceil(SHRUNK * side)
  if (Math.max(width, height) <= part) return [whole]
  const across = spread(width, part)
  const down = spread(height, part)
  return [
    whole,
    ...down.flatMap((y) => across.map((x) => ({ x, y, width: Math.min(part, width), height: Math.min(part, height) }))),
  ]
}

/** Where parts of a length begin, evenly, so that neighbours share enough. */
function spread(length: number, part: number): number[] {
  if (length <= part) return [0]
  const count = 1 + Math.ceil((length - part) / (part * (1 - SHARED)))
  return Array.from({ length: count }, (_, i) => Math.round((i * (length - part)) / (count - 1)))
}

/** A part of a picture as a picture. */
export function cutOut({ width, data }: Pixels, area: Area): Pixels {
  if (area.width === width && area.height * width * 4 === data.length) return { width, height: area.height, data }
  const cut = new Uint8ClampedArray(area.width * area.height * 4)
  for (let row = 0; row < area.height; row++) {
    const from = ((area.y + row) * width + area.x) * 4
    cut.set(data.subarray(from, from + area.width * 4), row * area.width * 4)
  }
  return { width: area.width, height: area.height, data: cut }
}

/** What was found in a view, with its margin, in whole pixels of the picture and cut off at its edges. */
export function areaOf(found: Place, view: Area, { width, height }: Size): Area {
  // A box of no size at all is hidden too: a finder that is sure of nothing there would see it for ever.
  const margin = Math.max(1, MARGIN * Math.max(found.width * view.width, found.height * view.height))
  const clip = (value: number, most: number): number => Math.min(most, Math.max(0, value))
  const left = clip(Math.floor(view.x + found.x * view.width - margin), width)
  const top = clip(Math.floor(view.y + found.y * view.height - margin), height)
  const right = clip(Math.ceil(view.x + (found.x + found.width) * view.width + margin), width)
  const bottom = clip(Math.ceil(view.y + (found.y + found.height) * view.height + margin), height)
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/** How much of the smaller one lies in the other, 0-1. */
function shared(a: Area, b: Area): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
  if (width <= 0 || height <= 0) return 0
  return (width * height) / Math.min(a.width * a.height, b.width * b.height)
}

/** How many they are, where one that was seen in several views counts once. */
export function countApart(areas: readonly Area[]): number {
  const apart: Area[] = []
  for (const area of areas) if (!apart.some((other) => shared(area, other) > 0.5)) apart.push(area)
  return apart.length
}

/**
 * Makes an area unrecognisable, in place: `cells` by `cells` squares at most, each of its mean colour. Nothing else of
 * it is left: 4 by 4 colours, margin included, are no face.
 */
export function coarsen({ width, data }: Pixels, area: Area, cells: number): void {
  const side = Math.max(1, Math.ceil(Math.max(area.width, area.height) / cells))
  for (let y = area.y; y < area.y + area.height; y += side) {
    for (let x = area.x; x < area.x + area.width; x += side) {
      const right = Math.min(x + side, area.x + area.width)
      const bottom = Math.min(y + side, area.y + area.height)
      fillWithMean(data, width, x, y, right, bottom)
    }
  }
}

function fillWithMean(data: Uint8ClampedArray, width: number, x: number, y: number, right: number, bottom: number) {
  let [red, green, blue] = [0, 0, 0]
  for (let row = y; row < bottom; row++) {
    for (let at = (row * width + x) * 4; at < (row * width + right) * 4; at += 4) {
      red += data[at] as number
      green += data[at + 1] as number
      blue += data[at + 2] as number
    }
  }
  const count = (right - x) * (bottom - y)
  for (let row = y; row < bottom; row++) {
    for (let at = (row * width + x) * 4; at < (row * width + right) * 4; at += 4) {
      data[at] = red / count
      data[at + 1] = green / count
      data[at + 2] = blue / count
    }
  }
}
