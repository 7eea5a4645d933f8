import type { Bytes } from '../lib/bytes.ts'
import { JikoError } from '../protocol/error.ts'
import type { ImageInput } from '../protocol/input.ts'
import type { Pixels } from '../protocol/task.ts'
import type { RunAttachment } from '../protocol/worker.ts'
import { checkImageSize, HEADER_BYTES, type ImageSize } from '../tasks/image-size.ts'
import { likenessOf } from '../tasks/likeness.ts'
import { carriesMetadata } from '../tasks/photo-metadata.ts'
import { orientationOf } from '../tasks/photo-orientation.ts'

/** A photo file up to this size is kept as it is, unless it says where it was taken; any other at `KEPT_SIDE` at most. */
const KEPT_BYTES = 512 * 1024
const KEPT_SIDE = 1600
const PREVIEW_SIDE = 256
/** sync.md: a preview is at most 12 KB. */
const PREVIEW_BYTES = 12 * 1024

/** Of the wanted size, which leaves room: a model's is half of it. */
const NEAR_ENOUGH = 0.85

/** WebCodecs' decoder of still pictures, which not every browser has. */
interface StillDecoder {
  decode(): Promise<{ image: VideoFrame }>
  close(): void
}
type StillDecoderClass = new (options: {
  data: ReadableStream
  type: string
  desiredWidth: number
  desiredHeight: number
}) => StillDecoder

/** What a camera that was held sideways writes at the beginning of its file (EXIF orientation 6). */
const SIDEWAYS = Uint8Array.of(
  ...[0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 42, 0, 0, 0, 8],
  ...[0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0],
)

/** Whether this decoder turns pictures upright: tried on a small one that says it was taken sideways. */
async function turnsUpright(Decoder: StillDecoderClass): Promise<boolean> {
  const canvas = new OffscreenCanvas(16, 8)
  canvas.getContext('2d')
  const type = 'image/jpeg'
  const plain = await canvas.convertToBlob({ type })
  const file = new Blob([plain.slice(0, 2), SIDEWAYS, plain.slice(2)])
  const decoder = new Decoder({ data: file.stream(), type, desiredWidth: 16, desiredHeight: 8 })
  try {
    const { image } = await decoder.decode()
    const bitmap = await createImageBitmap(image)
    image.close()
    const isTurned = bitmap.height > bitmap.width
    bitmap.close()
    return isTurned
  } finally {
    decoder.close()
  }
}

/**
 * A JPEG decoded straight to about the wanted size, in half the time: most of its numbers are never worked out.
 * Undefined where that cannot be had. Older browsers do not turn the picture upright here: a quarter turn that is
 * missing is seen by its sides, a half turn is not, and a mirror is left to the other way.
 */
async function decodeScaled(
  photo: Blob,
  { type, width, height }: ImageSize,
  scale: number,
  orientation: number,
): Promise<ImageBitmap | undefined> {
  const { ImageDecoder } = globalThis as { ImageDecoder?: StillDecoderClass }
  const turned = orientation >= 5
  const isSeen = orientation === 1 || (turned && width !== height)
  if (!ImageDecoder || type !== 'image/jpeg' || !(isSeen || orientation === 3)) return undefined
  const desiredWidth = Math.max(1, Math.round(width * scale))
  const desiredHeight = Math.max(1, Math.round(height * scale))
  const decoder = new ImageDecoder({ data: photo.stream(), type, desiredWidth, desiredHeight })
  try {
    const [{ image }, isUpright] = await Promise.all([decoder.decode(), isSeen || turnsUpright(ImageDecoder)])
    if (!isUpright) {
      image.close()
      return undefined
    }
    const bitmap = await createImageBitmap(image)
    image.close()
    // Decoders know a few sizes only, and may take the next smaller one.
    const enough = Math.max(bitmap.width, bitmap.height) >= NEAR_ENOUGH * Math.max(desiredWidth, desiredHeight)
    if (enough && (bitmap.width > bitmap.height === width > height) !== turned) return bitmap
    bitmap.close()
    return undefined
  } catch {
    // The other way says what is wrong with it.
    return undefined
  } finally {
    decoder.close()
  }
}

/**
 * Decodes a photo at a reduced size, so that a 12-megapixel picture never becomes 48 MB of pixels in our hands.
 * Orientation is applied by the platform.
 * @throws JikoError `input/not-an-image`, `input/too-large`.
 */
async function decodeReduced(photo: Blob, size: ImageSize, scale: number, orientation: number): Promise<ImageBitmap> {
  try {
    if (scale >= 1) return await createImageBitmap(photo)
    const scaled = await decodeScaled(photo, size, scale, orientation)
    if (scaled) return scaled
    // The other side follows. Before orientation is applied width and height may be exchanged, which `scale` allows for.
    const resizeWidth = Math.max(1, Math.round(size.width * scale))
    return await createImageBitmap(photo, { resizeWidth, resizeQuality: 'medium' })
  } catch (cause) {
    throw new JikoError('input/not-an-image', `the ${size.type} picture is damaged`, { cause })
  }
}

function draw(bitmap: ImageBitmap, width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true, alpha: false })
  if (!context) throw new JikoError('runtime/no-canvas', 'this browser has no OffscreenCanvas 2D')
  context.drawImage(bitmap, 0, 0, width, height)
  return context
}

