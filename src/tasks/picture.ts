import { JikoError } from '../protocol/error.ts'
import type { OutputOf } from '../protocol/output.ts'
import type { ImageAnswer } from '../protocol/task.ts'
import type { Tensors } from '../protocol/tensor.ts'

/** A picture out of a tensor of [1, channels, height, width] or [1, height, width, channels]. @throws JikoError `task/bad-output` */
export function pictureOf(outputs: Tensors, output: OutputOf<'image'>): ImageAnswer {
  const tensor = outputs[output.tensor]
  const channels = output.order === 'grey' ? 1 : 3
  const [a = 0, b = 0, c = 0] = tensor?.dims.slice(-3) ?? []
  const [depth, height, width] = output.layout === 'nchw' ? [a, b, c] : [c, a, b]
  if (!tensor || depth !== channels || tensor.data.length !== channels * height * width || height * width === 0) {
    throw new JikoError(
      'task/bad-output',
      `output "${output.tensor}" should be a picture of ${channels} channels, got [${tensor?.dims ?? ''}]`,
    )
  }
  const area = width * height
  const data = new Uint8ClampedArray(area * 4).fill(255)
  for (let channel = 0; channel < 3; channel++) {
    const source = channels === 1 ? 0 : output.order === 'bgr' ? 2 - channel : channel
    for (let i = 0; i < area; i++) {
      const at = output.layout === 'nchw' ? source * area + i : i * channels + source
      // A clamped array rounds and cuts off.
      data[i * 4 + channel] = Number(tensor.data[at]) * output.std + output.mean
    }
  }
  return { kind: 'image', pixels: { width, height, data } }
}
