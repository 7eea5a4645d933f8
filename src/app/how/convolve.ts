/** Brightness, 0-1, row by row. */
export interface Grey {
  readonly width: number
  readonly height: number
  readonly values: Float32Array
}

/** Nine numbers, row by row. */
export type Kernel = readonly number[]

/** The kernel at every place where it lies wholly on the picture: two rows and two columns fewer. */
export function convolve({ width, height, values }: Grey, kernel: Kernel): Grey {
  const out = new Float32Array(Math.max(0, width - 2) * Math.max(0, height - 2))
  let at = 0
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      let sum = 0
      for (let row = 0; row < 3; row++) {
        for (let column = 0; column < 3; column++) {
          sum += (kernel[row * 3 + column] as number) * (values[(y + row - 1) * width + x + column - 1] as number)
        }
      }
      out[at++] = sum
    }
  }
  return { width: Math.max(0, width - 2), height: Math.max(0, height - 2), values: out }
}

/** What models do next: less than nothing counts as nothing; and so that the largest is white. */
export function brightened({ width, height, values }: Grey): Grey {
  const most = values.reduce((max, value) => Math.max(max, value), 0)
  return { width, height, values: values.map((value) => (most > 0 ? Math.max(0, value) / most : 0)) }
}
