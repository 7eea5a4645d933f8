// Entry of a products build: convolution and matrix product, over one of the variants.
//
// Weights, for every 8 output channels: 8 x i32 bias | 8 x f32 scale | for each pair of inputs k, k+1: 8 x {w[k], w[k+1]} int8.
// The input's zero point is folded into the bias. `weightZero` is the weights' own zero point: the sum of each row of
// inputs times it is taken off; where `depth` is padded the weights hold `weightZero`, so that what lies there cannot count.
import { bound, magicNumber, sums, zeroPoint } from "./requantise";
import {
  BIAS, firstHigh, firstInputs, firstLow, firstWideHigh, firstWideLow, high, low, pack, repack as repackVariant,
  ROW_BYTES, rowSum, secondHigh, secondInputs, secondLow, secondWideHigh, secondWideLow, widen, WIDTH,
} from "./variant";

export function repack(weights: usize, depth: usize, columns: usize): void {
  repackVariant(weights, depth, columns);
}

/**
 * The scratch holds the sums of a batch of rows, then the weights of 8 columns as they are multiplied, then the batch itself. The larger
 * a batch, the less often weights are widened; the session makes room for `ROOM` bytes of rows, see `session.ts`.
 */
const MOST: usize = 128;
const ROOM: usize = 131072;
const SUMS: usize = 4 * MOST;

/** Rows at once: a multiple of 4. */
// @ts-ignore: decorator
@inline
function batch(depth: usize): usize {
  return max<usize>(4, min<usize>(MOST, (ROOM / (depth * ROW_BYTES)) & ~3));
}

// @ts-ignore: decorator
@inline
function packed(scratch: usize, depth: usize): usize {
  return scratch + SUMS + (depth << 4);
}

/** Packed rows times all columns. `step` is the distance between output rows. */
function tile(
  scratch: usize,
  from: usize,
  depth: usize,
  columns: usize,
  weights: usize,
  dst: usize,
  step: usize,
  rows: usize,
  factor: i32,
  zero: i32,
  lowest: i32,
  highest: i32,
): void {
  const vzero = zeroPoint(zero);
  const magic = magicNumber(vzero, zero);
  const rowBytes = depth * ROW_BYTES;
  if (factor) {
    for (let i: usize = 0; i < rows; i++) store<i32>(scratch + (i << 2), factor * rowSum(from + i * rowBytes, depth));
  }
  for (let n: usize = 0; n < columns; n += 8) {
    const next = weights + 64 + (depth << 3);
    let wide = weights + 64;
    if (WIDTH > 1 && rows >= 4) {
      wide = scratch + SUMS;
      widen(weights + 64, wide, depth << 3);
    }
    const end = wide + (depth << 3) * WIDTH;
    let to = dst + n;
    let sum = scratch;
    let a = from;
    let left = rows;
    for (; left >= 4; left -= 4) {
      let a0 = v128.load(weights), a1 = v128.load(weights, 16);
      let b0 = a0, b1 = a1, c0 = a0, c1 = a1, d0 = a0, d1 = a1;
      let b = a + rowBytes, c = b + rowBytes, d = c + rowBytes;
      let w = wide;
      do {
        const i = firstWideLow(w), j = secondWideLow(w), k = firstWideHigh(w), l = secondWideHigh(w);
        let x = firstInputs(a), y = secondInputs(a);
        a0 = low(a0, x, y, i, j), a1 = high(a1, x, y, k, l);
        x = firstInputs(b), y = secondInputs(b);
        b0 = low(b0, x, y, i, j), b1 = high(b1, x, y, k, l);
        x = firstInputs(c), y = secondInputs(c);
        c0 = low(c0, x, y, i, j), c1 = high(c1, x, y, k, l);
        x = firstInputs(d), y = secondInputs(d);
        d0 = low(d0, x, y, i, j), d1 = high(d1, x, y, k, l);
        w += 32 * WIDTH;
        a += 4 * ROW_BYTES, b += 4 * ROW_BYTES, c += 4 * ROW_BYTES, d += 4 * ROW_BYTES;
      } while (w < end);
      if (factor) {
        let s = v128.load_splat<i32>(sum);
        a0 = i32x4.add(a0, s), a1 = i32x4.add(a1, s);
        s = v128.load_splat<i32>(sum, 4);
        b0 = i32x4.add(b0, s), b1 = i32x4.add(b1, s);
        s = v128.load_splat<i32>(sum, 8);
        c0 = i32x4.add(c0, s), c1 = i32x4.add(c1, s);
        s = v128.load_splat<i32>(sum, 12);
        d0 = i32x4.add(d0, s), d1 = i32x4.add(d1, s);
        sum += 16;
      }
      const s0 = v128.load(weights, 32), s1 = v128.load(weights, 48);
      const ab = i8x16.narrow_i16x8_s(sums(a0, a1, s0, s1, vzero, magic), sums(b0, b1, s0, s1, vzero, magic));
      const cd = i8x16.narrow_i16x8_s(sums(c0, c1, s0, s1, vzero, magic), sums(d0, d1, s0, s1, vzero, magic));
      v128.store_lane<i64>(to, ab, 0);
      v128.store_lane<i64>((to += step), ab, 1);
      v128.store_lane<i64>((to += step), cd, 0);
      v128.store_lane<i64>((to += step), cd, 1);
      to += step;
      a = d;
    }
    for (; left > 0; left--) {
      let a0 = v128.load(weights), a1 = v128.load(weights, 16);
      if (factor) {
        const s = v128.load_splat<i32>(sum);
        a0 = i32x4.add(a0, s), a1 = i32x4.add(a1, s);
        sum += 4;
      }
      let w = weights + 64;
      do {
        const x = firstInputs(a), y = secondInputs(a);
        a0 = low(a0, x, y, firstLow(w), secondLow(w)), a1 = high(a1, x, y, firstHigh(w), secondHigh(w));
        w += 32;
        a += 4 * ROW_BYTES;
      } while (w < next);
      const s = sums(a0, a1, v128.load(weights, 32), v128.load(weights, 48), vzero, magic);
      v128.store_lane<i64>(to, i8x16.narrow_i16x8_s(s, s), 0);
      to += step;
    }
    weights = next;
  }
  for (; rows > 0; rows--) {
    bound(dst, columns, lowest, highest);
    dst += step;
  }
}

