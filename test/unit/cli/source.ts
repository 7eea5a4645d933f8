import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { encode } from '@jsquash/png'
import { init } from '@jsquash/png/encode.js'
import { writeModel } from '../../../src/onnx/write.ts'
import { temporaryFolder } from '../../helpers/temporary-folder.ts'
import { createRandom, makeSmallNet } from '../onnx/make.ts'

const require = createRequire(import.meta.url)

export const LABELS = ['one', 'two', 'three', 'four']

/** What a `pack.json` needs for the small net. */
export const packJson = (changes: object = {}): Record<string, unknown> => ({
  name: 'small',
  version: '1.0.0',
  task: 'image-classification',
  title: { en: 'Small' },
  description: { en: 'A small net for tests' },
  labels: LABELS.map((id) => ({ id, name: { en: id } })),
  image: {
    width: 16,
    height: 16,
    fit: 'cover',
    layout: 'nchw',
    order: 'rgb',
    mean: [128, 128, 128],
    std: [64, 64, 64],
  },
  decision: { temperature: 1, threshold: 0.3 },
  model: 'model.onnx',
  licence: 'CC0-1.0',
  attribution: 'nobody',
  ...changes,
})

/** A folder with pack.json, model.onnx and card.md. */
export function makeSource(changes: object = {}): string {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'pack.json'), JSON.stringify(packJson(changes)))
  writeFileSync(join(folder, 'model.onnx'), writeModel(makeSmallNet()))
  writeFileSync(join(folder, 'card.md'), '# Small\n'.repeat(20))
  return folder
}

/** PNG photos in one folder a label. */
export async function makePhotos(perLabel = 2): Promise<string> {
  const folder = temporaryFolder()
  await init(await WebAssembly.compile(readFileSync(require.resolve('@jsquash/png/codec/pkg/squoosh_png_bg.wasm'))))
  const random = createRandom(7)
  for (const label of LABELS) {
    mkdirSync(join(folder, label))
    for (let i = 0; i < perLabel; i++) {
      const data = Uint8ClampedArray.from({ length: 40 * 40 * 4 }, () => 128 + 127 * random())
      const png = await encode({ data, width: 40, height: 40, colorSpace: 'srgb' } as ImageData)
      writeFileSync(join(folder, label, `${i}.png`), new Uint8Array(png))
    }
  }
  return folder
}
