// Products by `i32x4.dot_i16x8_s`: two products and their sum a lane. Fast on x86 and on ARM with little emulation.
import { clamp, sums, zeroPoint } from "./requantise";

/** Weights are stored as this variant reads them. */
export function repack(weights: usize, depth: usize, columns: usize): void {}

/** Added to the weights' zero point: nothing, weights are used as stored. */
export const BIAS: i32 = 0;

/**
 * Four rows of int8 into `scratch`: first `factor` times the sum of each row (4 x i32), then pairs of int16
 * interleaved by row, so that one load feeds four rows.
 */
export function pack(a: usize, b: usize, c: usize, d: usize, depth: usize, scratch: usize, factor: i32): void {
  const factors = i16x8.splat(<i16>factor);
  let sum = i32x4.splat(0);
  let to = scratch + 16;
  for (let k: usize = 0; k < depth; k += 8) {
    const ra = v128.load_ext<i8>(a + k);
    const rb = v128.load_ext<i8>(b + k);
    const rc = v128.load_ext<i8>(c + k);
    const rd = v128.load_ext<i8>(d + k);
    const ab0 = v128.shuffle<i32>(ra, rb, 0, 4, 1, 5);
    const ab1 = v128.shuffle<i32>(ra, rb, 2, 6, 3, 7);
    const cd0 = v128.shuffle<i32>(rc, rd, 0, 4, 1, 5);
    const cd1 = v128.shuffle<i32>(rc, rd, 2, 6, 3, 7);
    const p0 = v128.shuffle<i64>(ab0, cd0, 0, 2);
    const p1 = v128.shuffle<i64>(ab0, cd0, 1, 3);
    const p2 = v128.shuffle<i64>(ab1, cd1, 0, 2);
    const p3 = v128.shuffle<i64>(ab1, cd1, 1, 3);
    if (factor) {
      sum = i32x4.add(sum, i32x4.add(i32x4.dot_i16x8_s(p0, factors), i32x4.dot_i16x8_s(p1, factors)));
      sum = i32x4.add(sum, i32x4.add(i32x4.dot_i16x8_s(p2, factors), i32x4.dot_i16x8_s(p3, factors)));
    }
    v128.store(to, p0);
    v128.store(to, p1, 16);
    v128.store(to, p2, 32);
    v128.store(to, p3, 48);
    to += 64;
  }
  v128.store(scratch, sum);
}

