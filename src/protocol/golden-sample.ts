import { createRandom } from '../lib/random.ts'
import { elementCount } from './dims.ts'

/** Of the last values of an output so many: what is left over where a kernel goes on in steps. */
const TAIL = 16
/** Of its corners so many: those of its last three axes, which are where both paddings meet. */
const CORNERS = 8

/**
 * Where a sample of `count` values of an output is taken, so that a kernel that is wrong somewhere is found. Every index of
 * each axis is taken, whatever the others are there (of an axis longer than the sample: one of any run of two shares of it),
 * the first and the last, which are its borders, several times; then the corners, and the tail. Another seed takes the rest
 * from elsewhere.
 * @returns places in row-major order, some of them twice
 */
export function sampledPlaces(dims: readonly number[], count: number, seed: number): number[] {
  const size = elementCount(dims)
  const strides = dims.map((_, axis) => elementCount(dims.slice(axis + 1)))
  const inner = dims.flatMap((dim, axis) => (dim > 1 ? [(dim - 1) * (strides[axis] as number)] : [])).slice(-3)
  const tail = Array.from({ length: TAIL }, (_, i) => Math.max(0, size - 1 - i))
  const corners = Array.from({ length: CORNERS }, (_, corner) =>
    inner.reduce((place, far, bit) => place + ((corner >> bit) & 1) * far, 0),
  )
  const places = new Array<number>(count - TAIL - CORNERS).fill(0)
  const random = createRandom(seed)
  const border = places.length >> 5
  const shares = places.length - 2 * border
  dims.forEach((dim, axis) => {
    const turns = shuffled(places.length, random)
    for (let i = 0; i < places.length; i++) {
      const within = dim > shares ? random() % dim : 0
      const index = Math.floor((((turns[i] as number) - border) * dim + within) / shares)
      places[i] = (places[i] as number) + Math.min(dim - 1, Math.max(0, index)) * (strides[axis] as number)
    }
  })
  return [...corners, ...tail, ...places]
}

/** The numbers below `count` in some order. */
function shuffled(count: number, random: () => number): number[] {
  const all = Array.from({ length: count }, (_, i) => i)
  for (let i = count - 1; i > 0; i--) {
    const j = random() % (i + 1)
    const kept = all[i] as number
    all[i] = all[j] as number
    all[j] = kept
  }
  return all
}

/**
 * Where packs of before took the values of an output of `length` when there might be `count`: all, or by steps of a large
 * prime. For some lengths those all lie at its beginning.
 */
export const formerPlaces = (length: number, count: number): number[] =>
  Array.from({ length: Math.min(length, count) }, (_, i) => (length <= count ? i : (i * 1_000_003) % length))
