import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRandom } from '../../../src/lib/random.ts'
import type { ImageInput } from '../../../src/protocol/input.ts'
import type { OutputOf } from '../../../src/protocol/output.ts'
import type { Pixels, RunModel, TextAnswer } from '../../../src/protocol/task.ts'
import { float32, type Tensor } from '../../../src/protocol/tensor.ts'
import { islandsIn } from '../../../src/tasks/islands.ts'
import { cutLine } from '../../../src/tasks/page/cut-line.ts'
import { findLines } from '../../../src/tasks/page/find-lines.ts'
import { belowOf, boxAround, cornersOf, type TiltedBox } from '../../../src/tasks/page/tilted-box.ts'
import { taskFor } from '../../../src/tasks/table.ts'

const SIDE = 256

const input: ImageInput = {
  kind: 'image',
  tensor: 'photo',
  width: SIDE,
  height: SIDE,
  fit: 'contain',
  step: 32,
  layout: 'nchw',
  order: 'grey',
  mean: [0],
  std: [1],
  pad: [255, 255, 255],
}
const line: ImageInput = { ...input, pad: [0, 0, 0], tensor: 'line', width: 320, height: 16, fit: 'line', step: 4 }
const output: OutputOf<'page'> = {
  kind: 'page',
  tensor: 'map',
  pixel: 0.3,
  least: 0.5,
  grow: 1,
  most: 20,
  line: {
    input: line,
    output: { kind: 'text', tensor: 'letters', activation: 'probabilities', blank: 0, symbols: [...'abcdefghij'] },
    least: 0.5,
  },
}
const decision = { temperature: 1, threshold: 0.8 }

const white = (width = SIDE, height = SIDE): Pixels => ({
  width,
  height,
  data: new Uint8ClampedArray(width * height * 4).fill(255),
})

/** Paints what lies in a box: along it from one grey to another. */
function paint({ width, height, data }: Pixels, box: TiltedBox, from: number, to: number): void {
  const below = belowOf(box.along)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [dx, dy] = [x + 0.5 - box.x, y + 0.5 - box.y]
      const along = dx * box.along[0] + dy * box.along[1]
      const across = dx * below[0] + dy * below[1]
      if (Math.abs(along) > box.length / 2 || Math.abs(across) > box.height / 2) continue
      data.fill(from + (to - from) * (along / box.length + 0.5), (y * width + x) * 4, (y * width + x) * 4 + 3)
    }
  }
}

/** What a perfect detector says: everything that is not white. */
const mapOf = ({ dims, data }: Tensor): Tensor =>
  float32(
    dims,
    Float32Array.from(data as Float32Array, (value) => (value < 250 ? 0.9 : 0)),
  )

/**
 * Finds what is not white, and "reads" a line that becomes brighter as it goes on: its letter is how dark its middle is.
 * One that becomes darker it reads as well, but doubts.
 */
function fakeModel(calls: string[] = []): RunModel {
  return async (inputs, graph) => {
    calls.push(graph ?? 'first')
    if (graph === undefined) return { map: mapOf(inputs.photo as Tensor) }
    const { data, dims } = inputs.line as Tensor
    const width = dims[3] as number
    const row = data.subarray(8 * width, 9 * width) as Float32Array
    // What was padded is black.
    const end = row.findLastIndex((value) => value > 0) + 1
    const at = (part: number): number => row[Math.floor(end * part)] as number
    const letter = 1 + Math.min(9, Math.floor(at(0.5) / 25))
    const sure = at(0.25) < at(0.75) ? 0.98 : 0.6
    const letters = new Float32Array(2 * 11)
    letters[letter] = sure
    letters[11] = 1
    return { letters: float32([1, 2, 11], letters) }
  }
}

const task = taskFor({ input, output, decision, labels: [] }, async () => new Uint8Array())
const read = async (pixels: Pixels, model = fakeModel(), signal?: AbortSignal): Promise<TextAnswer> =>
  (await (await task).run({ kind: 'image', pixels }, model, signal && { signal })) as TextAnswer

const box = (x: number, y: number, length: number, height: number, degrees = 0): TiltedBox => {
  const angle = (degrees * Math.PI) / 180
  return { x, y, along: [Math.cos(angle), Math.sin(angle)], length, height }
}

