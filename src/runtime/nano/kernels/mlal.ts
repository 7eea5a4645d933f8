// Products by widening int8 multiplication: `smull, smlal2, sadalp`, three instructions for 16 products on ARM without
// dot products. Weights must lie within -127..127: two products of -128 * -128 would overflow int16.
import { clamp, sums, zeroPoint } from "./requantise";

export const BIAS: i32 = 0;

/** Once after loading, in place: from pairs to the two halves that `extmul_low` and `extmul_high` take. */
export function repack(weights: usize, depth: usize, columns: usize): void {
  for (let n: usize = 0; n < columns; n += 8) {
    weights += 64;
    for (let k: usize = 0; k < depth; k += 4) {
      const a = v128.load(weights);
      const b = v128.load(weights, 16);
      v128.store(weights, v128.shuffle<i64>(a, b, 0, 2));
      v128.store(weights, v128.shuffle<i64>(a, b, 1, 3), 16);
      weights += 32;
    }
  }
}

// @ts-ignore: decorator
@inline
function spread(at: usize): v128 {
  const x = v128.load_splat<i32>(at);
  return v128.shuffle<i16>(x, x, 0, 0, 0, 0, 1, 1, 1, 1);
}

// @ts-ignore: decorator
@inline
function rowSum(row: usize, depth: usize): i32 {
  let sum = i32x4.splat(0);
  for (let k: usize = 0; k < depth; k += 8) {
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load_ext<i8>(row + k), i16x8.splat(1)));
  }
  sum = i32x4.add(sum, v128.shuffle<i64>(sum, sum, 1, 0));
  return i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
}

export function pack(a: usize, b: usize, c: usize, d: usize, depth: usize, scratch: usize, factor: i32): void {
  store<i32>(scratch, factor ? factor * rowSum(a, depth) : 0);
  store<i32>(scratch, factor ? factor * rowSum(b, depth) : 0, 4);
  store<i32>(scratch, factor ? factor * rowSum(c, depth) : 0, 8);
  store<i32>(scratch, factor ? factor * rowSum(d, depth) : 0, 12);
  let to = scratch + 16;
  for (let k: usize = 0; k < depth; k += 4) {
    v128.store(to, spread(a + k));
    v128.store(to, spread(b + k), 16);
    v128.store(to, spread(c + k), 32);
    v128.store(to, spread(d + k), 48);
    to += 64;
  }
}

// @ts-ignore: decorator
@inline
function accumulate(sum: v128, x: v128, w: v128): v128 {
  const products = i16x8.add(i16x8.extmul_low_i8x16_s(x, w), i16x8.extmul_high_i8x16_s(x, w));
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(products));
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
  const end = start + (depth << 4);
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
    for (let from = start; from < end; from += 64) {
      const w0 = v128.load(weights), w1 = v128.load(weights, 16);
      x = v128.load(from);
      a0 = accumulate(a0, x, w0), a1 = accumulate(a1, x, w1);
      x = v128.load(from, 16);
      b0 = accumulate(b0, x, w0), b1 = accumulate(b1, x, w1);
      x = v128.load(from, 32);
      c0 = accumulate(c0, x, w0), c1 = accumulate(c1, x, w1);
      x = v128.load(from, 48);
      d0 = accumulate(d0, x, w0), d1 = accumulate(d1, x, w1);
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
  const start = i32x4.splat(factor ? factor * rowSum(row, depth) : 0);
  for (let n: usize = 0; n < columns; n += 8) {
    let a0 = i32x4.add(start, v128.load(weights)), a1 = i32x4.add(start, v128.load(weights, 16));
    const scales = weights + 32;
    weights += 64;
    for (let from = row, end = row + depth; from < end; from += 4) {
      const x = spread(from);
      a0 = accumulate(a0, x, v128.load(weights));
      a1 = accumulate(a1, x, v128.load(weights, 16));
      weights += 32;
    }
    const a = sums(a0, a1, v128.load(scales), v128.load(scales, 16), vzero);
    v128.store_lane<i64>(dst + n, clamp(a, a, vlow, vhigh), 0);
  }
}
