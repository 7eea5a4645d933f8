import { describe, expect, it } from 'vitest'
import { sha256Hex } from '../../../src/lib/sha256.ts'
import type { AudioInput, ImageInput, Input, NgramFeatures } from '../../../src/protocol/input.ts'
import { inputProblem } from '../../../src/protocol/input.ts'
import type { Tensor } from '../../../src/protocol/tensor.ts'
import { goldenInputs } from '../../../src/runtime/golden.ts'

const image: ImageInput = {
  kind: 'image',
  tensor: 'image',
  width: 20,
  height: 10,
  fit: 'cover',
  layout: 'nchw',
  order: 'rgb',
  mean: [128, 128, 128],
  std: [128, 128, 128],
}
const features: Extract<AudioInput['features'], { kind: 'log-mel' }> = {
  kind: 'log-mel',
  fft: 512,
  window: 480,
  hop: 320,
  shape: 'hann',
  power: 2,
  bands: 40,
  low: 20,
  high: 7600,
  scale: 'htk',
  triangles: 'mel',
  floor: 1e-6,
  log: 'add',
  dims: [1, 1, 49, 40],
  layout: 'frames-bands',
}
const audio: AudioInput = { kind: 'audio', tensor: 'sound', rate: 16_000, samples: 16_000, gain: 'none', features }
const ngrams: NgramFeatures = {
  kind: 'ngrams',
  tensor: 'pieces',
  type: 'float32',
  most: 2000,
  form: 'NFC',
  lower: true,
  characters: [1, 2, 3],
  words: [1],
  buckets: 4096,
  output: { kind: 'buckets', value: 'present', scale: 'unit' },
}
const tokens = {
  kind: 'tokens',
  tokenizer: 'tokenizer.json',
  type: 'int64',
  ids: 'input_ids',
  mask: 'attention_mask',
  vocabulary: 1000,
  length: 16,
} as const

/** Made once; a change of any means that packs in the field would be taken for broken. */
const KNOWN: readonly (readonly [string, Input, string, readonly number[], string])[] = [
  ['a photo', image, 'image', [1, 3, 10, 20], 'bf976f09080fd87b68f46939033bec6d65fd6cccf9ca5fa5f734e162c7990543'],
  [
    'a grey picture of bytes',
    { ...image, order: 'grey', type: 'uint8', mean: [0], std: [1], layout: 'nhwc' },
    'image',
    [1, 10, 20, 1],
    '756d0de95e72bf44bb17ed010623f2be5b137e1f59ef92cb7a334537d76f2872',
  ],
  ['log-mel', audio, 'sound', [1, 1, 49, 40], '7ecdd939011f033283893d8d72147ec2e3104a742d15f4bcb97b69d64a1794d6'],
  [
    'MFCC, turned round',
    {
      ...audio,
      features: { ...features, kind: 'mfcc', coefficients: 10, dims: [1, 10, 49], layout: 'bands-frames' },
    },
    'sound',
    [1, 10, 49],
    'd94392b36c73d88a8ca5ad7b07a6a438d7aff32d3ab55e62bc1e81b66d43641e',
  ],
  [
    'a waveform',
    { ...audio, features: { kind: 'waveform', dims: [1, 16_000] } },
    'sound',
    [1, 16_000],
    '58f3e88cac83cff9c5c909d8288412c33e8bdf5adaf882dc9b006873f5736a6b',
  ],
  [
    'buckets',
    { kind: 'text', features: ngrams },
    'pieces',
    [1, 4096],
    '42560450b6ccb2dcce514c6c93e6f7e121d4d300501178bd3aba97040efc26dc',
  ],
  [
    'ids of buckets',
    {
      kind: 'text',
      features: { ...ngrams, type: 'int32', output: { kind: 'ids', length: 32, first: 1, pad: 0 } },
    },
    'pieces',
    [1, 32],
    'c3cb5c051b8e13683838068c4491fc7cf2fbdd1646dbefcb3d29661c1009cac4',
  ],
  [
    'tokens',
    { kind: 'text', features: tokens },
    'input_ids',
    [1, 8],
    'd4776de435cf576116b52703623cdf210ea6a29558215bffabd0de6095438c3d',
  ],
  [
    'padded tokens',
    { kind: 'text', features: { ...tokens, pad: 0 } },
    'attention_mask',
    [1, 16],
    'e2c90e2e5244ec0d401e5a8acceedcb0235b5fb953abb66096c03e27edfadcea',
  ],
  [
    'bytes',
    { kind: 'bytes', tensor: 'bytes', type: 'int32', begin: 16, middle: 0, end: 16, pad: 256 },
    'bytes',
    [1, 32],
    'fa848c1c566b0c8f301b0066f8f023f79dc7054e15254ae5a7f90f19f14f5c15',
  ],
]

const digest = ({ data }: Tensor): Promise<string> => sha256Hex(new Uint8Array(data.buffer))

describe('golden inputs', () => {
  it.each(KNOWN)('of %s are the same tensors on every machine and for ever', async (_, input, name, dims, known) => {
    expect(inputProblem(input)).toBeUndefined()
    const tensor = goldenInputs(1, { input })[name]
    if (!tensor) throw new Error('no such tensor')
    expect(tensor.dims).toEqual(dims)
    expect(await digest(tensor)).toBe(known)
    expect(new Set(Array.from<number | bigint, number>(tensor.data, Number)).size).toBeGreaterThan(1)
  })

  it('depend on the seed, and only move numbers about for another layout', () => {
    const of = (seed: number, input: Input, name: string): number[] =>
      Array.from<number | bigint, number>(goldenInputs(seed, { input })[name]?.data ?? [], Number)
    const a = of(1, image, 'image')
    expect(a).not.toEqual(of(2, image, 'image'))
    expect(Math.max(...a) - Math.min(...a)).toBeGreaterThan(1)
    expect(of(1, { ...image, layout: 'nhwc' }, 'image').sort()).toEqual([...a].sort())
    const turned: AudioInput = { ...audio, features: { ...features, layout: 'bands-frames', dims: [1, 40, 49] } }
    expect(of(1, turned, 'sound').sort()).toEqual(of(1, audio, 'sound').sort())
    expect(of(1, turned, 'sound')[49]).toBe(of(1, audio, 'sound')[1])
  })

  it('have constants and the state before the first call beside them', () => {
    const fed = goldenInputs(1, {
      input: audio,
      constants: {
        sr: { type: 'int64', dims: [], data: [16_000] },
        ones: { type: 'float32', dims: [2, 2], data: [1] },
      },
      state: { past: { output: 'present', type: 'float32', dims: [2, 1, 4, 0, 8] } },
    })
    expect(Object.keys(fed).sort()).toEqual(['ones', 'past', 'sound', 'sr'])
    expect([...(fed.sr?.data ?? [])]).toEqual([16_000n])
    expect([...(fed.ones?.data ?? [])]).toEqual([1, 1, 1, 1])
    expect(fed.past).toEqual({ type: 'float32', dims: [2, 1, 4, 0, 8], data: new Float32Array() })
  })
})
