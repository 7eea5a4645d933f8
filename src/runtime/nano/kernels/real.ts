// f32 for what quantising left alone, `STEP` bytes at a time: a value's last ones are worked on with up to three behind
// them, which never count. The build puts lane.ts in the place of lanes.ts for engines without SIMD.
import {
  all, choose, down, exponent, fetch, fraction, least, less, minus, most, over, plus, power, put, root, round, same, size,
  STEP, times, V,
} from "./lanes";

/** e^x to about 2e-7 of the result, for x within -87..88 (cut there): 2^n times a polynomial (Cephes `expf`). */
function exp(value: V): V {
  const x = least(most(value, all(-87)), all(88));
  const n = round(times(x, all(1.44269504)));
  const r = minus(minus(x, times(n, all(0.693359375))), times(n, all(-2.12194440e-4)));
  let p = plus(times(all(1.9875691500e-4), r), all(1.3981999507e-3));
  p = plus(times(p, r), all(8.3334519073e-3));
  p = plus(times(p, r), all(4.1665795894e-2));
  p = plus(times(p, r), all(1.6666665459e-1));
  p = plus(times(p, r), all(5.0000001201e-1));
  return times(plus(plus(times(times(p, r), r), r), all(1)), power(n));
}

/** Natural logarithm of a positive number: exponent, and a series in (m - 1) / (m + 1) for what is left, 0.7 to 1.4. */
function log(x: V): V {
  const half = less(all(1.41421356), fraction(x));
  const m = times(fraction(x), minus(all(1), times(half, all(0.5))));
  const s = over(minus(m, all(1)), plus(m, all(1)));
  const z = times(s, s);
  let p = plus(times(all(0.22222222), z), all(0.28571429));
  p = plus(times(p, z), all(0.4));
  p = plus(times(p, z), all(0.66666667));
  return plus(times(s, plus(times(p, z), all(2))), times(plus(exponent(x), half), all(0.69314718)));
}

/** Near zero, where the difference would lose its digits, the series is exact enough. */
function tanh(x: V): V {
  const small = times(x, minus(all(1), times(times(x, x), all(0.33333333))));
  const large = minus(over(all(2), plus(all(1), exp(times(x, all(-2))))), all(1));
  return choose(large, small, less(size(x), all(0.03)));
}

/** To about 1.5e-7 (Abramowitz and Stegun 7.1.26); the sign is put back last. */
function erf(x: V): V {
  const a = size(x);
  const t = over(all(1), plus(all(1), times(all(0.3275911), a)));
  let p = plus(times(all(1.061405429), t), all(-1.453152027));
  p = plus(times(p, t), all(1.421413741));
  p = plus(times(p, t), all(-0.284496736));
  p = plus(times(p, t), all(0.254829592));
  const y = minus(all(1), times(times(p, t), exp(minus(all(0), times(a, a)))));
  return choose(y, minus(all(0), y), less(x, all(0)));
}

/** A function of each value, in the order of `MAPS`. */
export function mapReal(src: usize, dst: usize, count: usize, kind: i32): void {
  for (const end = src + (count << 2); src < end; src += STEP) {
    const x = fetch(src);
    let y: V;
    if (kind == 0) y = over(all(1), plus(all(1), exp(minus(all(0), x))));
    else if (kind == 1) y = tanh(x);
    else if (kind == 2) y = exp(x);
    else if (kind == 3) y = root(x);
    else if (kind == 4) y = size(x);
    else if (kind == 5) y = minus(all(0), x);
    else if (kind == 6) y = erf(x);
    else if (kind == 7) y = log(x);
    else if (kind == 8) y = down(x);
    else y = round(x);
    put(dst, y);
    dst += STEP;
  }
}

/** A function of two values, in the order of `PAIRS`; `b` repeats after `period` values. */
export function combineReal(a: usize, b: usize, dst: usize, count: usize, period: usize, kind: i32): void {
  const again = period << 2;
  let j: usize = 0;
  for (const end = a + (count << 2); a < end; a += STEP) {
    const x = fetch(a), y = fetch(b + j);
    let z: V;
    if (kind == 0) z = plus(x, y);
    else if (kind == 1) z = minus(x, y);
    else if (kind == 2) z = times(x, y);
    else if (kind == 3) z = over(x, y);
    else if (kind == 4) z = most(x, y);
    else if (kind == 5) z = least(x, y);
    else if (kind == 6) z = less(x, y);
    else if (kind == 7) z = same(x, y);
    else if (kind == 8) z = choose(all(0), x, y);
    else z = choose(x, all(0), y);
    put(dst, z);
    dst += STEP;
    if ((j += STEP) >= again) j = 0;
  }
}

