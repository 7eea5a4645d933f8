import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { orientationOf } from '../../../src/tasks/photo-orientation.ts'

/** The beginning of a JPEG with a note that says how it is to be turned. */
function jpeg(orientation: number, { little = true, tag = 0x0112 } = {}): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(64)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, 0xffd8)
  // Another segment first.
  view.setUint16(2, 0xffe0)
  view.setUint16(4, 6)
  const at = 10
  view.setUint16(at, 0xffe1)
  view.setUint16(at + 2, 40)
  view.setUint32(at + 4, 0x45786966)
  const tiff = at + 10
  view.setUint16(tiff, little ? 0x4949 : 0x4d4d)
  view.setUint16(tiff + 2, 42, little)
  view.setUint32(tiff + 4, 8, little)
  view.setUint16(tiff + 8, 1, little)
  view.setUint16(tiff + 10, tag, little)
  view.setUint16(tiff + 12, 3, little)
  view.setUint32(tiff + 14, 1, little)
  view.setUint16(tiff + 18, orientation, little)
  return bytes
}

describe('the orientation of a photo', () => {
  it.each([1, 3, 6, 8])('%i is read in either byte order', (orientation) => {
    expect(orientationOf(jpeg(orientation))).toBe(orientation)
    expect(orientationOf(jpeg(orientation, { little: false }))).toBe(orientation)
  })

  it('is upright where nothing or nonsense is said', () => {
    expect(orientationOf(jpeg(0))).toBe(1)
    expect(orientationOf(jpeg(99))).toBe(1)
    expect(orientationOf(jpeg(6, { tag: 0x0110 }))).toBe(1)
    expect(orientationOf(Uint8Array.of(0xff, 0xd8, 0xff, 0xda, 0, 8, 0, 0))).toBe(1)
    expect(orientationOf(new Uint8Array())).toBe(1)
  })

  it('is found or not, but never fails nor hangs, however the file is damaged', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(63), fc.nat(255)), { maxLength: 12 }), fc.nat(64), (changes, length) => {
        const bytes = jpeg(6)
        for (const [at, value] of changes) bytes[at] = value
        expect(orientationOf(bytes.slice(0, length))).toBeGreaterThanOrEqual(1)
      }),
      { numRuns: 1000 },
    )
  })
})
