// Products by `i32x4.dot_i16x8_s`: two products and their sum a lane. Fast on x86 and on ARM with little emulation.
// Weights are stored as int8 and widened once for a batch of rows, since that takes as long as a product.

/** Weights are stored as this variant reads them. */
export function repack(weights: usize, depth: usize, columns: usize): void {}

/** Added to the weights' zero point: nothing, weights are used as stored. */
export const BIAS: i32 = 0;
/** Bytes of a packed value: rows become int16. */
export const ROW_BYTES: usize = 2;

/** Values that follow each other, eight at a time. */
// @ts-ignore: decorator
@inline
export function pack(src: usize, dst: usize, count: usize): void {
  const end = src + count;
  do {
    v128.store(dst, v128.load_ext<i8>(src));
    dst += 16;
    src += 8;
  } while (src < end);
}

export function rowSum(row: usize, depth: usize): i32 {
  let sum = i32x4.splat(0);
  for (const end = row + (depth << 1); row < end; row += 16) {
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load(row), i16x8.splat(1)));
  }
  sum = i32x4.add(sum, v128.shuffle<i64>(sum, sum, 1, 0));
  return i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
}

// Two pairs of inputs, each for all columns, and the weights of both for the first and for the last four columns.
// @ts-ignore: decorator
@inline
export function firstInputs(row: usize): v128 {
  return v128.load_splat<i32>(row);
}
// @ts-ignore: decorator
@inline
export function secondInputs(row: usize): v128 {
  return v128.load_splat<i32>(row, 4);
}
// @ts-ignore: decorator
@inline
export function firstLow(at: usize): v128 {
  return v128.load_ext<i8>(at);
}
// @ts-ignore: decorator
@inline
export function secondLow(at: usize): v128 {
  return v128.load_ext<i8>(at, 16);
}
// @ts-ignore: decorator
@inline
export function firstHigh(at: usize): v128 {
  return v128.load_ext<i8>(at, 8);
}
// @ts-ignore: decorator
@inline
export function secondHigh(at: usize): v128 {
  return v128.load_ext<i8>(at, 24);
}

/** Bytes of a weight as it is multiplied. */
export const WIDTH: usize = 2;

/** `count` values, a multiple of 8, as int16; up to 24 more are read and written. */
export function widen(src: usize, dst: usize, count: usize): void {
  const end = src + count;
  do {
    v128.store(dst, v128.load_ext<i8>(src));
    v128.store(dst, v128.load_ext<i8>(src, 8), 16);
    v128.store(dst, v128.load_ext<i8>(src, 16), 32);
    v128.store(dst, v128.load_ext<i8>(src, 24), 48);
    dst += 64;
    src += 32;
  } while (src < end);
}

// Weights that were widened.
// @ts-ignore: decorator
@inline
export function firstWideLow(at: usize): v128 {
  return v128.load(at);
}
// @ts-ignore: decorator
@inline
export function secondWideLow(at: usize): v128 {
  return v128.load(at, 32);
}
// @ts-ignore: decorator
@inline
export function firstWideHigh(at: usize): v128 {
  return v128.load(at, 16);
}
// @ts-ignore: decorator
@inline
export function secondWideHigh(at: usize): v128 {
  return v128.load(at, 48);
}

// @ts-ignore: decorator
@inline
export function low(sum: v128, x: v128, y: v128, first: v128, second: v128): v128 {
  return i32x4.add(i32x4.add(sum, i32x4.dot_i16x8_s(x, first)), i32x4.dot_i16x8_s(y, second));
}
// @ts-ignore: decorator
@inline
export function high(sum: v128, x: v128, y: v128, first: v128, second: v128): v128 {
  return i32x4.add(i32x4.add(sum, i32x4.dot_i16x8_s(x, first)), i32x4.dot_i16x8_s(y, second));
}
