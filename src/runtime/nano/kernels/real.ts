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

// @ts-ignore: decorator
@inline
function start(bias: usize, n: usize, byColumn: i32): V {
  return byColumn ? fetch(bias + n) : all(load<f32>(bias));
}

/**
 * `batch` times rows x depth by depth x columns. A result starts at its bias: one for each column, or for each row the
 * one `biasRow` bytes after that of the row before. The last columns come first: what is written behind the end of a row
 * is the beginning of the next, which is still to come.
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
  const step = columns << 2, deep = depth << 2, block = 4 * STEP;
  for (; batch > 0; batch--) {
    for (let n = (step + STEP - 1) & ~(STEP - 1); n > 0; ) {
      const wide = !(n & (block - 1));
      n -= wide ? block : STEP;
      let row = src, to = dst + n, first = bias, left = rows;
      if (wide) {
        for (; left > 1; left -= 2) {
          let a = start(first, n, biasColumn), b = start(first, n + STEP, biasColumn);
          let c = start(first, n + 2 * STEP, biasColumn), d = start(first, n + 3 * STEP, biasColumn);
          first += biasRow;
          let e = start(first, n, biasColumn), f = start(first, n + STEP, biasColumn);
          let g = start(first, n + 2 * STEP, biasColumn), h = start(first, n + 3 * STEP, biasColumn);
          first += biasRow;
          let w = weights + n;
          for (const end = row + deep; row < end; row += 4) {
            const x = all(load<f32>(row)), y = all(load<f32>(row + deep));
            const w0 = fetch(w), w1 = fetch(w + STEP), w2 = fetch(w + 2 * STEP), w3 = fetch(w + 3 * STEP);
            a = plus(a, times(x, w0));
            b = plus(b, times(x, w1));
            c = plus(c, times(x, w2));
            d = plus(d, times(x, w3));
            e = plus(e, times(y, w0));
            f = plus(f, times(y, w1));
            g = plus(g, times(y, w2));
            h = plus(h, times(y, w3));
            w += step;
          }
          row += deep;
          put(to, a);
          put(to + STEP, b);
          put(to + 2 * STEP, c);
          put(to + 3 * STEP, d);
          to += step;
          put(to, e);
          put(to + STEP, f);
          put(to + 2 * STEP, g);
          put(to + 3 * STEP, h);
          to += step;
        }
      }
      for (; left > 0; left--) {
        let w = weights + n;
        let a = start(first, n, biasColumn);
        const end = row + deep;
        if (wide) {
          let b = start(first, n + STEP, biasColumn);
          let c = start(first, n + 2 * STEP, biasColumn), d = start(first, n + 3 * STEP, biasColumn);
          for (; row < end; row += 4) {
            const x = all(load<f32>(row));
            a = plus(a, times(x, fetch(w)));
            b = plus(b, times(x, fetch(w + STEP)));
            c = plus(c, times(x, fetch(w + 2 * STEP)));
            d = plus(d, times(x, fetch(w + 3 * STEP)));
            w += step;
          }
          put(to + STEP, b);
          put(to + 2 * STEP, c);
          put(to + 3 * STEP, d);
        } else {
          for (; row < end; row += 4) {
            a = plus(a, times(all(load<f32>(row)), fetch(w)));
            w += step;
          }
        }
        put(to, a);
        to += step;
        first += biasRow;
      }
    }
    src += srcBatch;
    weights += weightsBatch;
    bias += rows * biasRow;
    dst += rows * step;
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

/**
 * Planes of f32 to columns for `product`: for each plane and each place of a window its value in every window, `fill`
 * where that lies outside the image. Rows end where the next begin, so what is written behind one is written over.
 */
export function unfold(
  src: usize,
  dst: usize,
  channels: usize,
  height: i32,
  width: i32,
  outHeight: i32,
  outWidth: i32,
  windowRows: i32,
  windowColumns: i32,
  strideY: i32,
  strideX: i32,
  dilationY: i32,
  dilationX: i32,
  top: i32,
  left: i32,
  fill: f32,
): void {
  const lanes = <i32>(STEP >> 2);
  for (; channels > 0; channels--) {
    for (let i = 0; i < windowRows; i++) {
      for (let j = 0; j < windowColumns; j++) {
        // Windows `low` to `high` have this place inside the image.
        const shift = j * dilationX - left;
        const inside = min(shift < width ? (width - 1 - shift) / strideX + 1 : 0, outWidth);
        const low = min(shift < 0 ? (strideX - 1 - shift) / strideX : 0, inside);
        for (let y = 0; y < outHeight; y++) {
          const row = y * strideY + i * dilationY - top;
          const high = <u32>row < <u32>height ? inside : low;
          const from = src + ((row * width + shift) << 2);
          let x = 0;
          for (; x < low; x += lanes) put(dst + (x << 2), all(fill));
          x = low;
          if (strideX == 1) for (; x < high; x += lanes) put(dst + (x << 2), fetch(from + (x << 2)));
          else for (; x < high; x++) store<f32>(dst + (x << 2), load<f32>(from + ((x * strideX) << 2)));
          for (x = high; x < outWidth; x += lanes) put(dst + (x << 2), all(fill));
          dst += outWidth << 2;
        }
      }
    }
    src += (height * width) << 2;
  }
}