describe('a tilted box', () => {
  it('is the smallest around an island, at any angle', () => {
    const boxes = fc.record({
      degrees: fc.integer({ min: -89, max: 90 }),
      length: fc.integer({ min: 60, max: 150 }),
      height: fc.integer({ min: 10, max: 30 }),
    })
    fc.assert(
      fc.property(boxes, ({ degrees, length, height }) => {
        const picture = white()
        const drawn = box(128, 128, length, height, degrees)
        paint(picture, drawn, 0, 100)
        const grey = float32([1, 1, SIDE, SIDE], new Float32Array(picture.data.filter((_, i) => i % 4 === 0)))
        const [island] = islandsIn(mapOf(grey), 0.5)
        if (!island) throw new Error('no island')
        const found = boxAround(island)
        expect(Math.abs(found.x - 128) + Math.abs(found.y - 128)).toBeLessThan(3)
        expect(found.length).toBeGreaterThan(length - 3)
        expect(found.length).toBeLessThan(length + 4)
        expect(found.height).toBeLessThan(height + 4)
        const cosine = found.along[0] * drawn.along[0] + found.along[1] * drawn.along[1]
        expect(Math.abs(cosine)).toBeGreaterThan(0.995)
      }),
      { numRuns: 60 },
    )
  })

  it('is straightened: what ran along it runs to the right', () => {
    for (const degrees of [0, 7, 45, 90, 135, 180, -30]) {
      const picture = white()
      const at = box(128, 120, 120, 24, degrees)
      paint(picture, at, 0, 240)
      const cut = cutLine(picture, at)
      expect([cut.width, cut.height]).toEqual([120, 24])
      const row = [20, 40, 60, 80, 100].map((x) => cut.data[(12 * 120 + x) * 4] as number)
      expect(row.map((value, i) => Math.abs(value - (20 + 20 * i) * 2) < 6)).toEqual([true, true, true, true, true])
    }
  })

  it('may reach beyond the picture: its last pixels go on', () => {
    const picture = white(40, 40)
    paint(picture, box(20, 20, 40, 40), 90, 90)
    const cut = cutLine(picture, box(0, 0, 60, 30, 30))
    expect(new Set(cut.data.filter((_, i) => i % 4 === 0))).toEqual(new Set([90]))
  })
})

