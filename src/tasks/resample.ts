import type { Pixels } from '../protocol/task.ts'

/** A part of a picture, in pixels; fractions are meant. */
export interface Box {
  x: number
  y: number
  width: number
  height: number
}

interface Window {
  first: number
  weights: Float64Array
}

/** For each output position, the input positions it looks at: a triangle filter, widened when shrinking so that nothing is skipped. */
function windows(inputSize: number, start: number, extent: number, outputSize: number): Window[] {
  const scale = extent / outputSize
  const support = Math.max(scale, 1)
  return Array.from({ length: outputSize }, (_, i) => {
    const centre = start + (i + 0.5) * scale
    const first = Math.max(0, Math.trunc(centre - support + 0.5))
    const end = Math.min(inputSize, Math.trunc(centre + support + 0.5))
    const weights = Float64Array.from({ length: end - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((first + k - centre + 0.5) / support)),
    )
    const sum = weights.reduce((total, weight) => total + weight, 0)
    return { first, weights: weights.map((weight) => weight / sum) }
  })
}

/**
 * Cuts `box` out of a picture and brings it to `width` x `height`: bilinear with antialiasing, horizontal then
 * vertical, rounded to bytes in between, which is what Pillow's BILINEAR does and so what recipes train with.
 */
export function resample(pixels: Pixels, box: Box, width: number, height: number): Pixels {
  const columns = windows(pixels.width, box.x, box.width, width)
  const rows = windows(pixels.height, box.y, box.height, height)
  const top = rows[0]?.first ?? 0
  const last = rows.at(-1)
  const bottom = last ? last.first + last.weights.length : 0

  const middle = new Uint8ClampedArray(width * (bottom - top) * 4)
  for (let y = top; y < bottom; y++) {
    for (let x = 0; x < width; x++) {
      const { first, weights } = columns[x] as Window
      blend(pixels.data, (y * pixels.width + first) * 4, 4, weights, middle, ((y - top) * width + x) * 4)
    }
  }
  const data = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y++) {
    const { first, weights } = rows[y] as Window
    for (let x = 0; x < width; x++) {
      blend(middle, ((first - top) * width + x) * 4, width * 4, weights, data, (y * width + x) * 4)
    }
  }
  return { width, height, data }
}

/** Weighted sum of RGBA pixels `step` apart, written at `to`. Half rounds up, unlike the clamped array's own half-to-even. */
function blend(
  from: Uint8ClampedArray,
  at: number,
  step: number,
  weights: Float64Array,
  into: Uint8ClampedArray,
  to: number,
): void {
  let r = 0
  let g = 0
  let b = 0
  let a = 0
  for (let k = 0; k < weights.length; k++, at += step) {
    const weight = weights[k] as number
    r += weight * (from[at] as number)
    g += weight * (from[at + 1] as number)
    b += weight * (from[at + 2] as number)
    a += weight * (from[at + 3] as number)
  }
  into[to] = Math.floor(r + 0.5)
  into[to + 1] = Math.floor(g + 0.5)
  into[to + 2] = Math.floor(b + 0.5)
  into[to + 3] = Math.floor(a + 0.5)
}
