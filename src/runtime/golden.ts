import { createRandom, type Random } from '../lib/random.ts'
import { elementCount } from '../protocol/dims.ts'
import { type AudioInput, channelsOf, type ImageInput, type NgramFeatures, type TextInput } from '../protocol/input.ts'
import type { Feeding } from '../protocol/manifest.ts'
import { type Tensor, type Tensors, tensorOf } from '../protocol/tensor.ts'
import { constantTensors, initialState } from './feeding.ts'

const CELLS = 8

/**
 * What a model is fed to see whether a backend answers right, made from a seed so that it costs a pack no bytes: every
 * tensor of a first call. Integer arithmetic only, but for exact divisions, so that every device makes the same.
 */
export function goldenInputs(seed: number, feeding: Feeding): Tensors {
  return {
    ...constantTensors(feeding.constants),
    ...initialState(feeding.state),
    ...inputTensors(createRandom(seed), feeding.input),
  }
}

function inputTensors(random: Random, input: Feeding['input']): Tensors {
  switch (input.kind) {
    case 'image':
      return { [input.tensor]: picture(random, input) }
    case 'audio':
      return { [input.tensor]: sound(random, input) }
    case 'text':
      return text(random, input.features)
    case 'bytes': {
      const { begin, middle, end, pad, type, tensor } = input
      const length = begin + middle + end
      // The last eighth of the first bytes is padding, as of a short file.
      const padded = (i: number): boolean => i < begin && i >= begin - (begin >> 3)
      return { [tensor]: tensorOf(type, [1, length], (i) => (padded(i) ? pad : random() % 256)) }
    }
  }
}

/**
 * Smooth patches of colour with a little grain, so that it exercises the net as a photo would. Shape
 * [1, channels, height, width] or [1, height, width, channels].
 */
function picture(random: Random, input: ImageInput): Tensor {
  const { width, height, layout, mean, std, type = 'float32' } = input
  const channels = channelsOf(input)
  const patches = smooth(random, channels, height, width)
  const data = new Float32Array(patches.length)
  for (let i = 0; i < data.length; i++) {
    const channel = Math.floor(i / (height * width))
    const value = ((patches[i] as number) - (mean[channel] as number)) / (std[channel] as number)
    data[layout === 'nchw' ? i : (i % (height * width)) * channels + channel] = value
  }
  const dims = layout === 'nchw' ? [1, channels, height, width] : [1, height, width, channels]
  return tensorOf(type, dims, (i) => (type === 'uint8' ? Math.round(data[i] as number) : (data[i] as number)))
}

/** `layers` of bytes, [layers, height, width]: random corners of a grid, blended in between, with grain. */
function smooth(random: Random, layers: number, height: number, width: number): Uint8Array {
  const grid = Array.from({ length: layers * (CELLS + 1) ** 2 }, () => random() % 256)
  const at = (layer: number, row: number, column: number): number =>
    grid[(layer * (CELLS + 1) + row) * (CELLS + 1) + column] as number
  const bytes = new Uint8Array(layers * height * width)
  for (let layer = 0; layer < layers; layer++) {
    for (let y = 0; y < height; y++) {
      const row = Math.floor((y * CELLS) / height)
      const down = Math.floor(((y * CELLS) % height) * (256 / height))
      for (let x = 0; x < width; x++) {
        const column = Math.floor((x * CELLS) / width)
        const right = Math.floor(((x * CELLS) % width) * (256 / width))
        const top = at(layer, row, column) * (256 - right) + at(layer, row, column + 1) * right
        const bottom = at(layer, row + 1, column) * (256 - right) + at(layer, row + 1, column + 1) * right
        const blend = (top * (256 - down) + bottom * down) >> 16
        bytes[(layer * height + y) * width + x] = Math.max(0, Math.min(255, blend + (random() % 17) - 8))
      }
    }
  }
  return bytes
}

/** A waveform of steps up and down, or bands that change smoothly over what such bands can hold. */
function sound(random: Random, { features, samples }: AudioInput): Tensor {
  if (features.kind === 'waveform') {
    let level = 0
    return tensorOf('float32', features.dims, () => {
      level = Math.max(-16_384, Math.min(16_384, level + (random() % 4096) - 2048))
      return level / 32_768
    })
  }
  const mfcc = features.kind === 'mfcc'
  const values = mfcc ? features.coefficients : features.bands
  const patches = smooth(random, 1, elementCount(features.dims) / values, values)
  // The logarithm of silence is that of the floor; whole numbers, since engines may round a logarithm differently.
  const low = mfcc ? -4 : Math.round(Math.log(features.floor))
  const high = mfcc ? 4 : Math.max(2, Math.round(Math.log(samples / features.bands)))
  const pick = (list: readonly number[] | undefined, i: number): number | undefined => list?.[list.length > 1 ? i : 0]
  return tensorOf('float32', features.dims, (i) => {
    const [frame, value] =
      features.layout === 'frames-bands'
        ? [Math.floor(i / values), i % values]
        : [i % (patches.length / values), Math.floor(i / (patches.length / values))]
    const level = low + ((high - low) * (patches[frame * values + value] as number)) / 256
    return (level - (pick(features.mean, value) ?? 0)) / (pick(features.std, value) ?? 1)
  })
}

function text(random: Random, features: TextInput['features']): Tensors {
  if (features.kind === 'ngrams') return { [features.tensor]: ngrams(random, features) }
  const { ids, mask, types, positions, vocabulary, length, pad, type } = features
  const count = pad === undefined ? Math.min(length, 8) : length
  // The last quarter is padding where there is padding.
  const used = pad === undefined ? count : count - (count >> 2)
  const tensor = (value: (i: number) => number): Tensor => tensorOf(type, [1, count], value)
  return {
    [ids]: tensor((i) => (i < used ? random() % vocabulary : (pad ?? 0))),
    ...(mask !== undefined && { [mask]: tensor((i) => (i < used ? 1 : 0)) }),
    ...(types !== undefined && { [types]: tensor(() => 0) }),
    ...(positions !== undefined && { [positions]: tensor((i) => i) }),
  }
}

function ngrams(random: Random, { output, buckets, type }: NgramFeatures): Tensor {
  if (output.kind === 'ids') {
    const used = output.length - (output.length >> 2)
    return tensorOf(type, [1, output.length], (i) => (i < used ? output.first + (random() % buckets) : output.pad))
  }
  // 64 different pieces: the root of the sum of squares is 8.
  const hits = new Set<number>()
  while (hits.size < Math.min(64, buckets)) hits.add(random() % buckets)
  const value = output.scale === 'unit' ? 1 / 8 : output.scale === 'share' ? 1 / 64 : 1
  return tensorOf(type, [1, buckets], (i) => (hits.has(i) ? value : 0))
}
