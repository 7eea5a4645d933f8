import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createImageDecoder } from '../../../src/cli/decode-image.ts'
import { readBytes } from '../../../src/cli/files.ts'
import type { Pixels } from '../../../src/protocol/task.ts'
import { likenessDistance, likenessOf } from '../../../src/tasks/likeness.ts'

const FOLDER = 'models/coffee-leaf/samples'
const pixels = (width: number, height: number, data: ArrayLike<number>): Pixels => ({
  width,
  height,
  data: Uint8ClampedArray.from(data) as Pixels['data'],
})

/** Each pixel the mean of four. */
function halved({ width, height, data }: Pixels): Pixels {
  const [w, h] = [width >> 1, height >> 1]
  const mean = (x: number, y: number, channel: number): number =>
    [0, 1, width, width + 1].reduce((sum, step) => sum + (data[4 * (2 * y * width + 2 * x + step) + channel] ?? 0), 0) /
    4
  return pixels(
    w,
    h,
    Array.from({ length: 4 * w * h }, (_, i) => mean((i >> 2) % w, Math.floor((i >> 2) / w), i & 3)),
  )
}

describe('what a photo looks like', () => {
  it('is nearly the same at half the size and brighter, and far from every other photo', async () => {
    const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.jpg'))
    expect(files.length).toBeGreaterThan(5)
    const decode = createImageDecoder()
    const photos = await Promise.all(files.map(async (name) => decode(await readBytes(join(FOLDER, name)))))
    const seen = photos.map(likenessOf)
    for (const [i, photo] of photos.entries()) {
      const brighter = pixels(
        photo.width,
        photo.height,
        photo.data.map((value) => Math.min(255, value * 1.15)),
      )
      for (const again of [halved(photo), brighter]) {
        expect(likenessDistance(likenessOf(again), seen[i] ?? ''), files[i]).toBeLessThanOrEqual(5)
      }
      for (const other of seen.slice(i + 1)) expect(likenessDistance(other, seen[i] ?? '')).toBeGreaterThan(8)
    }
  })

  it('is 64 bits of whatever there is, and nothing away from itself', () => {
    expect(likenessOf(pixels(1, 1, [9, 9, 9, 255]))).toBe('AAAAAAAAAAA')
    expect(likenessDistance('AAAAAAAAAAA', '__________8')).toBe(64)
    const picture = fc
      .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 }))
      .chain(([w, h]) =>
        fc.uint8Array({ minLength: 4 * w * h, maxLength: 4 * w * h }).map((data) => pixels(w, h, data)),
      )
    fc.assert(
      fc.property(picture, (one) => {
        expect(likenessOf(one)).toMatch(/^[\w-]{11}$/)
        expect(likenessDistance(likenessOf(one), likenessOf(one))).toBe(0)
      }),
      { numRuns: 30 },
    )
  })
})
