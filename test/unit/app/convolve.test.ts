import { describe, expect, it } from 'vitest'
import { brightened, convolve, type Grey } from '../../../src/app/how/convolve.ts'

const grey = (rows: readonly (readonly number[])[]): Grey => ({
  width: rows[0]?.length ?? 0,
  height: rows.length,
  values: Float32Array.from(rows.flat()),
})

describe('a convolution', () => {
  it('is the sum of nine products at each place where the kernel lies on the picture', () => {
    const picture = grey([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10, 11, 12],
    ])
    expect(convolve(picture, [0, 0, 0, 0, 1, 0, 0, 0, 0])).toEqual(grey([[6, 7]]))
    expect(convolve(picture, [1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual(grey([[348, 393]]))
  })

  it('of an edge kernel is nothing where the picture is even', () => {
    const even = grey(Array.from({ length: 5 }, () => [0.5, 0.5, 0.5, 0.5]))
    expect([...convolve(even, [-1, 0, 1, -2, 0, 2, -1, 0, 1]).values]).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('of a picture too small for it is empty', () => {
    expect(convolve(grey([[1, 2]]), [1, 1, 1, 1, 1, 1, 1, 1, 1]).values).toHaveLength(0)
  })

  it('shows what is below nothing as nothing, and the largest white', () => {
    expect([...brightened(grey([[-3, 0, 2, 4]])).values]).toEqual([0, 0, 0.5, 1])
    expect([...brightened(grey([[-3, 0]])).values]).toEqual([0, 0])
  })
})
