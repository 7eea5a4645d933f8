import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ImageInput } from '../../../src/protocol/input.ts'
import type { Pixels } from '../../../src/protocol/task.ts'
import { checkImageSize, imageSize } from '../../../src/tasks/image-size.ts'
import { fitImage, imageTensor, quarterTurn } from '../../../src/tasks/image-tensor.ts'
import { resample } from '../../../src/tasks/resample.ts'

function picture(width: number, height: number, rgb: (x: number, y: number) => readonly number[]): Pixels {
  const data = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set([...rgb(x, y), 255], (y * width + x) * 4)
  }
  return { width, height, data }
}

const input: ImageInput = {
  kind: 'image',
  tensor: 'image',
  width: 64,
  height: 32,
  fit: 'cover',
  layout: 'nchw',
  order: 'rgb',
  mean: [128, 128, 128],
  std: [128, 128, 128],
}

describe('resample', () => {
  // Made by Pillow 9 (Image.resize, BILINEAR, box) on the pattern below.
  const cases = JSON.parse(readFileSync(`${import.meta.dirname}/../../fixtures/pillow-bilinear.json`, 'utf8')) as {
    width: number
    height: number
    box: [number, number, number, number]
    outWidth: number
    outHeight: number
    rgb: number[]
  }[]

  it.each(cases)(
    'agrees with Pillow: $width x $height to $outWidth x $outHeight',
    ({ width, height, box, ...wanted }) => {
      const pattern = picture(width, height, (x, y) => [
        (x * 37 + y * 11) % 256,
        (x * x + y * 7) % 256,
        (x * 5 + y * y * 3) % 256,
      ])
      const [left, top, right, bottom] = box
      const got = resample(
        pattern,
        { x: left, y: top, width: right - left, height: bottom - top },
        wanted.outWidth,
        wanted.outHeight,
      )
      const rgb = [...got.data].filter((_, i) => i % 4 !== 3)
      const worst = Math.max(...rgb.map((value, i) => Math.abs(value - (wanted.rgb[i] as number))))
      expect(rgb).toHaveLength(wanted.rgb.length)
      // Pillow weighs in 22-bit fixed point, we in doubles: a byte may round the other way.
      expect(worst).toBeLessThanOrEqual(1)
    },
  )

  it('leaves a picture alone at its own size, and one colour one colour at any size', () => {
    const same = picture(20, 10, (x, y) => [x, y, x * y])
    expect(resample(same, { x: 0, y: 0, width: 20, height: 10 }, 20, 10)).toEqual(same)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 1, max: 90 }), (width, height) => {
        const grey = resample(
          picture(31, 17, () => [9, 99, 199]),
          { x: 0, y: 0, width: 31, height: 17 },
          width,
          height,
        )
        expect([...grey.data].every((value, i) => value === [9, 99, 199, 255][i % 4])).toBe(true)
      }),
      { numRuns: 30 },
    )
  })
})

describe('fitImage', () => {
  const striped = picture(100, 100, (x, y) => [x, y, 0])

  it('covers by cropping the centre, contains by padding, stretches', () => {
    const cover = fitImage(striped, input)
    expect([cover.width, cover.height]).toEqual([64, 32])
    expect(cover.data[1]).toBeGreaterThan(20)
    const contain = fitImage(striped, { ...input, fit: 'contain', pad: [1, 2, 3] })
    expect([...contain.data.subarray(0, 4)]).toEqual([1, 2, 3, 255])
    expect(contain.data[(16 * 64 + 32) * 4]).toBeGreaterThan(40)
    const stretch = fitImage(striped, { ...input, fit: 'stretch' })
    expect(stretch.data[1]).toBeLessThan(5)
  })

  it('turns a portrait picture when the model wants landscape', () => {
    const portrait = picture(40, 80, (_, y) => [y * 3, 0, 0])
    const turned = fitImage(portrait, { ...input, orient: 'landscape' })
    // Clockwise: what was at the top is now on the right.
    expect(turned.data[0]).toBeGreaterThan(turned.data[63 * 4] as number)
    const once = quarterTurn(portrait)
    expect([once.width, once.height]).toEqual([80, 40])
    expect(quarterTurn(quarterTurn(quarterTurn(once)))).toEqual(portrait)
  })
})

