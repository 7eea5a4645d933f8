import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { listFiles, spread } from '../../src/cli/data-set.ts'
import { createImageDecoder } from '../../src/cli/decode-image.ts'
import type { Pixels } from '../../src/protocol/task.ts'
import { float32, type Tensors } from '../../src/protocol/tensor.ts'
import { resample } from '../../src/tasks/resample.ts'
import { mfcc, wavSamples } from './mfcc.ts'
import { seeded } from './synthetic-pack.ts'

/** Real models and data beside the project; it builds and passes its tests without them. */
export const MATERIALS = resolve(import.meta.dirname, '../../../shared/materials')
export const hasMaterials = existsSync(MATERIALS)

export interface PictureFormat {
  readonly tensor: string
  readonly width: number
  readonly height: number
  readonly mean: number
  readonly std: number
  readonly order?: 'bgr'
}

/** Pieces of photos of many kinds, cut and scaled at random by a seed: what a net meets, as far as is at hand. */
export async function pictureInputs(
  folders: readonly string[],
  count: number,
  { tensor, width, height, mean, std, order }: PictureFormat,
  seed: number,
): Promise<Tensors[]> {
  const decode = createImageDecoder()
  const paths = (await Promise.all(folders.map((folder) => listFiles(join(MATERIALS, folder), 'image')))).map((list) =>
    spread(list, 40),
  )
  const random = seeded(seed)
  const photos = new Map<string, Pixels>()
  const inputs: Tensors[] = []
  for (let i = 0; i < count; i++) {
    const list = paths[i % paths.length] ?? []
    const path = list[Math.floor(random() * list.length)] ?? ''
    const photo = photos.get(path) ?? (await decode(new Uint8Array(readFileSync(path))))
    photos.set(path, photo)
    const share = 0.4 + 0.6 * random()
    const scale = Math.min(photo.width / width, photo.height / height) * share
    const box = { width: width * scale, height: height * scale }
    const x = random() * (photo.width - box.width)
    const y = random() * (photo.height - box.height)
    const { data } = resample(photo, { x, y, ...box }, width, height)
    const area = width * height
    const values = new Float32Array(3 * area)
    for (let c = 0; c < 3; c++)
      for (let p = 0; p < area; p++) values[c * area + p] = ((data[p * 4 + (order ? 2 - c : c)] as number) - mean) / std
    inputs.push({ [tensor]: float32([1, 3, height, width], values) })
  }
  return inputs
}

/** Spoken words and noise, shifted, scaled and mixed at random by a seed, as features. */
export function speechInputs(count: number, tensor: string, seed: number): Tensors[] {
  const folder = join(MATERIALS, 'models/kws-dscnn-mlperf-tiny/samples')
  const clips = readdirSync(folder).map((name) => wavSamples(new Uint8Array(readFileSync(join(folder, name)))))
  const random = seeded(seed)
  return Array.from({ length: count }, (_, i) => {
    const clip = clips[i % clips.length] as Float32Array
    const other = clips[Math.floor(random() * clips.length)] as Float32Array
    const [shift, mix, noise] = [Math.floor((random() - 0.5) * 6000), random() * 0.5, random() * 0.02]
    const samples = Float32Array.from(
      { length: 16000 },
      (_, n) => (clip[n + shift] ?? 0) + mix * (other[n] ?? 0) + noise * (random() - 0.5),
    )
    return { [tensor]: float32([1, 1, 49, 10], mfcc(samples)) }
  })
}
