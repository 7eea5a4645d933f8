import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { encode } from '@jsquash/png'
import { init } from '@jsquash/png/encode.js'
import type { Engines } from '../../src/cli/engines.ts'
import { type BuiltPack, buildPack } from '../../src/cli/pack/build-pack.ts'
import type { Bytes } from '../../src/lib/bytes.ts'
import { makeNode } from '../../src/onnx/attribute.ts'
import { writeModel } from '../../src/onnx/write.ts'
import { type Form, readForm } from '../../src/protocol/form.ts'
import type { ImageInput } from '../../src/protocol/input.ts'
import type { Signer } from '../../src/protocol/sign.ts'
import type { Pixels } from '../../src/protocol/task.ts'
import { makeModel } from '../unit/onnx/make.ts'
import { labelsOf, type RealPack, sourceFolder } from './real-packs.ts'

const floats = (dims: readonly number[], data: readonly number[]) => ({
  type: 'float32' as const,
  dims,
  data: Float32Array.from(data),
})
const int64 = (values: readonly number[]) => ({
  type: 'int64' as const,
  dims: [values.length],
  data: BigInt64Array.from(values.map(BigInt)),
})

const input = (side: number): ImageInput => ({
  ...{ kind: 'image', tensor: 'x', width: side, height: side, fit: 'stretch', layout: 'nchw', order: 'rgb' },
  ...{ mean: [0, 0, 0], std: [255, 255, 255] },
})

const SIDE = 64
const STRIDE = 8
const CELLS = SIDE / STRIDE

/** Takes upright stripes for faces: what differs much from its neighbours on the left and right, on average over a cell. */
const stripes = makeModel({
  inputs: { x: [1, 3, SIDE, SIDE] },
  outputs: { scores: [1, CELLS * CELLS, 1], boxes: [1, CELLS * CELLS, 4] },
  constants: {
    // Brighter to the right, brighter to the left.
    edges: floats(
      [2, 3, 1, 3],
      [1, -1].flatMap((sign) => Array.from({ length: 3 }, () => [-sign / 3, 0, sign / 3]).flat()),
    ),
    both: floats([1, 2, 1, 1], [30, 30]),
    least: floats([1], [-9]),
    nothing: floats(
      [4, 2, 1, 1],
      Array.from({ length: 8 }, () => 0),
    ),
    // A box in the middle of its cell, a little larger than that.
    middle: floats([4], [0.5, 0.5, 0.2, 0.2]),
    column: int64([1, CELLS * CELLS, 1]),
    four: int64([1, CELLS * CELLS, 4]),
  },
  nodes: [
    makeNode('Conv', ['x', 'edges'], ['slopes'], { pads: [0, 1, 0, 1], kernel_shape: [1, 3] }),
    makeNode('Relu', ['slopes'], ['steep']),
    makeNode('AveragePool', ['steep'], ['cells'], { kernel_shape: [STRIDE, STRIDE], strides: [STRIDE, STRIDE] }),
    makeNode('Conv', ['cells', 'both', 'least'], ['sum'], { kernel_shape: [1, 1] }),
    makeNode('Sigmoid', ['sum'], ['likely']),
    makeNode('Reshape', ['likely', 'column'], ['scores']),
    makeNode('Conv', ['cells', 'nothing', 'middle'], ['places'], { kernel_shape: [1, 1] }),
    makeNode('Transpose', ['places'], ['rows'], { perm: [0, 2, 3, 1] }),
    makeNode('Reshape', ['rows', 'four'], ['boxes']),
  ],
})

/** Tells bright pictures from dark ones. */
const bright = makeModel({
  inputs: { x: [1, 3, 16, 16] },
  outputs: { y: [1, 2] },
  constants: { w: floats([2, 3], [1, 1, 1, -1, -1, -1]), b: floats([2], [-1.2, 1.2]) },
  nodes: [
    makeNode('GlobalAveragePool', ['x'], ['mean']),
    makeNode('Flatten', ['mean'], ['flat']),
    makeNode('Gemm', ['flat', 'w', 'b'], ['y'], { transB: 1 }),
  ],
})

export const STRIPES_FINDER: RealPack = {
  name: 'stripes-finder',
  model: writeModel(stripes),
  source: {
    task: 'object-detection',
    labels: labelsOf(['face']),
    input: input(SIDE),
    output: {
      kind: 'boxes',
      head: 'levels',
      levels: [{ stride: STRIDE, boxes: 'boxes', scores: 'scores' }],
      ...{ least: 0.5, overlap: 0.5, most: 100 },
    },
    decision: { temperature: 1, threshold: 0.5 },
  },
  questions: [],
}

/** A pack that anybody can build, and what its form asks for. */
export async function brightPack(
  name: string,
  form: Partial<Form> | undefined,
  engines: Engines,
  signer: Signer,
): Promise<BuiltPack> {
  const folder = await sourceFolder({
    name,
    model: writeModel(bright),
    source: {
      task: 'image-classification',
      labels: labelsOf(['bright', 'dark']),
      input: input(16),
      output: { kind: 'classes', tensor: 'y', activation: 'logits' },
      decision: { temperature: 1, threshold: 0.3 },
    },
    questions: [],
  })
  const asks = form && { form: readForm({ questions: [], ...form }) }
  return buildPack({ ...folder, ...asks }, { engines, signer, precision: 'none' })
}

export const STRIPED = { x: 120, y: 70, width: 60, height: 56 }

/** Grey that gets brighter downwards, with a patch of stripes that the finder takes for a face. */
export function stripedPicture(width = 320, height = 240): Pixels {
  const data = new Uint8ClampedArray(width * height * 4).fill(255)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const { x: left, y: top, width: across, height: down } = STRIPED
      const inside = x >= left && x < left + across && y >= top && y < top + down
      const value = inside ? (Math.floor((x - left) / 10) % 2) * 220 : 100 + (60 * y) / height
      data.set([value, value, value], (y * width + x) * 4)
    }
  }
  return { width, height, data }
}

/** As a camera's file would be, but without any loss. */
export async function asPng({ width, height, data }: Pixels): Promise<Bytes> {
  const require = createRequire(import.meta.url)
  await init(await WebAssembly.compile(readFileSync(require.resolve('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'))))
  return new Uint8Array(await encode({ data, width, height, colorSpace: 'srgb' } as ImageData))
}
