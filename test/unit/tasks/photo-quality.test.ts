import { describe, expect, it } from 'vitest'
import type { ImageInput } from '../../../src/protocol/input.ts'
import type { Pixels } from '../../../src/protocol/task.ts'
import { qualityOf } from '../../../src/tasks/photo-quality.ts'
import { resample } from '../../../src/tasks/resample.ts'
import { prepareFor } from '../../../src/tasks/table.ts'
import { seeded } from '../../helpers/synthetic-pack.ts'

const input: ImageInput = {
  kind: 'image',
  tensor: 'image',
  width: 64,
  height: 64,
  fit: 'cover',
  layout: 'nchw',
  order: 'rgb',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  quality: { light: 40, sharp: 100, side: 48 },
}

/** Patches of random grey, such as leaves and ground are from afar. */
function patches(size: number, brightness = 1): Pixels {
  const random = seeded(3)
  const grid = Array.from({ length: 16 * 16 }, () => 60 + 160 * random())
  const data = new Uint8ClampedArray(size * size * 4).fill(255)
  for (let i = 0; i < size * size; i++) {
    const [x, y] = [Math.floor(((i % size) * 16) / size), Math.floor((Math.floor(i / size) * 16) / size)]
    data.fill((grid[y * 16 + x] as number) * brightness, i * 4, i * 4 + 3)
  }
  return { width: size, height: size, data }
}
const whole = ({ width, height }: Pixels) => ({ x: 0, y: 0, width, height })
const blurred = (picture: Pixels): Pixels => {
  const small = resample(picture, whole(picture), 8, 8)
  return resample(small, whole(small), picture.width, picture.height)
}
const prepare = await prepareFor(input, async () => new Uint8Array())
const look = (pixels: Pixels) => () => [...prepare({ kind: 'image', pixels })]

describe('the quality of a photo', () => {
  it('lets a good one pass', () => {
    expect(look(patches(256))()).toHaveLength(1)
  })

  it.each([
    ['dark', patches(256, 0.1), 'input/too-dark'],
    ['blurred', blurred(patches(256)), 'input/too-blurred'],
    ['small', patches(40), 'input/too-small'],
  ])('refuses a %s one', (_, picture, code) => {
    expect(look(picture)).toThrow(expect.objectContaining({ code }))
  })

  it('is the same however large the camera made it', () => {
    const [small, large] = [qualityOf(patches(256), input), qualityOf(patches(1024), input)]
    expect(large.light).toBeCloseTo(small.light, 0)
    expect(Math.abs(large.sharp - small.sharp) / small.sharp).toBeLessThan(0.05)
  })

  it('is not asked where the pack does not say what is needed', async () => {
    const { quality: _, ...plain } = input
    const any = await prepareFor(plain, async () => new Uint8Array())
    expect([...any({ kind: 'image', pixels: patches(256, 0) })]).toHaveLength(1)
  })
})
