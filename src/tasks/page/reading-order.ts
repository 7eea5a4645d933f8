import { belowOf, type Point, type TiltedBox } from './tilted-box.ts'

/** A box so much longer than high says itself in which direction its text runs. */
const LONG = 1.5
/** Lines whose middles lie nearer than so many of the lower one's heights stand beside each other. */
const BESIDE = 0.5

const dot = (a: Point, b: Point): number => a[0] * b[0] + a[1] * b[1]
const opposite = ([x, y]: Point): Point => [-x, -y]

/**
 * The direction in which most text of a page runs, from the left half to the right one: by its long lines, each as much as
 * it is long. Angles are doubled for it, since a line says nothing of where it begins.
 */
export function directionOf(boxes: readonly TiltedBox[]): Point {
  let [cos, sin] = [0, 0]
  for (const { along, length, height } of boxes) {
    if (length < LONG * height) continue
    cos += length * (along[0] ** 2 - along[1] ** 2)
    sin += length * 2 * along[0] * along[1]
  }
  const size = Math.sqrt(cos ** 2 + sin ** 2)
  if (size === 0) return [1, 0]
  const x = Math.sqrt(Math.max(0, (1 + cos / size) / 2))
  const y = Math.sqrt(Math.max(0, (1 - cos / size) / 2))
  return [x, sin < 0 ? -y : y]
}

/** A box as it is read on a page whose text runs so: long ones along themselves, the others along the page. */
export function alongPage(box: TiltedBox, page: Point): TiltedBox {
  const { along, length, height } = box
  const across = { along: belowOf(along), length: height, height: length }
  const isAcross = length < LONG * height && Math.abs(dot(across.along, page)) > Math.abs(dot(along, page))
  const turned = isAcross ? { ...box, ...across } : box
  return dot(turned.along, page) < 0 ? { ...turned, along: opposite(turned.along) } : turned
}

/** The same line read from the other side. */
export const upsideDown = (box: TiltedBox): TiltedBox => ({ ...box, along: opposite(box.along) })

/** Rows from top to bottom, each from where it begins, on a page whose text runs so. */
export function inRows<T extends { box: TiltedBox }>(lines: readonly T[], page: Point): T[][] {
  const below = belowOf(page)
  const down = ({ box }: T): number => dot([box.x, box.y], below)
  const across = ({ box }: T): number => dot([box.x, box.y], page)
  const rows: T[][] = []
  for (const line of [...lines].sort((a, b) => down(a) - down(b))) {
    const row = rows.at(-1)
    const isBeside = row?.every(
      (other) => down(line) - down(other) < BESIDE * Math.min(line.box.height, other.box.height),
    )
    if (row && isBeside) row.push(line)
    else rows.push([line])
  }
  return rows.map((row) => row.sort((a, b) => across(a) - across(b)))
}
