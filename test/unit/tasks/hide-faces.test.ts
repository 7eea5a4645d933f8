import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pixels } from '../../../src/protocol/task.ts'
import { type Area, areaOf, coarsen, countApart, cutOut, viewsOf } from '../../../src/tasks/hide-faces.ts'

/** Every pixel another colour, as far as there are so many. */
function picture(width: number, height: number): Pixels {
  const data = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < width * height; i++) data.set([i % 251, (i * 7) % 253, (i * 13) % 255, 255], i * 4)
  return { width, height, data }
}

const colourAt = ({ width, data }: Pixels, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4),
]

function coloursIn(of: Pixels, { x, y, width, height }: Area): Set<string> {
  const colours = new Set<string>()
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) colours.add(colourAt(of, column, row).join())
  }
  return colours
}

const size = fc.record({ width: fc.integer({ min: 1, max: 60 }), height: fc.integer({ min: 1, max: 60 }) })
const part = fc.double({ min: 0, max: 1, noNaN: true })
const box = fc.record({ x: part, y: part, width: part, height: part })

describe('what is hidden of a face', () => {
  it('is its box with a margin, in whole pixels', () => {
    const whole = { x: 0, y: 0, width: 100, height: 100 }
    expect(areaOf({ x: 0.4, y: 0.4, width: 0.2, height: 0.1 }, whole, whole)).toEqual({
      x: 33,
      y: 33,
      width: 34,
      height: 24,
    })
  })

  it('lies where the view lies', () => {
    const view = { x: 50, y: 20, width: 100, height: 100 }
    const { x, y } = areaOf({ x: 0.4, y: 0.4, width: 0.2, height: 0.2 }, view, { width: 400, height: 400 })
    expect([x, y]).toEqual([83, 53])
  })

  it('is cut off at the edges of the picture, wherever it is', () => {
    fc.assert(
      fc.property(size, box, (of, found) => {
        const area = areaOf(found, { x: 0, y: 0, ...of }, of)
        expect(area.x).toBeGreaterThanOrEqual(0)
        expect(area.y).toBeGreaterThanOrEqual(0)
        expect(area.width).toBeGreaterThan(0)
        expect(area.height).toBeGreaterThan(0)
        expect(area.x + area.width).toBeLessThanOrEqual(of.width)
        expect(area.y + area.height).toBeLessThanOrEqual(of.height)
        expect(area.x).toBeLessThanOrEqual(Math.floor(found.x * of.width))
      }),
    )
  })

  it('has the mean colour of each cell, and not one pixel of its own', () => {
    const grey: Pixels = { width: 4, height: 2, data: new Uint8ClampedArray(32).fill(255) }
    for (let i = 0; i < 8; i++) grey.data.set([i * 10, 0, 255 - i], i * 4)
    coarsen(grey, { x: 0, y: 0, width: 4, height: 2 }, 2)
    // Pixels 0, 1, 4, 5 make the left cell, 2, 3, 6, 7 the right one.
    expect([colourAt(grey, 0, 0), colourAt(grey, 1, 1)]).toEqual([
      [25, 0, 252, 255],
      [25, 0, 252, 255],
    ])
    expect(colourAt(grey, 3, 1)).toEqual([45, 0, 250, 255])
  })

  it('is at most so many cells across and down, and nothing beside it changes', () => {
    fc.assert(
      fc.property(size, box, fc.constantFrom(4, 2, 1), (of, found, cells) => {
        const before = picture(of.width, of.height)
        const after = { ...before, data: before.data.slice() }
        const area = areaOf(found, { x: 0, y: 0, ...of }, of)
        coarsen(after, area, cells)
        expect(coloursIn(after, area).size).toBeLessThanOrEqual(cells * cells)
        for (let y = 0; y < of.height; y++) {
          for (let x = 0; x < of.width; x++) {
            const inside = x >= area.x && x < area.x + area.width && y >= area.y && y < area.y + area.height
            if (!inside) expect(colourAt(after, x, y)).toEqual(colourAt(before, x, y))
          }
        }
      }),
      { numRuns: 40 },
    )
  })

  it('counts once where it was seen in several views', () => {
    const one = { x: 100, y: 100, width: 50, height: 50 }
    expect(countApart([one, { x: 104, y: 98, width: 48, height: 55 }, { x: 300, y: 100, width: 50, height: 50 }])).toBe(
      2,
    )
    expect(countApart([])).toBe(0)
  })
})

describe('where faces are looked for', () => {
  it('is the picture itself, where the finder sees it nearly as large as it is', () => {
    expect(viewsOf({ width: 640, height: 480 }, 320)).toEqual([{ x: 0, y: 0, width: 640, height: 480 }])
  })

  it('is the whole, then parts that share enough that no face is cut in two in all of them', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1600 }), fc.integer({ min: 1, max: 1600 }), (width, height) => {
        const side = 160
        const [whole, ...parts] = viewsOf({ width, height }, side)
        expect(whole).toEqual({ x: 0, y: 0, width, height })
        for (const { x, y, ...of } of parts) {
          expect([x >= 0, y >= 0, x + of.width <= width, y + of.height <= height]).toEqual([true, true, true, true])
          expect(Math.max(of.width, of.height)).toBeLessThanOrEqual(400)
        }
        if (parts.length === 0) return
        // A face of 100 pixels lies whole in one of them, wherever it is.
        const face = { width: Math.min(100, width), height: Math.min(100, height) }
        for (const x of [0, 0.21, 0.5, 0.77, 1].map((at) => Math.floor(at * (width - face.width)))) {
          for (const y of [0, 0.33, 0.5, 0.9, 1].map((at) => Math.floor(at * (height - face.height)))) {
            const seen = parts.some(
              (view) =>
                view.x <= x &&
                view.y <= y &&
                view.x + view.width >= x + face.width &&
                view.y + view.height >= y + face.height,
            )
            expect(seen).toBe(true)
          }
        }
      }),
    )
  })

  it('is cut out pixel by pixel, and the whole costs no copy', () => {
    const all = picture(5, 4)
    const cut = cutOut(all, { x: 1, y: 2, width: 3, height: 2 })
    expect([cut.width, cut.height]).toEqual([3, 2])
    expect(colourAt(cut, 0, 0)).toEqual(colourAt(all, 1, 2))
    expect(colourAt(cut, 2, 1)).toEqual(colourAt(all, 3, 3))
    expect(cutOut(all, { x: 0, y: 0, width: 5, height: 4 }).data).toBe(all.data)
  })
})