/** Four packed rows times all columns. `step` is the distance between output rows. */
export function tile4(
  scratch: usize,
  depth: usize,
  columns: usize,
  weights: usize,
  dst: usize,
  step: usize,
  zero: i32,
  low: i32,
  high: i32,
): void {
  const vzero = zeroPoint(zero);
  const vlow = i8x16.splat(<i8>low);
  const vhigh = i8x16.splat(<i8>high);
  const start = scratch + 16;
  const end = start + (depth << 3);
  for (let n: usize = 0; n < columns; n += 8) {
    const bias0 = v128.load(weights);
    const bias1 = v128.load(weights, 16);
    const scales = weights + 32;
    let x = v128.load_splat<i32>(scratch);
    let a0 = i32x4.add(bias0, x), a1 = i32x4.add(bias1, x);
    x = v128.load_splat<i32>(scratch, 4);
    let b0 = i32x4.add(bias0, x), b1 = i32x4.add(bias1, x);
    x = v128.load_splat<i32>(scratch, 8);
    let c0 = i32x4.add(bias0, x), c1 = i32x4.add(bias1, x);
    x = v128.load_splat<i32>(scratch, 12);
    let d0 = i32x4.add(bias0, x), d1 = i32x4.add(bias1, x);
    weights += 64;
    let from = start;
    do { // unrolled twice
      let rows = v128.load(from);
      let w = v128.load(weights);
      let w0 = i16x8.extend_low_i8x16_s(w), w1 = i16x8.extend_high_i8x16_s(w);
      x = v128.shuffle<i32>(rows, rows, 0, 0, 0, 0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, w0));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, w1));
      x = v128.shuffle<i32>(rows, rows, 1, 1, 1, 1);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, w0));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x, w1));
      x = v128.shuffle<i32>(rows, rows, 2, 2, 2, 2);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, w0));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x, w1));
      x = v128.shuffle<i32>(rows, rows, 3, 3, 3, 3);
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x, w0));
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(x, w1));
      rows = v128.load(from, 16);
      w = v128.load(weights, 16);
      w0 = i16x8.extend_low_i8x16_s(w), w1 = i16x8.extend_high_i8x16_s(w);
      x = v128.shuffle<i32>(rows, rows, 0, 0, 0, 0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, w0));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, w1));
      x = v128.shuffle<i32>(rows, rows, 1, 1, 1, 1);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, w0));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x, w1));
      x = v128.shuffle<i32>(rows, rows, 2, 2, 2, 2);
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, w0));
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x, w1));
      x = v128.shuffle<i32>(rows, rows, 3, 3, 3, 3);
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x, w0));
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(x, w1));
      weights += 32;
      from += 32;
    } while (from < end);
    const s0 = v128.load(scales), s1 = v128.load(scales, 16);
    const ab = clamp(sums(a0, a1, s0, s1, vzero), sums(b0, b1, s0, s1, vzero), vlow, vhigh);
    const cd = clamp(sums(c0, c1, s0, s1, vzero), sums(d0, d1, s0, s1, vzero), vlow, vhigh);
    let to = dst + n;
    v128.store_lane<i64>(to, ab, 0);
    v128.store_lane<i64>((to += step), ab, 1);
    v128.store_lane<i64>((to += step), cd, 0);
    v128.store_lane<i64>(to + step, cd, 1);
  }
}

/** One row as it lies times all columns. */
export function tile1(
  row: usize,
  depth: usize,
  columns: usize,
  weights: usize,
  dst: usize,
  factor: i32,
  zero: i32,
  low: i32,
  high: i32,
): void {
  const vzero = zeroPoint(zero);
  const vlow = i8x16.splat(<i8>low);
  const vhigh = i8x16.splat(<i8>high);
  let sum: i32 = 0;
  if (factor) for (let k: usize = 0; k < depth; k++) sum += <i32>load<i8>(row + k);
  const start = i32x4.splat(sum * factor);
  for (let n: usize = 0; n < columns; n += 8) {
    let a0 = i32x4.add(start, v128.load(weights)), a1 = i32x4.add(start, v128.load(weights, 16));
    let b0 = i32x4.splat(0), b1 = b0;
    const scales = weights + 32;
    weights += 64;
    for (let from = row, end = row + depth; from < end; from += 8) {
      const x = v128.load_ext<i8>(from);
      let y = v128.shuffle<i32>(x, x, 0, 0, 0, 0);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(y, v128.load_ext<i8>(weights)));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(y, v128.load_ext<i8>(weights, 8)));
      y = v128.shuffle<i32>(x, x, 1, 1, 1, 1);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(y, v128.load_ext<i8>(weights, 16)));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, v128.load_ext<i8>(weights, 24)));
      y = v128.shuffle<i32>(x, x, 2, 2, 2, 2);
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(y, v128.load_ext<i8>(weights, 32)));
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(y, v128.load_ext<i8>(weights, 40)));
      y = v128.shuffle<i32>(x, x, 3, 3, 3, 3);
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(y, v128.load_ext<i8>(weights, 48)));
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(y, v128.load_ext<i8>(weights, 56)));
      weights += 64;
    }
    const a = sums(i32x4.add(a0, b0), i32x4.add(a1, b1), v128.load(scales), v128.load(scales, 16), vzero);
    v128.store_lane<i64>(dst + n, clamp(a, a, vlow, vhigh), 0);
  }
}