/** Every value within bounds. */
export function clampReal(src: usize, dst: usize, count: usize, low: f32, high: f32): void {
  for (const end = src + (count << 2); src < end; src += STEP) {
    put(dst, least(most(fetch(src), all(low)), all(high)));
    dst += STEP;
  }
}

/**
 * `batch` times rows x depth by depth x columns. A result starts at its bias: one for each column, or for each row the
 * one `biasRow` bytes after that of the row before. Rows end where the next begin, so the last of a row are written over.
 */
export function product(
  src: usize,
  weights: usize,
  bias: usize,
  dst: usize,
  batch: usize,
  rows: usize,
  depth: usize,
  columns: usize,
  srcBatch: usize,
  weightsBatch: usize,
  biasRow: usize,
  biasColumn: i32,
): void {
  const step = columns << 2;
  for (; batch > 0; batch--) {
    let row = src;
    for (let i = rows; i > 0; i--) {
      const end = row + (depth << 2);
      let n: usize = 0;
      for (; n + 4 * STEP <= step; n += 4 * STEP) {
        let a = all(load<f32>(bias)), b = a, c = a, d = a;
        if (biasColumn) {
          a = fetch(bias + n);
          b = fetch(bias + n + STEP);
          c = fetch(bias + n + 2 * STEP);
          d = fetch(bias + n + 3 * STEP);
        }
        let w = weights + n;
        for (let from = row; from < end; from += 4) {
          const x = all(load<f32>(from));
          a = plus(a, times(x, fetch(w)));
          b = plus(b, times(x, fetch(w + STEP)));
          c = plus(c, times(x, fetch(w + 2 * STEP)));
          d = plus(d, times(x, fetch(w + 3 * STEP)));
          w += step;
        }
        put(dst + n, a);
        put(dst + n + STEP, b);
        put(dst + n + 2 * STEP, c);
        put(dst + n + 3 * STEP, d);
      }
      for (; n < step; n += STEP) {
        let a = biasColumn ? fetch(bias + n) : all(load<f32>(bias));
        let w = weights + n;
        for (let from = row; from < end; from += 4) {
          a = plus(a, times(all(load<f32>(from)), fetch(w)));
          w += step;
        }
        put(dst + n, a);
      }
      row = end;
      dst += step;
      bias += biasRow;
    }
    src += srcBatch;
    weights += weightsBatch;
  }
}

/** Rows of `count`, each made to sum to 1; `dst` lies elsewhere. */
export function softmax(src: usize, dst: usize, rows: usize, count: usize): void {
  const bytes = count << 2;
  for (; rows > 0; rows--) {
    let top: f32 = -Infinity, sum: f32 = 0;
    let i: usize = 0;
    for (; i < bytes; i += 4) top = max<f32>(top, load<f32>(src + i));
    for (i = 0; i < bytes; i += STEP) put(dst + i, exp(minus(fetch(src + i), all(top))));
    for (i = 0; i < bytes; i += 4) sum += load<f32>(dst + i);
    for (i = 0; i < bytes; i += STEP) put(dst + i, over(fetch(dst + i), all(sum)));
    src += bytes;
    dst += bytes;
  }
}

/** Rows of `count`, each less its mean, divided by its standard deviation; `dst` lies elsewhere. */
export function normalise(src: usize, dst: usize, rows: usize, count: usize, epsilon: f32): void {
  const bytes = count << 2;
  for (; rows > 0; rows--) {
    let mean: f32 = 0, squares: f32 = 0;
    let i: usize = 0;
    for (; i < bytes; i += 4) mean += load<f32>(src + i);
    mean /= <f32>count;
    for (i = 0; i < bytes; i += 4) {
      const x = load<f32>(src + i) - mean;
      squares += x * x;
    }
    const scale = <f32>1 / sqrt<f32>(squares / <f32>count + epsilon);
    for (i = 0; i < bytes; i += STEP) put(dst + i, times(minus(fetch(src + i), all(mean)), all(scale)));
    src += bytes;
    dst += bytes;
  }
}