describe('imageTensor', () => {
  const colour = picture(64, 32, () => [255, 128, 0])

  it('normalises, orders and lays out as the manifest says', () => {
    const nchw = imageTensor(colour, input)
    expect(nchw.dims).toEqual([1, 3, 32, 64])
    expect([nchw.data[0], nchw.data[64 * 32], nchw.data[2 * 64 * 32]]).toEqual([127 / 128, 0, -1])
    const nhwc = imageTensor(colour, { ...input, layout: 'nhwc', order: 'bgr' })
    expect(nhwc.dims).toEqual([1, 32, 64, 3])
    expect([...nhwc.data.subarray(0, 3)]).toEqual([-1, 0, 127 / 128])
  })

  it('refuses a picture with too few pixels to judge', () => {
    expect(() =>
      imageTensor(
        picture(1, 1, () => [0, 0, 0]),
        input,
      ),
    ).toThrow('1 x 1 pixels; at least 32')
    expect(() =>
      imageTensor(
        picture(500, 31, () => [0, 0, 0]),
        input,
      ),
    ).toThrow('500 x 31')
  })
})

describe('imageSize', () => {
  const png = (width: number, height: number): Uint8Array<ArrayBuffer> => {
    const bytes = new Uint8Array(33)
    bytes.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
    const view = new DataView(bytes.buffer)
    view.setUint32(16, width)
    view.setUint32(20, height)
    return bytes
  }

  it('reads the size of JPEG (any segment order), PNG, WebP, GIF and BMP', () => {
    expect(imageSize(png(640, 480))).toEqual({ type: 'image/png', width: 640, height: 480 })
    const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xe1, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 11, 8, 1, 0, 2, 0, 3)
    expect(imageSize(jpeg)).toEqual({ type: 'image/jpeg', width: 512, height: 256 })
    const webp = new Uint8Array(30)
    webp.set(new TextEncoder().encode('RIFF....WEBPVP8X'))
    webp.set([0xff, 0x0f, 0, 0xff, 0x07, 0], 24)
    expect(imageSize(webp)).toEqual({ type: 'image/webp', width: 4096, height: 2048 })
    expect(imageSize(new Uint8Array([...new TextEncoder().encode('GIF89a'), 3, 0, 2, 0])).width).toBe(3)
  })

  it('refuses text, nothing, a cut header and 100 megapixels, each in clear words', () => {
    expect(() => imageSize(new TextEncoder().encode('hello, I am a text file'))).toThrow('it begins with 68 65 6c 6c')
    expect(() => imageSize(new Uint8Array())).toThrow('it begins with nothing')
    expect(() => imageSize(png(1, 1).slice(0, 18))).toThrow('ends in the middle')
    expect(() => imageSize(png(0, 10))).toThrow('not a JPEG')
    expect(() => checkImageSize(png(12_000, 9_000))).toThrow('108 megapixels; at most 50')
    expect(checkImageSize(png(4000, 3000)).width).toBe(4000)
  })

  it('never hangs nor throws anything else, whatever the bytes', () => {
    const starts = [
      [0xff, 0xd8, 0xff],
      [0x89, 0x50, 0x4e, 0x47],
      [...new TextEncoder().encode('RIFF1234WEBPVP8 ')],
      [0x42, 0x4d],
    ]
    fc.assert(
      fc.property(fc.constantFrom(...starts), fc.uint8Array({ maxLength: 64 }), (start, rest) => {
        try {
          imageSize(Uint8Array.from([...start, ...rest]))
        } catch (error) {
          expect(error).toMatchObject({ code: 'input/not-an-image' })
        }
      }),
      { numRuns: 2000 },
    )
  })
})
