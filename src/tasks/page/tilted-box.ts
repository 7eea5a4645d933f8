import type { Island } from '../islands.ts'

export type Point = readonly [x: number, y: number]

/** A rectangle that stands askew: its middle, the direction in which a line of text runs along it, and its sides. */
export interface TiltedBox {
  readonly x: number
  readonly y: number
  /** Of length 1. */
  readonly along: Point
  /** Along that direction and across it, never negative. */
  readonly length: number
  readonly height: number
}

/** A quarter turn clockwise: what lies below, where `along` runs to the right. */
export const belowOf = ([x, y]: Point): Point => [-y, x]

/** Where it begins above, and on clockwise as it is read. */
export function cornersOf({ x, y, along, length, height }: TiltedBox): Point[] {
  const below = belowOf(along)
  return [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ].map(([right = 0, down = 0]) => [
    x + (along[0] * right * length + below[0] * down * height) / 2,
    y + (along[1] * right * length + below[1] * down * height) / 2,
  ])
}

const turnOf = (a: Point, b: Point, c: Point): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

/** Half of the outline around points in order, without those that lie within. */
function chain(points: readonly Point[]): Point[] {
  const kept: Point[] = []
  for (const point of points) {
    while (kept.length >= 2 && turnOf(kept.at(-2) as Point, kept.at(-1) as Point, point) <= 0) kept.pop()
    kept.push(point)
  }
  return kept.slice(0, -1)
}

/** The convex outline of an island, corner after corner. */
function outlineOf({ rows, top }: Island): Point[] {
  const points = rows.flatMap(([begin, end], i): Point[] => [
    [begin, top + i],
    [begin, top + i + 1],
    [end, top + i],
    [end, top + i + 1],
  ])
  const sorted = points.sort((a, b) => a[0] - b[0] || a[1] - b[1])
  return [...chain(sorted), ...chain(sorted.toReversed())]
}

/**
 * The smallest rectangle around an island, along its longer side. One of its sides lies on a side of the outline. Only
 * products, sums and square roots, which every engine rounds the same.
 */
export function boxAround(island: Island): TiltedBox {
  const outline = outlineOf(island)
  let best: TiltedBox | undefined
  for (const [i, from] of outline.entries()) {
    const to = outline[(i + 1) % outline.length] as Point
    const side = Math.sqrt((to[0] - from[0]) ** 2 + (to[1] - from[1]) ** 2)
    const along: Point = [(to[0] - from[0]) / side, (to[1] - from[1]) / side]
    const box = boxAlong(along, outline)
    if (!best || box.length * box.height < best.length * best.height) best = box
  }
  const box = best ?? boxAlong([1, 0], outline)
  return box.length >= box.height ? box : { ...box, along: belowOf(box.along), length: box.height, height: box.length }
}

function boxAlong(along: Point, points: readonly Point[]): TiltedBox {
  const below = belowOf(along)
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity]
  for (const [x, y] of points) {
    const [across, down] = [x * along[0] + y * along[1], x * below[0] + y * below[1]]
    left = Math.min(left, across)
    right = Math.max(right, across)
    top = Math.min(top, down)
    bottom = Math.max(bottom, down)
  }
  const [across, down] = [(left + right) / 2, (top + bottom) / 2]
  return {
    x: across * along[0] + down * below[0],
    y: across * along[1] + down * below[1],
    along,
    length: right - left,
    height: bottom - top,
  }
}
