import type { ImageInput } from '../../src/protocol/input.ts'

/** How most nets are fed: 224 pixels, cut to a square, as they are. */
export const IMAGE_INPUT: ImageInput = {
  kind: 'image',
  tensor: 'image',
  width: 224,
  height: 224,
  fit: 'cover',
  layout: 'nchw',
  order: 'rgb',
  mean: [0, 0, 0],
  std: [1, 1, 1],
}
