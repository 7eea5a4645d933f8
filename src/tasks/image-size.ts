import { JikoError } from '../protocol/error.ts'

export interface ImageSize {
  type: 'image/jpeg' | 'image/png' | 'image/webp' | 'image/gif' | 'image/bmp'
  width: number
  height: number
}

/** More pixels than this could end a phone with 1 GB while decoding. */
export const MAX_PIXELS = 50_000_000

/** How many bytes of the file `imageSize` wants to see: cameras put thumbnails and colour profiles first. */
export const HEADER_BYTES = 256 * 1024

/**
 * Size of a picture from its first bytes, before anything is decoded.
 * @throws JikoError `input/not-an-image` when it is none of JPEG, PNG, WebP, GIF, BMP, or is cut short.
 */
export function imageSize(bytes: Uint8Array<ArrayBuffer>): ImageSize {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    const size = png(view) ?? jpeg(view) ?? webp(view) ?? gif(view) ?? bmp(view)
    if (size && size.width > 0 && size.height > 0) return size
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new JikoError('input/not-an-image', 'the picture file ends in the middle of its header', { cause })
  }
  const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ')
  throw new JikoError(
    'input/not-an-image',
    `not a JPEG, PNG, WebP, GIF or BMP picture: it begins with ${start || 'nothing'}`,
  )
}

/** @throws JikoError `input/not-an-image`, `input/too-large`. */
export function checkImageSize(bytes: Uint8Array<ArrayBuffer>): ImageSize {
  const size = imageSize(bytes)
  const megapixels = (size.width * size.height) / 1e6
  if (size.width * size.height > MAX_PIXELS) {
    throw new JikoError(
      'input/too-large',
      `the picture has ${Math.round(megapixels)} megapixels; at most ${MAX_PIXELS / 1e6} can be opened on a phone`,
      { detail: { megapixels: Math.round(megapixels), most: MAX_PIXELS / 1e6 } },
    )
  }
  return size
}

const ascii = (view: DataView, at: number, text: string): boolean =>
  at + text.length <= view.byteLength && [...text].every((char, i) => view.getUint8(at + i) === char.charCodeAt(0))

function png(view: DataView): ImageSize | undefined {
  if (!ascii(view, 1, 'PNG\r\n') || view.getUint8(0) !== 0x89) return undefined
  return { type: 'image/png', width: view.getUint32(16), height: view.getUint32(20) }
}

function jpeg(view: DataView): ImageSize | undefined {
  if (view.byteLength < 3 || view.getUint16(0) !== 0xffd8 || view.getUint8(2) !== 0xff) return undefined
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) throw new RangeError('no marker')
    const marker = view.getUint8(at + 1)
    // Fill bytes may stand before a marker.
    if (marker === 0xff) at += 1
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      return { type: 'image/jpeg', width: view.getUint16(at + 7), height: view.getUint16(at + 5) }
    } else at += 2 + Math.max(2, view.getUint16(at + 2))
  }
}

function webp(view: DataView): ImageSize | undefined {
  if (!ascii(view, 0, 'RIFF') || !ascii(view, 8, 'WEBP')) return undefined
  const type = 'image/webp'
  if (ascii(view, 12, 'VP8X')) {
    const size24 = (at: number): number => view.getUint16(at, true) + view.getUint8(at + 2) * 65_536 + 1
    return { type, width: size24(24), height: size24(27) }
  }
  if (ascii(view, 12, 'VP8L')) {
    const bits = view.getUint32(21, true)
    return { type, width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 }
  }
  return { type, width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff }
}

function gif(view: DataView): ImageSize | undefined {
  if (!ascii(view, 0, 'GIF8')) return undefined
  return { type: 'image/gif', width: view.getUint16(6, true), height: view.getUint16(8, true) }
}

function bmp(view: DataView): ImageSize | undefined {
  if (!ascii(view, 0, 'BM') || view.byteLength < 26) return undefined
  return { type: 'image/bmp', width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) }
}