/** rows x depth times depth x columns; both multiples of 8. Outputs are `columns` bytes a row. */
export function multiply(
  weights: usize,
  depth: usize,
  columns: usize,
  src: usize,
  dst: usize,
  rows: usize,
  scratch: usize,
  weightZero: i32,
  zero: i32,
  lowest: i32,
  highest: i32,
): void {
  const factor = -BIAS - weightZero;
  const most = batch(depth);
  for (let left = rows; left > 0; ) {
    const count = min<usize>(left, most);
    let from = src;
    // Where rows are read as they lie there is nothing to pack.
    if (ROW_BYTES > 1) {
      from = packed(scratch, depth);
      widen(src, from, count * depth);
    }
    tile(scratch, from, depth, columns, weights, dst, columns, count, factor, zero, lowest, highest);
    src += count * depth;
    dst += count * columns;
    left -= count;
  }
}

/**
 * Any kernel, stride and dilation over an image that has its padding already. A window is `windowRows` rows,
 * `rowStep` bytes apart, of `runs` runs of `runLength` bytes, `runStep` apart; side by side they are the depth,
 * padded to a multiple of 8. Windows start `stepX` and `stepY` bytes apart. Output pixels are `pixelBytes` apart.
 */
export function convolve(
  weights: usize,
  depth: usize,
  columns: usize,
  src: usize,
  dst: usize,
  outHeight: usize,
  outWidth: usize,
  stepY: usize,
  stepX: usize,
  windowRows: usize,
  rowStep: usize,
  runs: usize,
  runLength: usize,
  runStep: usize,
  pixelBytes: usize,
  scratch: usize,
  weightZero: i32,
  zero: i32,
  lowest: i32,
  highest: i32,
): void {
  const factor = -BIAS - weightZero;
  const most = batch(depth);
  const rows = packed(scratch, depth);
  let x: usize = 0;
  let line = src;
  for (let left = outHeight * outWidth; left > 0; ) {
    const count = min<usize>(left, most);
    for (let i: usize = 0; i < count; i++) {
      let from = line + x * stepX;
      let to = rows + i * depth * ROW_BYTES;
      let run = from;
      let r = runs;
      for (let n = windowRows * runs; n > 0; n--) {
        // Up to 7 values too many: the next run writes over them, and behind the last one weights hold weightZero.
        pack(run, to, runLength);
        to += runLength * ROW_BYTES;
        run += runStep;
        if (--r == 0) {
          r = runs;
          run = from += rowStep;
        }
      }
      if (++x == outWidth) {
        x = 0;
        line += stepY;
      }
    }
    tile(scratch, rows, depth, columns, weights, dst, pixelBytes, count, factor, zero, lowest, highest);
    dst += count * pixelBytes;
    left -= count;
  }
}
