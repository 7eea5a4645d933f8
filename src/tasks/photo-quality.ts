import { JikoError } from '../protocol/error.ts'
import type { ImageInput } from '../protocol/input.ts'
import type { Pixels } from '../protocol/task.ts'
import { fitImage } from './image-tensor.ts'

export interface PhotoQuality {
  /** Mean brightness of what the model sees, 0-255. */
  light: number
  /**
   * Variance of the Laplacian of its brightness (each pixel's four neighbours less four times itself): edges have much
   * of it, a blur takes it away, darkness too.
   */
  sharp: number
}

/** Both measures of the picture as it is fitted for the model, so they do not depend on the camera's size. */
export function qualityOf(picture: Pixels, input: ImageInput): PhotoQuality {
  const { width, height, data } = fitImage(picture, input)
  const luma = Float64Array.from({ length: width * height }, (_, i) => {
    const [r = 0, g = 0, b = 0] = data.subarray(i * 4, i * 4 + 3)
    return 0.299 * r + 0.587 * g + 0.114 * b
  })
  const light = luma.reduce((sum, value) => sum + value, 0) / luma.length
  let [sum, squares, count] = [0, 0, 0]
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      const at = y * width + x
      const around =
        (luma[at - 1] as number) +
        (luma[at + 1] as number) +
        (luma[at - width] as number) +
        (luma[at + width] as number)
      const laplacian = around - 4 * (luma[at] as number)
      sum += laplacian
      squares += laplacian * laplacian
      count += 1
    }
  }
  return { light, sharp: count === 0 ? 0 : squares / count - (sum / count) ** 2 }
}

/**
 * Refuses a photo that nothing can be told from, before anything is claimed of it.
 * @throws JikoError `input/too-small`, `input/too-dark`, `input/too-blurred`
 */
export function checkQuality(picture: Pixels, input: ImageInput): void {
  const { side, light, sharp } = input.quality ?? {}
  const shorter = Math.min(picture.width, picture.height)
  if (side !== undefined && shorter < side) {
    const { width, height } = picture
    throw new JikoError('input/too-small', `the picture is ${width} x ${height} pixels; at least ${side} are needed`, {
      detail: { width, height, least: side },
    })
  }
  const measured = qualityOf(picture, input)
  // Darkness takes sharpness away too, and is what a person can change.
  if (light !== undefined && measured.light < light) {
    throw new JikoError(
      'input/too-dark',
      `the picture is too dark: ${measured.light.toFixed(1)} of 255, at least ${light} is needed; go where there is more light`,
      { detail: { got: Math.round(measured.light), least: light } },
    )
  }
  if (sharp !== undefined && measured.sharp < sharp) {
    throw new JikoError(
      'input/too-blurred',
      `the picture is blurred: ${measured.sharp.toFixed(1)}, at least ${sharp} is needed; hold the phone still and not too near`,
      { detail: { got: Math.round(measured.sharp), least: sharp } },
    )
  }
}
