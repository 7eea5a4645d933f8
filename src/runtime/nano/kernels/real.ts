// f32 for what quantising left alone: the heads of a net, seldom more.
import { exp } from "./exp";

/**
 * rows x depth times depth x columns, all f32; `columns` is a multiple of 4. Weights: the bias of each column, then
 * for each of `depth` the weights of all columns. Outputs are `outColumns` f32 a row, the others are left out.
 */
export function linear(
  src: usize,
  dst: usize,
  rows: usize,
  depth: usize,
  columns: usize,
  outColumns: usize,
  weights: usize,
): void {
  for (let i: usize = 0; i < rows; i++) {
    for (let n: usize = 0; n < columns; n += 4) {
      let w = weights + (n << 2);
      let sum = v128.load(w);
      for (let k: usize = 0; k < depth; k++) {
        w += columns << 2;
        sum = f32x4.add(sum, f32x4.mul(v128.load_splat<i32>(src + (k << 2)), v128.load(w)));
      }
      const to = dst + (n << 2);
      if (n + 4 <= outColumns) v128.store(to, sum);
      else {
        store<f32>(to, f32x4.extract_lane(sum, 0));
        if (n + 1 < outColumns) store<f32>(to, f32x4.extract_lane(sum, 1), 4);
        if (n + 2 < outColumns) store<f32>(to, f32x4.extract_lane(sum, 2), 8);
      }
    }
    src += depth << 2;
    dst += outColumns << 2;
  }
}

/** A function of each value: 0 sigmoid, 1 tanh, 2 exp, 3 square root, 4 absolute value, 5 negation. */
export function mapReal(src: usize, dst: usize, count: usize, kind: i32): void {
  for (let i: usize = 0; i < count << 2; i += 4) {
    const x = load<f32>(src + i);
    let y = -x;
    if (kind < 3) {
      const e = f32x4.extract_lane(exp(f32x4.splat(kind == 2 ? x : kind == 1 ? -x - x : -x)), 0);
      if (kind == 0) y = 1 / (1 + e);
      // Near zero, where the difference would lose its digits, the series is exact enough.
      else if (kind == 1) y = abs<f32>(x) < 0.03 ? x * (1 - x * x * <f32>0.33333333) : 2 / (1 + e) - 1;
      else y = e;
    } else if (kind == 3) y = sqrt<f32>(x);
    else if (kind == 4) y = abs<f32>(x);
    store<f32>(dst + i, y);
  }
}

/** Two values: 0 sum, 1 difference, 2 product, 3 quotient; `b` repeats after `period` values. */
export function combineReal(a: usize, b: usize, dst: usize, count: usize, period: usize, kind: i32): void {
  let j: usize = 0;
  for (let i: usize = 0; i < count; i++) {
    const x = load<f32>(a + (i << 2)), y = load<f32>(b + (j << 2));
    store<f32>(dst + (i << 2), kind == 0 ? x + y : kind == 1 ? x - y : kind == 2 ? x * y : x / y);
    if (++j == period) j = 0;
  }
}

/** Every value within bounds. */
export function clampReal(src: usize, dst: usize, count: usize, low: f32, high: f32): void {
  for (let i: usize = 0; i < count << 2; i += 4) store<f32>(dst + i, min<f32>(max<f32>(load<f32>(src + i), low), high));
}
