import { JikoError } from '../protocol/error.ts'
import { channelsOf, type ImageInput } from '../protocol/input.ts'
import type { Pixels } from '../protocol/task.ts'
import { type Tensor, tensorOf } from '../protocol/tensor.ts'
import { type Box, resample } from './resample.ts'

/** A picture whose shorter side is below this many pixels shows nothing to judge. */
export const MIN_SIDE = 32
/** A line of text is low, and may be short. */
export const MIN_LINE = 8

/** A quarter turn clockwise. */
export function quarterTurn({ width, height, data }: Pixels): Pixels {
  const from = new Uint32Array(data.buffer, data.byteOffset, width * height)
  const turned = new Uint32Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) turned[x * height + (height - 1 - y)] = from[y * width + x] as number
  }
  return { width: height, height: width, data: new Uint8ClampedArray(turned.buffer) }
}

/** Orientation and fit as the manifest says; RGBA of exactly `input.width` x `input.height`, or as large as is needed where its size is open. */
export function fitImage(picture: Pixels, input: ImageInput): Pixels {
  const wrongWay =
    (input.orient === 'landscape' && picture.height > picture.width) ||
    (input.orient === 'portrait' && picture.width > picture.height)
  const pixels = wrongWay ? quarterTurn(picture) : picture
  const across = input.width / pixels.width
  const down = input.height / pixels.height
  const whole: Box = { x: 0, y: 0, width: pixels.width, height: pixels.height }
  switch (input.fit) {
    case 'stretch':
      return resample(pixels, whole, input.width, input.height)
    case 'cover': {
      const scale = Math.max(across, down)
      const width = input.width / scale
      const height = input.height / scale
      const box = { x: (pixels.width - width) / 2, y: (pixels.height - height) / 2, width, height }
      return resample(pixels, box, input.width, input.height)
    }
    case 'contain': {
      const scale = Math.min(across, down)
      const width = Math.max(1, Math.min(input.width, Math.round(pixels.width * scale)))
      const height = Math.max(1, Math.min(input.height, Math.round(pixels.height * scale)))
      const fitted = resample(pixels, whole, width, height)
      return place(fitted, input.step === undefined ? input : steppedTo(fitted, input, input.step))
    }
    case 'line': {
      const width = Math.max(1, Math.min(input.width, Math.round(pixels.width * down)))
      const line = resample(pixels, whole, width, input.height)
      return place(line, { ...steppedTo(line, input, input.step ?? 1), height: input.height })
    }
  }
}

/** Padded no further than to multiples of a step. */
const steppedTo = ({ width, height }: Pixels, input: ImageInput, step: number): ImageInput => ({
  ...input,
  place: 'top-left',
  width: Math.ceil(width / step) * step,
  height: Math.ceil(height / step) * step,
})

function place(picture: Pixels, { width, height, pad = [0, 0, 0], place: at }: ImageInput): Pixels {
  const data = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < data.length; i += 4) data.set([...pad, 255], i)
  const left = at === 'top-left' ? 0 : Math.floor((width - picture.width) / 2)
  const top = at === 'top-left' ? 0 : Math.floor((height - picture.height) / 2)
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(y * picture.width * 4, (y + 1) * picture.width * 4)
    data.set(row, ((top + y) * width + left) * 4)
  }
  return { width, height, data }
}

/** One byte a pixel: the luma of JPEG, rounded; then spread between black and white, then turned round, where the manifest says so. */
function greyOf({ data: rgba }: Pixels, { stretch, invert }: ImageInput): Uint8Array {
  const grey = new Uint8Array(rgba.length / 4)
  for (let i = 0; i < grey.length; i++) {
    const luma = 299 * (rgba[i * 4] as number) + 587 * (rgba[i * 4 + 1] as number) + 114 * (rgba[i * 4 + 2] as number)
    grey[i] = Math.floor((luma + 500) / 1000)
  }
  if (stretch !== undefined) {
    const sorted = grey.slice().sort()
    const cut = Math.floor(stretch * sorted.length)
    const low = sorted[cut] as number
    const high = sorted[sorted.length - 1 - cut] as number
    const range = Math.max(1, high - low)
    for (let i = 0; i < grey.length; i++) {
      const part = Math.min(range, Math.max(0, (grey[i] as number) - low))
      grey[i] = Math.floor((part * 255) / range + 0.5)
    }
  }
  return invert ? grey.map((value) => 255 - value) : grey
}

/**
 * RGBA to the graph's input: fitted, then `(pixel - mean) / std` per channel in the wanted order and layout. Alpha is
 * ignored. `mean` and `std` are given in the order of the tensor's channels.
 * @throws JikoError `input/too-small` when there are too few pixels to judge.
 */
export function imageTensor(picture: Pixels, input: ImageInput): Tensor {
  const least = input.fit === 'line' ? MIN_LINE : MIN_SIDE
  if (Math.min(picture.width, picture.height) < least) {
    throw new JikoError(
      'input/too-small',
      `the picture is ${picture.width} x ${picture.height} pixels; at least ${least} on each side are needed`,
      { detail: { width: picture.width, height: picture.height, least } },
    )
  }
  const { layout, order, mean, std, type = 'float32' } = input
  const channels = channelsOf(input)
  const fitted = fitImage(picture, input)
  const { width, height } = fitted
  const bytes = channels === 1 ? greyOf(fitted, input) : fitted.data
  const step = channels === 1 ? 1 : 4
  const area = width * height
  const data = new Float32Array(channels * area)
  for (let channel = 0; channel < channels; channel++) {
    const source = order === 'bgr' ? 2 - channel : channel
    const offset = mean[channel] as number
    const scale = std[channel] as number
    for (let i = 0; i < area; i++) {
      data[layout === 'nchw' ? channel * area + i : i * channels + channel] =
        ((bytes[i * step + source] as number) - offset) / scale
    }
  }
  const dims = layout === 'nchw' ? [1, channels, height, width] : [1, height, width, channels]
  if (type === 'float32') return { type, dims, data }
  return tensorOf(type, dims, (i) => Math.min(255, Math.max(0, Math.round(data[i] as number))))
}
