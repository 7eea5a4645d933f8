// Products by the relaxed `i8 x i7` dot: four products and their sum a lane. The second operand must be 0..127, so
// weights within -63..63 are stored plus 64 and 64 times the row's sum is taken off again.
import { clamp, sums, zeroPoint } from "./requantise";

export const BIAS: i32 = 64;

/** Once after loading, in place: from pairs to quads, plus 64. */
export function repack(weights: usize, depth: usize, columns: usize): void {
  const bias = i8x16.splat(<i8>BIAS);
  for (let n: usize = 0; n < columns; n += 8) {
    weights += 64;
    for (let k: usize = 0; k < depth; k += 4) {
      const a = v128.load(weights);
      const b = v128.load(weights, 16);
      v128.store(weights, i8x16.add(v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11), bias));
      v128.store(weights, i8x16.add(v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), bias), 16);
      weights += 32;
    }
  }
}

export function pack(a: usize, b: usize, c: usize, d: usize, depth: usize, scratch: usize, factor: i32): void {
  const one = i8x16.splat(1);
  let sum = i32x4.splat(0);
  let to = scratch + 16;
  for (let k: usize = 0; k < depth; k += 8) {
    const ra = v128.load_zero<i64>(a + k);
    const rb = v128.load_zero<i64>(b + k);
    const rc = v128.load_zero<i64>(c + k);
    const rd = v128.load_zero<i64>(d + k);
    const ab = v128.shuffle<i32>(ra, rb, 0, 4, 1, 5);
    const cd = v128.shuffle<i32>(rc, rd, 0, 4, 1, 5);
    const p0 = v128.shuffle<i64>(ab, cd, 0, 2);
    const p1 = v128.shuffle<i64>(ab, cd, 1, 3);
    sum = i32x4.relaxed_dot_i8x16_i7x16_add_s(p0, one, sum);
    sum = i32x4.relaxed_dot_i8x16_i7x16_add_s(p1, one, sum);
    v128.store(to, p0);
    v128.store(to, p1, 16);
    to += 32;
  }
  v128.store(scratch, i32x4.mul(sum, i32x4.splat(factor)));
}

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
  const end = start + (depth << 2);
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
    for (let from = start; from < end; from += 16) {
      const w0 = v128.load(weights), w1 = v128.load(weights, 16);
      const rows = v128.load(from);
      x = v128.shuffle<i32>(rows, rows, 0, 0, 0, 0);
      a0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w0, a0);
      a1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w1, a1);
      x = v128.shuffle<i32>(rows, rows, 1, 1, 1, 1);
      b0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w0, b0);
      b1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w1, b1);
      x = v128.shuffle<i32>(rows, rows, 2, 2, 2, 2);
      c0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w0, c0);
      c1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w1, c1);
      x = v128.shuffle<i32>(rows, rows, 3, 3, 3, 3);
      d0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w0, d0);
      d1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w1, d1);
      weights += 32;
    }
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
  for (let k: usize = 0; k < depth; k++) sum += <i32>load<i8>(row + k);
  const start = i32x4.splat(sum * factor);
  for (let n: usize = 0; n < columns; n += 8) {
    let a0 = i32x4.add(start, v128.load(weights)), a1 = i32x4.add(start, v128.load(weights, 16));
    const scales = weights + 32;
    weights += 64;
    for (let from = row, end = row + depth; from < end; from += 4) {
      const x = v128.load_splat<i32>(from);
      a0 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(weights), a0);
      a1 = i32x4.relaxed_dot_i8x16_i7x16_add_s(x, v128.load(weights, 16), a1);
      weights += 32;
    }
    const a = sums(a0, a1, v128.load(scales), v128.load(scales, 16), vzero);
    v128.store_lane<i64>(dst + n, clamp(a, a, vlow, vhigh), 0);
  }
}