async function encode(bitmap: ImageBitmap, longest: number, quality: number): Promise<Bytes> {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height))
  const { canvas } = draw(
    bitmap,
    Math.max(1, Math.round(bitmap.width * scale)),
    Math.max(1, Math.round(bitmap.height * scale)),
  )
  const blob = await canvas.convertToBlob({ type: 'image/jpeg', quality })
  return new Uint8Array(await blob.arrayBuffer())
}

async function previewOf(bitmap: ImageBitmap): Promise<Bytes> {
  let bytes = await encode(bitmap, PREVIEW_SIDE, 0.7)
  for (let quality = 0.5; bytes.length > PREVIEW_BYTES && quality > 0; quality -= 0.2) {
    bytes = await encode(bitmap, PREVIEW_SIDE, quality)
  }
  return bytes
}

/** At most so many pixels are decoded, 32 MB: a panorama as high as a model wants it is very long. */
const MOST_DECODED = 8_000_000

/**
 * The scale that a photo is decoded at.
 * @param asIs whether the record keeps the file, so that no picture is needed for it.
 */
export function decodeScale(
  { width, height }: Pick<ImageSize, 'width' | 'height'>,
  input: Pick<ImageInput, 'width' | 'height'>,
  asIs: boolean,
) {
  // Twice what the model needs leaves the task's own antialiased resampling in charge of the final pixels.
  const forModel = (2 * Math.max(input.width, input.height)) / Math.min(width, height)
  const forRecord = asIs ? 0 : KEPT_SIDE / Math.max(width, height)
  return Math.min(Math.max(forModel, forRecord), Math.sqrt(MOST_DECODED / (width * height)))
}

async function attachmentsOf(bitmap: ImageBitmap, pixels: Pixels, asIs?: Omit<RunAttachment, 'role'>) {
  const kept = asIs ?? { type: 'image/jpeg', bytes: await encode(bitmap, KEPT_SIDE, 0.85) }
  return [
    { role: 'input', ...kept },
    { role: 'preview', type: 'image/jpeg', bytes: await previewOf(bitmap), likeness: likenessOf(pixels) },
  ] satisfies RunAttachment[]
}

function pixelsOf(bitmap: ImageBitmap, longest = Number.POSITIVE_INFINITY): Pixels {
  const scale = Math.min(1, longest / Math.max(bitmap.width, bitmap.height))
  const width = Math.max(1, Math.round(bitmap.width * scale))
  const height = Math.max(1, Math.round(bitmap.height * scale))
  return { width, height, data: draw(bitmap, width, height).getImageData(0, 0, width, height).data as Pixels['data'] }
}

/** A photo as pixels of the size that is kept, encoded for the record. */
export async function encodePhoto(pixels: Pixels): Promise<RunAttachment[]> {
  const bitmap = await createImageBitmap(new ImageData(pixels.data, pixels.width, pixels.height))
  try {
    return await attachmentsOf(bitmap, pixels)
  } finally {
    bitmap.close()
  }
}

/**
 * What the model looks at and what the record keeps, from one decoding. Encoding for the record goes on while the model
 * computes: browsers do it on another thread.
 * @param hiding nothing is encoded yet: `photo` is what is kept once faces were hidden in it
 */
export async function decodePhoto(
  photo: Blob,
  input: Pick<ImageInput, 'width' | 'height'>,
  hiding = false,
): Promise<{ pixels: Pixels; photo?: Pixels; attachments: Promise<RunAttachment[]> }> {
  const header = new Uint8Array(await photo.slice(0, HEADER_BYTES).arrayBuffer())
  const size = checkImageSize(header)
  const file = !hiding && photo.size <= KEPT_BYTES && new Uint8Array(await photo.arrayBuffer())
  // A place is kept only where a person allows it, which no photo's metadata can know: encoding anew leaves it behind.
  const asIs = file && !carriesMetadata(file) ? { type: size.type, bytes: file } : undefined
  const scale = decodeScale(size, input, asIs !== undefined)
  const bitmap = await decodeReduced(photo, size, scale, orientationOf(header))
  try {
    const pixels = pixelsOf(bitmap)
    if (hiding) {
      const fits = Math.max(bitmap.width, bitmap.height) <= KEPT_SIDE
      const kept = fits ? pixels : pixelsOf(bitmap, KEPT_SIDE)
      bitmap.close()
      return { pixels, photo: kept, attachments: Promise.resolve([]) }
    }
    const attachments = attachmentsOf(bitmap, pixels, asIs).finally(() => bitmap.close())
    // Where the model fails nobody asks for them.
    attachments.catch(() => undefined)
    return { pixels, attachments }
  } catch (error) {
    bitmap.close()
    throw error
  }
}

/** A photo that no model is asked about, as pixels of the size that is kept. */
export async function decodeToKeep(photo: Blob): Promise<Pixels> {
  const { pixels, photo: kept = pixels } = await decodePhoto(photo, { width: 1, height: 1 }, true)
  return kept
}

/** A picture that a model made, as a file. */
export async function encodePicture({ width, height, data }: Pixels): Promise<RunAttachment> {
  const bitmap = await createImageBitmap(new ImageData(data, width, height))
  try {
    return { role: 'output', type: 'image/jpeg', bytes: await encode(bitmap, KEPT_SIDE, 0.9) }
  } finally {
    bitmap.close()
  }
}
