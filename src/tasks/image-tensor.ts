import { JikoError } from '../protocol/error.ts'
import type { ImageInput } from '../protocol/manifest.ts'
import type { Pixels } from '../protocol/task.ts'
import { float32, type Tensor } from '../protocol/tensor.ts'
import { type Box, resample } from './resample.ts'

/** A picture whose shorter side is below this many pixels shows nothing to judge. */
export const MIN_SIDE = 32

/** A quarter turn clockwise. */
export function quarterTurn({ width, height, data }: Pixels): Pixels {
  const from = new Uint32Array(data.buffer, data.byteOffset, width * height)
  const turned = new Uint32Array(width * height)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) turned[x * height + (height - 1 - y)] = from[y * width + x] as number
  }
  return { width: height, height: width, data: new Uint8ClampedArray(turned.buffer) }
}

/** Orientation and fit as the manifest says; RGBA of exactly `input.width` x `input.height`. */
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
      return place(resample(pixels, whole, width, height), input)
    }
  }
}

function place(picture: Pixels, { width, height, pad = [0, 0, 0] }: ImageInput): Pixels {
  const data = new Uint8ClampedArray(width * height * 4)
  for (let i = 0; i < data.length; i += 4) data.set([...pad, 255], i)
  const left = Math.floor((width - picture.width) / 2)
  const top = Math.floor((height - picture.height) / 2)
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(y * picture.width * 4, (y + 1) * picture.width * 4)
    data.set(row, ((top + y) * width + left) * 4)
  }
  return { width, height, data }
}

/**
 * RGBA to the graph's input: fitted, then `(pixel - mean) / std` per channel in the wanted order and layout. Alpha is
 * ignored. `mean` and `std` are given in the order of the tensor's channels.
 * @throws JikoError `input/too-small` when there are too few pixels to judge.
 */
export function imageTensor(picture: Pixels, input: ImageInput): Tensor {
  const side = Math.min(picture.width, picture.height)
  if (side < MIN_SIDE) {
    throw new JikoError(
      'input/too-small',
      `the picture is ${picture.width} x ${picture.height} pixels; at least ${MIN_SIDE} on each side are needed`,
      { detail: { width: picture.width, height: picture.height, least: MIN_SIDE } },
    )
  }
  const { width, height, layout, order, mean, std } = input
  const { data: rgba } = fitImage(picture, input)
  const data = new Float32Array(3 * width * height)
  const area = width * height
  for (let channel = 0; channel < 3; channel++) {
    const source = order === 'rgb' ? channel : 2 - channel
    const offset = mean[channel] as number
    const scale = std[channel] as number
    for (let i = 0; i < area; i++) {
      data[layout === 'nchw' ? channel * area + i : i * 3 + channel] =
        ((rgba[i * 4 + source] as number) - offset) / scale
    }
  }
  return float32(layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3], data)
}
