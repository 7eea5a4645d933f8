import type { ImageInput } from '../protocol/manifest.ts'
import { float32, type Tensor } from '../protocol/tensor.ts'

const CELLS = 8

/** Park-Miller minimal standard generator: exact in doubles, so the same numbers on every engine. */
function createRandom(seed: number): () => number {
  let state = (seed % 2147483646) + 1
  return () => {
    state = (state * 48271) % 2147483647
    return state
  }
}

/**
 * A picture made from a seed, as the graph's input tensor: smooth patches of colour with a little grain, so that it
 * exercises the net as a photo would and costs a pack no bytes. Integer arithmetic only until the normalisation, so
 * that every device makes the same tensor. Shape [1, 3, height, width] or [1, height, width, 3].
 */
export function goldenInput(seed: number, input: ImageInput): Tensor {
  const { width, height, layout, mean, std } = input
  const random = createRandom(seed)
  const grid = Array.from({ length: 3 * (CELLS + 1) ** 2 }, () => random() % 256)
  const at = (channel: number, row: number, column: number): number =>
    grid[(channel * (CELLS + 1) + row) * (CELLS + 1) + column] as number
  const data = new Float32Array(3 * width * height)
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < height; y++) {
      const row = Math.floor((y * CELLS) / height)
      const down = Math.floor(((y * CELLS) % height) * (256 / height))
      for (let x = 0; x < width; x++) {
        const column = Math.floor((x * CELLS) / width)
        const right = Math.floor(((x * CELLS) % width) * (256 / width))
        const top = at(channel, row, column) * (256 - right) + at(channel, row, column + 1) * right
        const bottom = at(channel, row + 1, column) * (256 - right) + at(channel, row + 1, column + 1) * right
        const smooth = (top * (256 - down) + bottom * down) >> 16
        const pixel = Math.max(0, Math.min(255, smooth + (random() % 17) - 8))
        const index = layout === 'nchw' ? (channel * height + y) * width + x : (y * width + x) * 3 + channel
        data[index] = (pixel - (mean[channel] as number)) / (std[channel] as number)
      }
    }
  }
  return float32(layout === 'nchw' ? [1, 3, height, width] : [1, height, width, 3], data)
}
