// Products by the relaxed `i8 x i7` dot: four products and their sum a lane. The second operand must be 0..127, so
// weights within -63..63 are stored plus 64 and 64 times the row's sum is taken off again.

export const BIAS: i32 = 64;
/** Rows are read as they lie, four inputs a step. */
export const ROW_BYTES: usize = 1;

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

// @ts-ignore: decorator
@inline
export function pack(src: usize, dst: usize, count: usize): void {
  const end = src + count;
  do {
    store<u64>(dst, load<u64>(src));
    dst += 8;
    src += 8;
  } while (src < end);
}

export function rowSum(row: usize, depth: usize): i32 {
  let sum = i32x4.splat(0);
  for (const end = row + depth; row < end; row += 8) {
    sum = i32x4.relaxed_dot_i8x16_i7x16_add_s(v128.load_zero<i64>(row), i8x16.splat(1), sum);
  }
  return i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
}

// Four inputs at once, for all columns: there is nothing second.
// @ts-ignore: decorator
@inline
export function firstInputs(row: usize): v128 {
  return v128.load_splat<i32>(row);
}
// @ts-ignore: decorator
@inline
export function secondInputs(row: usize): v128 {
  return i32x4.splat(0);
}
// @ts-ignore: decorator
@inline
export function firstLow(at: usize): v128 {
  return v128.load(at);
}
// @ts-ignore: decorator
@inline
export function firstHigh(at: usize): v128 {
  return v128.load(at, 16);
}
// @ts-ignore: decorator
@inline
export function secondLow(at: usize): v128 {
  return i32x4.splat(0);
}
// @ts-ignore: decorator
@inline
export function secondHigh(at: usize): v128 {
  return i32x4.splat(0);
}

// Weights are multiplied as they lie.
export const WIDTH: usize = 1;
export function widen(src: usize, dst: usize, count: usize): void {}
export {
  firstHigh as firstWideHigh, firstLow as firstWideLow, secondHigh as secondWideHigh, secondLow as secondWideLow,
};

// @ts-ignore: decorator
@inline
export function low(sum: v128, x: v128, y: v128, first: v128, second: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, first, sum);
}
// @ts-ignore: decorator
@inline
export function high(sum: v128, x: v128, y: v128, first: v128, second: v128): v128 {
  return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, first, sum);
}
