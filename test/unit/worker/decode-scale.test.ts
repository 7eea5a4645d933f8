import { describe, expect, it } from 'vitest'
import { decodeScale } from '../../../src/worker/decode-photo.ts'
import { IMAGE_INPUT as input } from '../../helpers/image-input.ts'

describe('the scale of decoding', () => {
  it('gives the model twice what it needs, and the record what it keeps', () => {
    expect(decodeScale({ width: 4000, height: 3000 }, input, true)).toBeCloseTo(448 / 3000)
    expect(decodeScale({ width: 4000, height: 3000 }, input, false)).toBeCloseTo(1600 / 4000)
    expect(decodeScale({ width: 300, height: 200 }, input, false)).toBeGreaterThan(1)
  })

  it.each([
    [20_000, 2_000],
    [2_000, 20_000],
    [7_000, 7_000],
    [49_000, 1_000],
  ])('never makes 48 MB of pixels: %i x %i', (width, height) => {
    const large = { ...input, width: 2048, height: 2048 }
    for (const one of [input, large]) {
      const scale = Math.min(1, decodeScale({ width, height }, one, false))
      expect(width * scale * height * scale * 4).toBeLessThan(33e6)
    }
  })
})
