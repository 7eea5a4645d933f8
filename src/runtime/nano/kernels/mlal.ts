// Products by widening int8 multiplication: `smull, smlal, sadalp`, three instructions for 16 products on ARM without
// dot products. Weights must lie within -127..127: two products of -128 * -128 would overflow int16.

/** Weights are stored as this variant reads them. */
export function repack(weights: usize, depth: usize, columns: usize): void {}

export const BIAS: i32 = 0;
/** Rows are read as they lie, two pairs of inputs a step. */
export const ROW_BYTES: usize = 1;

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
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(v128.load_ext<i8>(row), i16x8.splat(1)));
  }
  sum = i32x4.add(sum, v128.shuffle<i64>(sum, sum, 1, 0));
  return i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1);
}

// Two pairs of inputs, each for all columns, and the weights of each for all of them too.
// @ts-ignore: decorator
@inline
export function firstInputs(row: usize): v128 {
  return v128.load_splat<i16>(row);
}
// @ts-ignore: decorator
@inline
export function secondInputs(row: usize): v128 {
  return v128.load_splat<i16>(row, 2);
}
// @ts-ignore: decorator
@inline
export function firstLow(at: usize): v128 {
  return v128.load(at);
}
// @ts-ignore: decorator
@inline
export function secondLow(at: usize): v128 {
  return v128.load(at, 16);
}
// @ts-ignore: decorator
@inline
export function firstHigh(at: usize): v128 {
  return v128.load(at);
}
// @ts-ignore: decorator
@inline
export function secondHigh(at: usize): v128 {
  return v128.load(at, 16);
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
  const products = i16x8.add(i16x8.extmul_low_i8x16_s(x, first), i16x8.extmul_low_i8x16_s(y, second));
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(products));
}
// @ts-ignore: decorator
@inline
export function high(sum: v128, x: v128, y: v128, first: v128, second: v128): v128 {
  const products = i16x8.add(i16x8.extmul_high_i8x16_s(x, first), i16x8.extmul_high_i8x16_s(y, second));
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(products));
}
