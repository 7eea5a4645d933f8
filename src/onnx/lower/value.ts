import { roundUp } from '../../protocol/plan-operations.ts'
import type { Buffer } from './program.ts'
import type { Quantisation } from './quantisation.ts'

/**
 * int8 in the arena: pixels of `channels`, each `pixelBytes` long. `dims` is what the graph thinks its shape is:
 * with `order` 'planes' [1, channels, height, width] (or [1, channels, width], or [1, channels]), with 'pixels' the same
 * with channels last, with 'flat' the planes flattened to [1, n] while memory still holds pixels.
 */
export interface Quantised {
  readonly kind: 'int8'
  readonly buffer: Buffer
  readonly dims: readonly number[]
  readonly order: 'planes' | 'pixels' | 'flat'
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly pixelBytes: number
  readonly quantisation: Quantisation
}

/** float32 in the arena, in the graph's own order. */
export interface Real {
  readonly kind: 'float32'
  readonly buffer: Buffer
  readonly dims: readonly number[]
}

/** int8 (with its quantisation) or float32 that lies in some other way: what moving values about makes of them. */
export interface View {
  readonly kind: 'view'
  readonly buffer: Buffer
  /** Bytes. */
  readonly offset: number
  readonly element: 1 | 4
  readonly dims: readonly number[]
  /** Bytes, one for each of `dims`. */
  readonly strides: readonly number[]
  readonly quantisation?: Quantisation
}

/** A result that is computed once it is known how to quantise it. */
export interface Pending {
  readonly kind: 'pending'
  readonly dims: readonly number[]
  /** Bounds that nodes like Clip have set on it so far, as reals. */
  readonly least: number
  readonly most: number
  finish(target: Target): Quantised
}

export interface Target {
  readonly quantisation: Quantisation
  /** Bounds in int8. */
  readonly low: number
  readonly high: number
}

/** A part of a dynamically quantised product, which becomes one step when all of it is known. */
export interface Deferred {
  readonly kind: 'deferred'
  readonly part: 'steps' | 'scale' | 'zero' | 'product'
  /** What is quantised as it comes. */
  readonly x: Real
  readonly dims: readonly number[]
  /** Of the weights: with part 'scale' what it was multiplied by. */
  readonly scales?: Float32Array
  readonly weights?: Int32Array
  readonly columns?: number
}

export type Value = Quantised | Real | View | Pending | Deferred

export const padded = (channels: number): number => roundUp(channels, 8)

/** The image that dims with channels second stand for. */
export function imageOf(dims: readonly number[]): { height: number; width: number; channels: number } {
  const [, channels = 1, height = 1, width] = dims
  return width === undefined ? { channels, height: 1, width: height } : { channels, height, width }
}
