import { JikoError } from '../../protocol/error.ts'

export type Vector = readonly number[] | Float32Array | Float64Array

/** Of length 1. @throws JikoError `teach/bad-vector` */
export function unit(vector: Vector): Float64Array {
  const length = Math.hypot(...vector)
  if (!Number.isFinite(length) || length === 0) {
    throw new JikoError(
      'teach/bad-vector',
      length === 0
        ? 'the model sees nothing in this example: all its numbers are 0'
        : 'an example is not made of finite numbers: the model failed on it',
    )
  }
  return Float64Array.from(vector, (value) => value / length)
}

export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

export function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2
  return sum
}

export function meanOf(vectors: readonly Float64Array[], size: number): Float64Array {
  const mean = new Float64Array(size)
  for (const vector of vectors) for (let i = 0; i < size; i++) mean[i] = (mean[i] as number) + (vector[i] as number)
  return mean.map((value) => value / Math.max(1, vectors.length))
}
