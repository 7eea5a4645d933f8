import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createImageDecoder } from '../../../src/cli/decode-image.ts'
import { concat } from '../../../src/lib/bytes.ts'
import { makePhotos } from './source.ts'

const decode = createImageDecoder()
const leaf = new Uint8Array(readFileSync(join(import.meta.dirname, '../../../models/coffee-leaf/samples/rust-121.jpg')))

/** An EXIF segment that says how the camera was held, put in right after the start of the file. */
function orientated(jpeg: Uint8Array, orientation: number): Uint8Array<ArrayBuffer> {
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0]
  const body = [0x45, 0x78, 0x69, 0x66, 0, 0, ...tiff]
  return concat(jpeg.subarray(0, 2), Uint8Array.of(0xff, 0xe1, 0, body.length + 2, ...body), jpeg.subarray(2))
}

describe('decoding photos', () => {
  it('reads JPEG and PNG to RGBA', async () => {
    const picture = await decode(leaf)
    expect(picture.data).toHaveLength(picture.width * picture.height * 4)
    expect(picture.data[3]).toBe(255)
    const png = join(await makePhotos(1), 'one/0.png')
    expect(await decode(new Uint8Array(readFileSync(png)))).toMatchObject({ width: 40, height: 40 })
  })

  it('turns a photo upright by its EXIF orientation', async () => {
    const plain = await decode(leaf)
    const turned = await decode(orientated(leaf, 6))
    expect([turned.width, turned.height]).toEqual([plain.height, plain.width])
    // Orientation 6: the first column of the upright picture, read upwards, is the first row of the stored one.
    const bottomLeft = (turned.height - 1) * turned.width * 4
    const stored = ((plain.height - 1) * plain.width + plain.width - 1) * 4
    expect([...turned.data.slice(bottomLeft, bottomLeft + 3)]).toEqual([...plain.data.slice(stored, stored + 3)])
  })

  it('refuses what is no picture, one cut short in its head, and kinds it cannot read; and goes on', async () => {
    const status = process.exitCode
    await expect(decode(new TextEncoder().encode('hello, this is text'))).rejects.toMatchObject({
      code: 'input/not-an-image',
    })
    await expect(decode(leaf.slice(0, 500))).rejects.toMatchObject({ code: 'input/not-an-image' })
    const gif = Uint8Array.from([0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 1, 0, 1, 0, 0, 0, 0])
    await expect(decode(gif)).rejects.toMatchObject({ code: 'input/unsupported-image' })
    await expect(decode(leaf)).resolves.toBeDefined()
    expect(process.exitCode).toBe(status)
  })
})