describe('a page', () => {
  it('is read row after row, each from the left', async () => {
    const picture = white()
    paint(picture, box(190, 60, 80, 16), 10, 50)
    paint(picture, box(60, 64, 80, 16), 110, 150)
    paint(picture, box(128, 150, 200, 20), 190, 240)
    const answer = await read(picture)
    expect(answer).toMatchObject({ kind: 'text', text: 'f b\ni', sure: true })
    expect(answer.lines?.map(({ text }) => text)).toEqual(['f', 'b', 'i'])
    const [left = 0, top = 0] = answer.lines?.[0]?.corners[0] ?? []
    expect([Math.round(left * SIDE), Math.round(top * SIDE)]).toEqual([expect.closeTo(13, -1), expect.closeTo(50, -1)])
    expect(answer.score).toBeCloseTo(0.98)
  })

  it.each([0, 12, -25, 90, 180, 200, 270])('turned by %i degrees says the same', async (degrees) => {
    const angle = (degrees * Math.PI) / 180
    const turned = (x: number, y: number): [number, number] => [
      128 + (x - 128) * Math.cos(angle) - (y - 128) * Math.sin(angle),
      128 + (x - 128) * Math.sin(angle) + (y - 128) * Math.cos(angle),
    ]
    const picture = white()
    paint(picture, box(...turned(128, 90), 150, 18, degrees), 10, 50)
    paint(picture, box(...turned(100, 130), 90, 18, degrees), 110, 150)
    // As long as high: by itself it does not say how it is to be read.
    paint(picture, box(...turned(70, 168), 20, 20, degrees), 190, 240)
    expect((await read(picture)).text).toBe('b\nf\ni')
  })

  it('is as large as its picture: places and sizes are of the photo, not of what the model sees', async () => {
    const picture = white(1200, 800)
    paint(picture, box(600, 400, 800, 60, 4), 110, 150)
    const { lines, text } = await read(picture)
    expect(text).toBe('f')
    const corners = lines?.[0]?.corners.map(([x, y]) => [x * 1200, y * 800])
    const wanted = cornersOf(box(600, 400, 800, 60, 4))
    for (const [i, [x = 0, y = 0]] of (corners ?? []).entries()) {
      const [wantedX = 0, wantedY = 0] = wanted[i] ?? []
      // Made larger by half its height, as the pack says.
      expect(Math.hypot(x - wantedX, y - wantedY)).toBeLessThan(60)
    }
  })

  it('without text says that there is none, and is not sure of it', async () => {
    const calls: string[] = []
    expect(await read(white(), fakeModel(calls))).toEqual({ kind: 'text', text: '', score: 0, sure: false, lines: [] })
    expect(calls).toEqual(['first'])
  })

  it('leaves out what reads like no text at all', async () => {
    const picture = white()
    paint(picture, box(128, 100, 150, 18), 10, 50)
    const doubtful: RunModel = async (inputs, graph) => {
      if (graph === undefined) return fakeModel()(inputs)
      const letters = new Float32Array(11).fill(1 / 11)
      letters[3] = 0.2
      return { letters: float32([1, 1, 11], letters) }
    }
    expect((await read(picture, doubtful)).text).toBe('')
  })

  it('of 10,000 spots has the largest read, and no more than the pack says', async () => {
    const random = createRandom(7)
    const map = new Float32Array(640 * 640)
    for (let row = 0; row < 100; row++) {
      for (let column = 0; column < 100; column++) {
        const [wide, high] = [3 + (random() % 2), 3 + (random() % 2)]
        for (let y = 0; y < high; y++)
          map.fill(1, (row * 6 + y) * 640 + column * 6, (row * 6 + y) * 640 + column * 6 + wide)
      }
    }
    const fed = float32([1, 1, 640, 640], new Float32Array(640 * 640))
    const wide = { ...input, width: 640, height: 640 }
    const all = findLines(float32(fed.dims, map), { ...output, most: 500 }, wide, { width: 640, height: 640 }, fed)
    expect([...islandsIn(float32(fed.dims, map), 0.3)]).toHaveLength(10_000)
    expect(all).toHaveLength(500)
    const calls: string[] = []
    const crowded: RunModel = async (inputs, graph) => {
      if (graph !== undefined) return fakeModel(calls)(inputs, graph)
      const spots = new Float32Array(SIDE * SIDE)
      for (let i = 0; i < spots.length; i++) {
        const [x, y] = [i % SIDE, Math.floor(i / SIDE)]
        if (x % 12 < 10 && y % 8 < 6) spots[i] = 1
      }
      return { map: float32([1, 1, SIDE, SIDE], spots) }
    }
    await read(white(), crowded)
    expect(calls.length).toBeLessThanOrEqual(output.most + 3)
    expect(calls.length).toBeGreaterThanOrEqual(output.most)
  })

  it.each<[string, (x: number, y: number) => boolean]>([
    ['one pixel', (x, y) => x === 9 && y === 9],
    ['one row across the picture', (_, y) => y === 31],
    ['one column', (x) => x === 0],
    ['a diagonal of touching corners', (x, y) => x === y],
    ['everything', () => true],
    ['a frame around the edge', (x, y) => Math.min(x, y) < 6 || Math.max(x, y) > SIDE - 7],
  ])('with a map of %s is read without a number that is none', async (_, isText) => {
    const strange: RunModel = async (inputs, graph) => {
      if (graph !== undefined) return fakeModel()(inputs, graph)
      const at = (i: number): number => (isText(i % SIDE, Math.floor(i / SIDE)) ? 1 : 0)
      return {
        map: float32(
          [1, 1, SIDE, SIDE],
          Float32Array.from({ length: SIDE * SIDE }, (_, i) => at(i)),
        ),
      }
    }
    const picture = white()
    paint(picture, box(128, 128, 250, 250), 10, 50)
    const { score, lines = [] } = await read(picture, strange)
    expect([score, ...lines.flatMap(({ corners }) => corners.flat())].every(Number.isFinite)).toBe(true)
  })

  it.each<[string, Tensor | undefined]>([
    ['nothing', undefined],
    ['a map of another size', float32([1, 1, 64, 64], new Float32Array(64 * 64))],
    ['whole numbers', { type: 'uint8', dims: [1, 1, SIDE, SIDE], data: new Uint8Array(SIDE * SIDE) }],
  ])('of which a model puts out %s is refused', async (_, map) => {
    const bad: RunModel = async () => (map ? { map } : {})
    await expect(read(white(), bad)).rejects.toMatchObject({ code: 'task/bad-output' })
  })

  it('whose reader puts out what no reader does is refused', async () => {
    const picture = white()
    paint(picture, box(128, 100, 150, 18), 10, 50)
    const bad: RunModel = async (inputs, graph) =>
      graph === undefined ? fakeModel()(inputs) : { letters: float32([1, 7], new Float32Array(7)) }
    await expect(read(picture, bad)).rejects.toMatchObject({ code: 'task/bad-output' })
  })

  it('that is hardly a picture is refused', async () => {
    await expect(read(white(4, 300))).rejects.toMatchObject({ code: 'input/too-small' })
  })

  it('stops between two lines when nobody waits any more', async () => {
    const picture = white()
    for (let row = 0; row < 8; row++) paint(picture, box(128, 20 + row * 28, 180, 14), 10, 50)
    const controller = new AbortController()
    const calls: string[] = []
    const model = fakeModel(calls)
    const stopping: RunModel = (inputs, graph) => {
      if (calls.length === 4) controller.abort()
      return model(inputs, graph)
    }
    await expect(read(picture, stopping, controller.signal)).rejects.toMatchObject({ name: 'AbortError' })
    expect(calls).toHaveLength(5)
  })
})
