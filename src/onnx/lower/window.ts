import { intsAttribute } from '../attribute.ts'
import { spatialPads } from '../shape.ts'
import type { Context } from './context.ts'

export interface Window {
  rows: number
  columns: number
  strideY: number
  strideX: number
  dilationY: number
  dilationX: number
  /** top, left, bottom, right */
  pads: readonly number[]
}

/** A one-dimensional window is one row of a two-dimensional one. */
const twoDimensional = (values: readonly number[], fill: number): [number, number] =>
  values.length === 1 ? [fill, values[0] ?? fill] : [values[0] ?? fill, values[1] ?? fill]

export function windowOf({ node }: Context, dims: readonly number[], kernel: readonly number[]): Window {
  const ones = kernel.map(() => 1)
  const strides = intsAttribute(node, 'strides') ?? ones
  const dilations = intsAttribute(node, 'dilations') ?? ones
  const { begin, end } = spatialPads(node, dims.slice(2), kernel, strides, dilations)
  const [top, left] = twoDimensional(begin, 0)
  const [bottom, right] = twoDimensional(end, 0)
  const [rows, columns] = twoDimensional(kernel, 1)
  const [strideY, strideX] = twoDimensional(strides, 1)
  const [dilationY, dilationX] = twoDimensional(dilations, 1)
  return { rows, columns, strideY, strideX, dilationY, dilationX, pads: [top, left, bottom, right] }
}
